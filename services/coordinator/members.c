/* SPDX-License-Identifier: Apache-2.0 */
/* Workers come and go: their connections, their expiry, their disposal. */
#include "config.h"

#include <stdlib.h>

#include "lib/base/alloc.h"
#include "lib/base/error.h"
#include "lib/base/log.h"
#include "lib/base/time.h"
#include "services/coordinator/coordinator.h"

/*
 * How soon a worker whose machine vanished is noticed. Only workers of ours are
 * pinged: the usual gRPC server takes pings this frequent for abuse and hangs
 * up.
 */
#define KEEPALIVE_NS (10 * HG_NS_PER_SEC)

static void
disconnect(struct hg_worker *w)
{
	struct hg_rpc_channel *channel = w->channel;

	w->channel = NULL;
	if (channel)
		hg_rpc_channel_free(channel);
}

int
hg_coord_connect(struct hg_coord *c, struct hg_worker *w, struct hg_error *err)
{
	const struct hg_rpc_channel_options options = {
		.target = w->address,
		.max_message_bytes = c->settings->max_message_bytes,
		.keepalive_ns = w->protocol > 0 ? KEEPALIVE_NS : 0,
	};
	struct hg_rpc_channel *fresh =
	    hg_rpc_channel_new(c->loop, &options, err);

	if (!fresh)
		return -(int)err->code;
	disconnect(w);
	w->channel = fresh;
	return 0;
}

void
hg_coord_drop_worker(struct hg_coord *c, struct hg_worker *w,
    const char *reason, bool let_finish)
{
	hg_log(HG_LOG_NOTICE, "worker left",
	    "worker=%s address=%s reason=%s active=%d", w->id, w->address,
	    reason, (int)w->active);
	hg_registry_leave(&c->registry, w);
	c->leaving = hg_xrealloc(
	    c->leaving, (c->n_leaving + 1) * sizeof(struct hg_worker *));
	c->leaving[c->n_leaving++] = w;
	if (!let_finish)
		disconnect(w);
	hg_coord_dispatch_all(c);
}

void
hg_coord_set_draining(struct hg_coord *c, struct hg_worker *w, bool draining)
{
	w->draining = draining;
	hg_log(HG_LOG_NOTICE, draining ? "worker draining" : "worker active",
	    "worker=%s active=%d", w->id, (int)w->active);
	hg_coord_dispatch_all(c);
}

static void
drop_drained(struct hg_coord *c)
{
	/* dropping takes the worker out of the array */
	for (size_t i = c->registry.n; i > 0; i--) {
		struct hg_worker *w = c->registry.v[i - 1];

		if (w->draining && w->active == 0)
			hg_coord_drop_worker(c, w, "drained", true);
	}
}

void
hg_coord_expire(struct hg_coord *c)
{
	uint64_t now_ns = hg_now_ns();
	struct hg_worker *w;

	/*
	 * One that used to beat and is silent has died; one that never did may
	 * know nothing of heartbeats, and still compile what it was given.
	 */
	while ((w = hg_registry_expired(&c->registry, now_ns)))
		hg_coord_drop_worker(c, w, "heartbeat_timeout", w->beats == 0);
	drop_drained(c);
}

void
hg_coord_dispose(struct hg_coord *c)
{
	size_t kept = 0;

	for (size_t i = 0; i < c->n_leaving; i++) {
		struct hg_worker *w = c->leaving[i];

		if (hg_worker_is_disposable(w)) {
			disconnect(w);
			hg_worker_free(w);
		} else {
			c->leaving[kept++] = w;
		}
	}
	c->n_leaving = kept;
}

void
hg_coord_disconnect_all(struct hg_coord *c)
{
	for (size_t i = 0; i < c->registry.n; i++)
		disconnect(c->registry.v[i]);
	for (size_t i = 0; i < c->n_leaving; i++)
		disconnect(c->leaving[i]);
}
