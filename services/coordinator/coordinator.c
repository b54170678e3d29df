/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The coordinator's life: it is set up, ticks once a second, is drained and
 * taken apart. Draining: no new compiles, those waiting are refused, those at
 * workers may end; then the server stops, and last the loop.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>

#include "lib/base/alloc.h"
#include "lib/base/error.h"
#include "lib/base/log.h"
#include "lib/base/time.h"
#include "services/coordinator/coordinator.h"
#include "services/coordinator/depot.h"
#include "services/coordinator/deps.h"
#include "services/coordinator/job.h"
#include "services/coordinator/rpc_methods.h"

/* For answers that are on their way when the server stops. */
#define SEND_GRACE_NS (2 * HG_NS_PER_SEC)

/* Of the memory for results, what is known of their inputs may have 1/N more. */
#define DEPS_SHARE 8

static void
on_tick(void *arg)
{
	struct hg_coord *c = arg;

	c->tick = hg_rpc_timer_start(c->loop, HG_TICK_NS, on_tick, c);
	hg_coord_expire(c);
	hg_coord_dispose(c);
	if (c->queue.first)
		hg_coord_dispatch_all(c);
}

static void
set_up(struct hg_coord *c, const struct hg_coord_settings *settings)
{
	c->settings = settings;
	c->started_ns = hg_now_ns();
	c->random.state = hg_random_seed();
	snprintf(c->epoch, sizeof(c->epoch), "%016llx",
	    (unsigned long long)hg_random_next(&c->random));
	c->scheduler = (struct hg_scheduler){
		.weights = settings->weights,
		.random = hg_random_next,
		.random_ctx = &c->random,
	};
	hg_registry_init(
	    &c->registry, &settings->breaker, settings->heartbeat_ttl_ns);
	hg_queue_init(&c->queue, settings->queue_limit, settings->queue_bytes);
	c->cache = hg_result_cache_new(settings->cache_bytes);
	c->deps = hg_deps_new(settings->cache_bytes / DEPS_SHARE);
}

struct hg_coord *
hg_coord_new(const struct hg_coord_settings *settings, struct hg_error *err)
{
	struct hg_coord *c = hg_xcalloc(1, sizeof(*c));
	struct hg_rpc_server_options options = {
		.max_message_bytes = settings->max_message_bytes,
	};
	char *address = hg_xasprintf("%s:%u", settings->host, settings->port);

	set_up(c, settings);
	options.address = address;
	c->loop = hg_rpc_loop_new(err);
	if (c->loop)
		c->depot = hg_depot_new(c->loop, settings->store_dir,
		    settings->store_bytes, err);
	if (c->depot)
		c->server = hg_rpc_server_new(c->loop, &options,
		    hg_coord_methods, hg_coord_n_methods, c, &c->port, err);
	free(address);
	if (!c->server) {
		hg_coord_free(c);
		return NULL;
	}
	c->tick = hg_rpc_timer_start(c->loop, HG_TICK_NS, on_tick, c);
	return c;
}

void
hg_coord_run(struct hg_coord *c)
{
	hg_rpc_loop_run(c->loop);
}

static void
on_server_stopped(void *arg)
{
	struct hg_coord *c = arg;

	hg_rpc_loop_stop(c->loop);
}

static void
stop(struct hg_coord *c, uint64_t grace_ns)
{
	if (c->stopping)
		return;
	c->stopping = true;
	hg_rpc_server_shutdown(c->server, grace_ns, on_server_stopped, c);
}

static void
stop_when_drained(struct hg_coord *c)
{
	if (c->draining && !c->jobs && c->calls == 0)
		stop(c, SEND_GRACE_NS);
}

void
hg_coord_call_ended(struct hg_coord *c)
{
	hg_coord_dispatch(c);
	stop_when_drained(c);
}

static void
on_drain_timeout(void *arg)
{
	struct hg_coord *c = arg;

	c->drain_timer = NULL;
	hg_log(HG_LOG_WARNING, "compiles did not end in time, cancelling them",
	    "calls=%zu", c->calls);
	stop(c, 0);
}

static void
refuse_waiting(struct hg_coord *c)
{
	struct hg_job *job = c->jobs, *next;

	for (; job; job = next) {
		next = job->next;
		if (job->state != HG_JOB_CALLING)
			hg_job_refuse(job, HG_RPC_UNAVAILABLE,
			    "the coordinator is shutting down");
	}
}

static void
drain(void *arg)
{
	struct hg_coord *c = arg;

	if (c->draining) {
		stop(c, 0);
		return;
	}
	c->draining = true;
	hg_log(HG_LOG_NOTICE, "draining", "calls=%zu queued=%zu", c->calls,
	    c->queue.n);
	refuse_waiting(c);
	c->drain_timer = hg_rpc_timer_start(
	    c->loop, c->settings->drain_ns, on_drain_timeout, c);
	stop_when_drained(c);
}

void
hg_coord_drain(struct hg_coord *c)
{
	hg_rpc_loop_post(c->loop, drain, c);
}

static void
stop_timer(struct hg_rpc_timer **timer)
{
	if (*timer)
		hg_rpc_timer_stop(*timer);
	*timer = NULL;
}

void
hg_coord_free(struct hg_coord *c)
{
	if (!c)
		return;
	stop_timer(&c->tick);
	stop_timer(&c->wake);
	stop_timer(&c->drain_timer);
	/* first: its answers go to those who wait for the others */
	c->draining = true;
	hg_depot_free(c->depot);
	c->depot = NULL;
	if (c->server)
		hg_rpc_server_free(c->server);
	hg_coord_disconnect_all(c);
	/* runs what is left of the calls, which look at the rest of us */
	if (c->loop)
		hg_rpc_loop_free(c->loop);
	hg_assert(!c->jobs);
	hg_coord_dispose(c);
	hg_registry_release(&c->registry);
	hg_hmap_release(&c->joinable, NULL);
	hg_result_cache_free(c->cache);
	hg_deps_free(c->deps);
	free(c->leaving);
	free(c);
}
