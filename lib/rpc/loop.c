/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The loop: one thread takes what one completion queue delivers and calls the
 * function in the tag. Between two deliveries it fires the timers that are due.
 */
#include "config.h"

#include <grpc/support/log.h>
#include <stdlib.h>

#include "lib/base/alloc.h"
#include "lib/base/error.h"
#include "lib/base/time.h"
#include "lib/rpc/core.h"

/* gRPC would write to stderr, which libraries leave to the program. */
static void
drop_log(gpr_log_func_args *args)
{
	(void)args;
}

gpr_timespec
hg_rpc_after(uint64_t delay_ns)
{
	if (delay_ns >= INT64_MAX)
		return gpr_inf_future(GPR_CLOCK_MONOTONIC);
	return gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC),
	    gpr_time_from_nanos((int64_t)delay_ns, GPR_TIMESPAN));
}

void
hg_rpc_batch(grpc_call *call, const grpc_op *ops, size_t n, struct op *tag)
{
	grpc_call_error rc = grpc_call_start_batch(call, ops, n, tag, NULL);

	hg_assert(rc == GRPC_CALL_OK);
}

/* ---- posting ----------------------------------------------------------- */

static void
on_wake(struct op *op, bool ok)
{
	struct hg_rpc_loop *loop = container_of(op, struct hg_rpc_loop, wake);
	struct posted *list;

	(void)ok;
	pthread_mutex_lock(&loop->lock);
	list = loop->first;
	loop->first = NULL;
	loop->last = &loop->first;
	loop->waking = false;
	pthread_mutex_unlock(&loop->lock);
	while (list) {
		struct posted p = *list;

		free(list);
		list = p.next;
		p.fn(p.arg);
	}
}

void
hg_rpc_loop_post(struct hg_rpc_loop *loop, void (*fn)(void *arg), void *arg)
{
	struct posted *p = hg_xcalloc(1, sizeof(*p));

	p->fn = fn;
	p->arg = arg;
	pthread_mutex_lock(&loop->lock);
	*loop->last = p;
	loop->last = &p->next;
	if (!loop->waking) {
		loop->waking = true;
		hg_rpc_batch(loop->wake_call, NULL, 0, &loop->wake);
	}
	pthread_mutex_unlock(&loop->lock);
}

/* ---- life -------------------------------------------------------------- */

struct hg_rpc_loop *
hg_rpc_loop_new(struct hg_error *err)
{
	struct hg_rpc_loop *loop = hg_xcalloc(1, sizeof(*loop));

	if (!getenv("HG_RPC_LOG"))
		gpr_set_log_function(drop_log);
	grpc_init();
	loop->cq = grpc_completion_queue_create_for_next(NULL);
	loop->nowhere = grpc_lame_client_channel_create(
	    "nowhere", GRPC_STATUS_UNAVAILABLE, "this channel goes nowhere");
	if (!loop->cq || !loop->nowhere) {
		hg_fail(err, HG_INTERNAL, "gRPC cannot be started");
		goto fail;
	}
	loop->wake_call = grpc_channel_create_call(loop->nowhere, NULL,
	    GRPC_PROPAGATE_DEFAULTS, loop->cq,
	    grpc_slice_from_static_string("/wake"), NULL,
	    gpr_inf_future(GPR_CLOCK_MONOTONIC), NULL);
	loop->wake.done = on_wake;
	loop->last = &loop->first;
	pthread_mutex_init(&loop->lock, NULL);
	return loop;
fail:
	if (loop->nowhere)
		grpc_channel_destroy(loop->nowhere);
	if (loop->cq)
		grpc_completion_queue_destroy(loop->cq);
	grpc_shutdown();
	free(loop);
	return NULL;
}

bool
hg_rpc_loop_turn(struct hg_rpc_loop *loop, gpr_timespec deadline)
{
	grpc_event ev = grpc_completion_queue_next(loop->cq, deadline, NULL);
	struct op *op = ev.tag;

	if (ev.type == GRPC_OP_COMPLETE)
		op->done(op, ev.success != 0);
	return ev.type != GRPC_QUEUE_SHUTDOWN;
}

void
hg_rpc_loop_run(struct hg_rpc_loop *loop)
{
	while (!loop->stopped) {
		hg_rpc_loop_turn(loop, hg_rpc_timers_next(loop));
		hg_rpc_timers_run(loop);
	}
}

static void
stop(void *arg)
{
	struct hg_rpc_loop *loop = arg;

	loop->stopped = true;
}

void
hg_rpc_loop_stop(struct hg_rpc_loop *loop)
{
	hg_rpc_loop_post(loop, stop, loop);
}

static bool
has_posted(struct hg_rpc_loop *loop)
{
	bool waking;

	pthread_mutex_lock(&loop->lock);
	waking = loop->waking;
	pthread_mutex_unlock(&loop->lock);
	return waking;
}

void
hg_rpc_loop_free(struct hg_rpc_loop *loop)
{
	if (!loop)
		return;
	loop->closing = true;
	hg_rpc_calls_cancel(loop, NULL);
	while (loop->calls || has_posted(loop))
		hg_rpc_loop_turn(loop, gpr_inf_future(GPR_CLOCK_MONOTONIC));
	grpc_call_unref(loop->wake_call);
	grpc_channel_destroy(loop->nowhere);
	grpc_completion_queue_shutdown(loop->cq);
	while (hg_rpc_loop_turn(loop, gpr_inf_future(GPR_CLOCK_MONOTONIC)))
		continue;
	grpc_completion_queue_destroy(loop->cq);
	grpc_shutdown();
	hg_rpc_timers_release(loop);
	pthread_mutex_destroy(&loop->lock);
	free(loop);
}
