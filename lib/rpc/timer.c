/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One-shot timers in a binary heap. The loop waits for its queue no longer than
 * to the earliest, so timers need neither a thread nor a signal.
 */
#include "config.h"

#include <stdlib.h>

#include "lib/base/alloc.h"
#include "lib/base/time.h"
#include "lib/rpc/core.h"

struct hg_rpc_timer {
	struct hg_rpc_loop *loop;
	uint64_t due_ns;
	size_t index;
	void (*fn)(void *arg);
	void *arg;
};

static void
place(struct hg_rpc_loop *loop, struct hg_rpc_timer *t, size_t i)
{
	loop->timers[i] = t;
	t->index = i;
}

static void
sift_up(struct hg_rpc_loop *loop, struct hg_rpc_timer *t, size_t i)
{
	while (i > 0) {
		struct hg_rpc_timer *parent = loop->timers[(i - 1) / 2];

		if (parent->due_ns <= t->due_ns)
			break;
		place(loop, parent, i);
		i = (i - 1) / 2;
	}
	place(loop, t, i);
}

static void
sift_down(struct hg_rpc_loop *loop, struct hg_rpc_timer *t, size_t i)
{
	for (;;) {
		size_t child = 2 * i + 1;

		if (child + 1 < loop->n_timers &&
		    loop->timers[child + 1]->due_ns <
			loop->timers[child]->due_ns)
			child++;
		if (child >= loop->n_timers ||
		    loop->timers[child]->due_ns >= t->due_ns)
			break;
		place(loop, loop->timers[child], i);
		i = child;
	}
	place(loop, t, i);
}

static void
remove_at(struct hg_rpc_loop *loop, size_t i)
{
	struct hg_rpc_timer *last = loop->timers[--loop->n_timers];

	if (i == loop->n_timers)
		return;
	if (i > 0 && loop->timers[(i - 1) / 2]->due_ns > last->due_ns)
		sift_up(loop, last, i);
	else
		sift_down(loop, last, i);
}

struct hg_rpc_timer *
hg_rpc_timer_start(struct hg_rpc_loop *loop, uint64_t delay_ns,
    void (*fn)(void *arg), void *arg)
{
	struct hg_rpc_timer *t = hg_xcalloc(1, sizeof(*t));
	uint64_t now = hg_now_ns();

	t->loop = loop;
	t->due_ns = delay_ns > UINT64_MAX - now ? UINT64_MAX : now + delay_ns;
	t->fn = fn;
	t->arg = arg;
	if (loop->n_timers == loop->cap_timers) {
		loop->cap_timers = loop->cap_timers ? 2 * loop->cap_timers : 16;
		loop->timers = hg_xrealloc(loop->timers,
		    loop->cap_timers * sizeof(*loop->timers));
	}
	sift_up(loop, t, loop->n_timers++);
	return t;
}

void
hg_rpc_timer_stop(struct hg_rpc_timer *timer)
{
	if (!timer)
		return;
	remove_at(timer->loop, timer->index);
	free(timer);
}

gpr_timespec
hg_rpc_timers_next(const struct hg_rpc_loop *loop)
{
	uint64_t now = hg_now_ns();
	uint64_t due;

	if (loop->n_timers == 0)
		return gpr_inf_future(GPR_CLOCK_MONOTONIC);
	due = loop->timers[0]->due_ns;
	return hg_rpc_after(due > now ? due - now : 0);
}

void
hg_rpc_timers_run(struct hg_rpc_loop *loop)
{
	uint64_t now = loop->n_timers ? hg_now_ns() : 0;

	/* what the functions start in turn is due later than now */
	while (loop->n_timers > 0 && loop->timers[0]->due_ns <= now) {
		struct hg_rpc_timer t = *loop->timers[0];

		hg_rpc_timer_stop(loop->timers[0]);
		t.fn(t.arg);
		if (loop->stopped)
			return;
	}
}

void
hg_rpc_timers_release(struct hg_rpc_loop *loop)
{
	for (size_t i = 0; i < loop->n_timers; i++)
		free(loop->timers[i]);
	free(loop->timers);
	loop->timers = NULL;
	loop->n_timers = 0;
	loop->cap_timers = 0;
}
