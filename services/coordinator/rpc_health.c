/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HealthCheck: with a worker's id its heartbeat, without one the question how
 * the coordinator is.
 */
#include "config.h"

#include <stdio.h>

#include "lib/base/error.h"
#include "lib/base/strbuf.h"
#include "lib/base/time.h"
#include "lib/wire/wire.h"
#include "services/coordinator/coordinator.h"
#include "services/coordinator/rpc_methods.h"

static int32_t
to_int32(size_t n)
{
	return n > INT32_MAX ? INT32_MAX : (int32_t)n;
}

static void
reply(struct hg_coord *c, struct hg_rpc_request *req, const char *status,
    int32_t active, uint64_t since_ns)
{
	struct hg_result_cache_stats cache = hg_result_cache_stats(c->cache);
	struct hg_strbuf out = HG_STRBUF_INIT;
	char text[16], version[] = PACKAGE_VERSION;
	const struct hg_wire_health_reply m = {
		.healthy = *status != 'u',
		.status = text,
		.active_tasks = active,
		.uptime_seconds =
		    (int64_t)((hg_now_ns() - since_ns) / HG_NS_PER_SEC),
		.queued_tasks = to_int32(c->queue.n),
		.workers = to_int32(c->registry.n),
		.slots = hg_registry_slots(&c->registry),
		.version = version,
		.epoch = c->epoch,
		.cache_hits = cache.hits,
		.cache_misses = cache.misses,
		.cache_entries = cache.entries,
		.cache_bytes = cache.bytes,
	};

	snprintf(text, sizeof(text), "%s", status);
	hg_wire_health_reply_pack(&m, &out);
	hg_coord_reply(req, &out);
}

static void
on_heartbeat(struct hg_coord *c, struct hg_rpc_request *req,
    const struct hg_wire_health *beat)
{
	static const char *const statuses[] = {
		[HG_BREAKER_CLOSED] = "ok",
		[HG_BREAKER_HALF_OPEN] = "degraded",
		[HG_BREAKER_OPEN] = "unhealthy",
	};
	struct hg_worker *w = hg_registry_find(&c->registry, beat->worker_id);
	uint64_t now_ns = hg_now_ns();

	if (!w) {
		hg_rpc_refuse(req, HG_RPC_NOT_FOUND,
		    "no worker of that id is registered; shake hands first");
		return;
	}
	w->seen_ns = now_ns;
	w->beats++;
	w->reported_active = beat->active_tasks;
	w->load = beat->load;
	w->memory_free_bytes = beat->memory_free_bytes;
	reply(c, req, statuses[hg_breaker_state(&w->breaker, now_ns)],
	    w->active, w->joined_ns);
	if (beat->draining != w->draining)
		hg_coord_set_draining(c, w, beat->draining);
}

static void
on_question(struct hg_coord *c, struct hg_rpc_request *req)
{
	const char *status = "ok";

	if (c->draining)
		status = "unhealthy";
	else if (c->registry.n == 0 ||
		 hg_registry_impaired(&c->registry, hg_now_ns()) > 0)
		status = "degraded";
	reply(c, req, status, to_int32(c->calls), c->started_ns);
}

void
hg_coord_on_health(void *ctx, struct hg_rpc_request *req)
{
	struct hg_error err;
	struct hg_wire_health *m;
	const void *body;
	size_t n;

	body = hg_rpc_request_body(req, &n);
	m = hg_wire_health_unpack(body, n, &err);
	if (!m)
		hg_coord_refuse_undecodable(req, &err);
	else if (*m->worker_id)
		on_heartbeat(ctx, req, m);
	else
		on_question(ctx, req);
	hg_wire_health_free(m);
}
