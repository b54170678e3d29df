/* SPDX-License-Identifier: Apache-2.0 */
/* GetWorkerStatus: all workers, or one. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/alloc.h"
#include "lib/base/error.h"
#include "lib/base/strbuf.h"
#include "lib/base/time.h"
#include "lib/wire/wire.h"
#include "services/coordinator/coordinator.h"
#include "services/coordinator/rpc_methods.h"

static int32_t
to_int32(uint64_t n)
{
	return n > INT32_MAX ? INT32_MAX : (int32_t)n;
}

/* Borrows from the worker, except for the two names, which are owned. */
static void
describe(const struct hg_worker *w, uint64_t now_ns, struct hg_wire_worker *ret)
{
	enum hg_breaker_state state = hg_breaker_state(&w->breaker, now_ns);

	*ret = (struct hg_wire_worker){
		.worker_id = w->id,
		.address = w->address,
		.caps = {
			.architectures = w->architectures.v,
			.n_architectures = w->architectures.n,
			.compilers = w->compilers.v,
			.n_compilers = w->compilers.n,
			.cpu_cores = w->cpu_cores,
			.memory_bytes = w->memory_bytes,
			.docker_available = w->docker_available,
			.slots = w->slots,
			.version = w->version,
			.hostname = w->hostname,
			.no_sandbox = w->no_sandbox,
		},
		.active_tasks = w->active,
		.total_tasks = to_int32(w->total),
		.successful_tasks = to_int32(w->successful),
		.avg_compile_time_ms = w->answered
		    ? (int64_t)(w->compile_ms / w->answered)
		    : 0,
		.circuit_state = hg_xstrdup(hg_breaker_state_name(state)),
		.source = hg_xstrdup(hg_source_name(w->source)),
		.latency_ms = w->latency_ms,
		.heartbeat_age_ms =
		    (int64_t)((now_ns - w->seen_ns) / HG_NS_PER_MS),
		.draining = w->draining,
	};
}

static void
answer(struct hg_rpc_request *req, struct hg_worker *const *v, size_t n)
{
	struct hg_wire_status_reply reply = { .n_workers = n };
	struct hg_strbuf out = HG_STRBUF_INIT;
	uint64_t now_ns = hg_now_ns();

	reply.workers = hg_xcalloc(n + 1, sizeof(*reply.workers));
	for (size_t i = 0; i < n; i++)
		describe(v[i], now_ns, &reply.workers[i]);
	hg_wire_status_reply_pack(&reply, &out);
	hg_coord_reply(req, &out);
	for (size_t i = 0; i < n; i++) {
		free(reply.workers[i].circuit_state);
		free(reply.workers[i].source);
	}
	free(reply.workers);
}

static void
answer_one(struct hg_coord *c, struct hg_rpc_request *req, const char *id)
{
	struct hg_worker *w = hg_registry_find(&c->registry, id);

	if (w)
		answer(req, &w, 1);
	else
		hg_rpc_refuse(req, HG_RPC_NOT_FOUND,
		    "no worker of that id is registered");
}

void
hg_coord_on_status(void *ctx, struct hg_rpc_request *req)
{
	struct hg_coord *c = ctx;
	struct hg_error err;
	struct hg_wire_status *m;
	const void *body;
	size_t n;

	body = hg_rpc_request_body(req, &n);
	m = hg_wire_status_unpack(body, n, &err);
	if (!m)
		hg_coord_refuse_undecodable(req, &err);
	else if (*m->worker_id)
		answer_one(c, req, m->worker_id);
	else
		answer(req, c->registry.v, c->registry.n);
	hg_wire_status_free(m);
}
