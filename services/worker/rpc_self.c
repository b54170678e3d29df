/* SPDX-License-Identifier: Apache-2.0 */
/* The other methods of BuildService: a worker tells of itself. */
#include "config.h"

#include <string.h>

#include "lib/base/error.h"
#include "lib/base/strbuf.h"
#include "lib/base/time.h"
#include "lib/rpc/rpc.h"
#include "lib/wire/wire.h"
#include "services/worker/slots.h"
#include "services/worker/worker.h"

static void
refuse_unreadable(struct hg_rpc_request *req, const struct hg_error *err)
{
	hg_rpc_refuse(req, HG_RPC_INVALID_ARGUMENT, err->text);
}

static void
refuse_unknown(struct hg_rpc_request *req, const struct hg_worker *w)
{
	struct hg_error err;

	hg_fail(&err, HG_NOTFOUND, "this is worker %s", w->id);
	hg_rpc_refuse(req, HG_RPC_NOT_FOUND, err.text);
}

static void
reply(struct hg_rpc_request *req, struct hg_strbuf *body)
{
	hg_rpc_reply(req, body->buf, body->len);
	hg_strbuf_release(body);
}

void
hg_worker_rpc_handshake(void *ctx, struct hg_rpc_request *req)
{
	static char message[] = "workers register with a coordinator, and this "
				"is a worker";
	struct hg_wire_handshake_reply m = { .message = message };
	struct hg_strbuf body = HG_STRBUF_INIT;

	(void)ctx;
	hg_wire_handshake_reply_pack(&m, &body);
	reply(req, &body);
}

void
hg_worker_rpc_health(void *ctx, struct hg_rpc_request *req)
{
	static char ok[] = "ok", degraded[] = "degraded";
	struct hg_worker *w = ctx;
	struct hg_error err = { .text = "" };
	struct hg_strbuf out = HG_STRBUF_INIT;
	struct hg_slots_count count;
	struct hg_wire_health *m;
	struct hg_wire_health_reply r;
	const void *body;
	bool is_us;
	size_t n;

	body = hg_rpc_request_body(req, &n);
	m = hg_wire_health_unpack(body, n, &err);
	if (!m) {
		refuse_unreadable(req, &err);
		return;
	}
	is_us = !*m->worker_id || strcmp(m->worker_id, w->id) == 0;
	hg_wire_health_free(m);
	if (!is_us) {
		refuse_unknown(req, w);
		return;
	}
	hg_slots_count(w->slots, &count);
	r = (struct hg_wire_health_reply){
		.healthy = !w->draining,
		.status = w->draining ? degraded : ok,
		.active_tasks = (int32_t)(count.running + count.waiting),
		.uptime_seconds =
		    (int64_t)((hg_now_ns() - w->started_ns) / HG_NS_PER_SEC),
		.queued_tasks = (int32_t)count.waiting,
		.slots = (int32_t)count.threads,
		.version = w->capability.version,
	};
	hg_wire_health_reply_pack(&r, &out);
	reply(req, &out);
}

void
hg_worker_rpc_status(void *ctx, struct hg_rpc_request *req)
{
	static char closed[] = "closed", source[] = "static";
	struct hg_worker *w = ctx;
	struct hg_error err = { .text = "" };
	struct hg_strbuf out = HG_STRBUF_INIT;
	struct hg_wire_status_reply r = { NULL, 0 };
	struct hg_wire_worker self;
	struct hg_wire_status *m;
	const void *body;
	size_t n;

	body = hg_rpc_request_body(req, &n);
	m = hg_wire_status_unpack(body, n, &err);
	if (!m) {
		refuse_unreadable(req, &err);
		return;
	}
	if (!*m->worker_id || strcmp(m->worker_id, w->id) == 0) {
		hg_worker_describe(w, &self);
		self.circuit_state = closed;
		self.source = source;
		r.workers = &self;
		r.n_workers = 1;
	}
	hg_wire_status_free(m);
	if (r.n_workers == 0) {
		refuse_unknown(req, w);
		return;
	}
	hg_wire_status_reply_pack(&r, &out);
	reply(req, &out);
}
