/* SPDX-License-Identifier: Apache-2.0 */
/*
 * All state here belongs to the thread of the RPC loop. A job is one question
 * of a compile thread; it is shared by that thread and the loop, and the last
 * of them frees it, so that a compile thread can leave at any moment.
 *
 * A job goes through its addresses in order: to the first that is up, or into
 * the waiting list of the first that is being probed, or past those that are
 * down. While compiles run at a coordinator it is asked for a sign of life; one
 * that does not answer loses them.
 */
#include "config.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "lib/base/alloc.h"
#include "lib/base/error.h"
#include "lib/base/fd.h"
#include "lib/base/hmap.h"
#include "lib/base/limits.h"
#include "lib/base/log.h"
#include "lib/base/strbuf.h"
#include "lib/base/strvec.h"
#include "lib/base/time.h"
#include "lib/rpc/rpc.h"
#include "lib/wire/wire.h"
#include "services/agent/coords.h"
#include "services/agent/peer.h"

/* Addresses that are remembered. */
#define MAX_COORDINATORS 64

struct hg_coords {
	struct hg_rpc_loop *loop;
	pthread_t thread;
	struct hg_coords_options options;
	bool is_closing;
	/* address to struct coordinator */
	struct hg_hmap table;
};

struct coordinator {
	struct hg_coords *owner;
	char *address;
	struct hg_peer peer;
	struct hg_rpc_channel *channel;
	/* the channel is waiting to reconnect: take a new one when it is idle
	 */
	bool is_stale;
	/* RPCs under way on the channel, of any kind */
	size_t open;
	bool is_beating;
	struct hg_rpc_timer *timer;
	struct job *waiting;
	struct job *running;
};

struct job {
	atomic_int refs;
	struct hg_coords *owner;
	/* in one of its coordinator's lists */
	struct job *next;
	struct job **link;

	struct hg_strvec addresses;
	size_t at;
	/* empty: only find a coordinator */
	struct hg_strbuf body;
	uint64_t timeout_ns;

	/* while it runs */
	struct hg_rpc_call *call;
	struct coordinator *coordinator;
	/* the compile thread has left */
	bool is_cancelled;
	/* the coordinator of the running call was given up */
	bool is_lost;
	/* waits to know whether the coordinator itself has failed it */
	bool is_refused;

	/* readable when is_done is set, which is after the rest */
	int done_fd;
	atomic_bool is_done;
	bool is_ok;
	enum hg_reason reason;
	char detail[200];
	struct hg_strbuf answer;
};

/* ---- jobs --------------------------------------------------------------- */

static void
job_unref(struct job *job)
{
	if (atomic_fetch_sub(&job->refs, 1) > 1)
		return;
	hg_strvec_release(&job->addresses);
	hg_strbuf_release(&job->body);
	hg_strbuf_release(&job->answer);
	hg_fd_close(&job->done_fd);
	free(job);
}

static void
job_link(struct job **list, struct job *job)
{
	while (*list)
		list = &(*list)->next;
	job->next = NULL;
	job->link = list;
	*list = job;
}

static void
job_unlink(struct job *job)
{
	if (!job->link)
		return;
	*job->link = job->next;
	if (job->next)
		job->next->link = job->link;
	job->link = NULL;
	job->next = NULL;
}

/*
 * Wakes the compile thread and lets the loop's hold of the job go. detail is
 * NULL when it is in the job already.
 */
static void
finish(struct job *job, enum hg_reason reason, const char *detail)
{
	uint64_t one = 1;
	ssize_t ignored;

	job_unlink(job);
	job->reason = reason;
	job->is_ok = reason == HG_REASON_remote;
	if (detail)
		snprintf(job->detail, sizeof(job->detail), "%s", detail);
	atomic_store(&job->is_done, true);
	ignored = write(job->done_fd, &one, sizeof(one));
	(void)ignored;
	job_unref(job);
}

static void
finish_unreachable(struct job *job)
{
	finish(job, HG_REASON_no_coordinator,
	    "no coordinator answers at the configured addresses");
}

/* ---- coordinators ------------------------------------------------------- */

static void advance(struct job *job);
static void on_timer(void *arg);

static bool
is_answer(const struct hg_rpc_result *r)
{
	return r->status != HG_RPC_UNAVAILABLE &&
	       r->status != HG_RPC_DEADLINE_EXCEEDED &&
	       r->status != HG_RPC_CANCELLED;
}

static void
coordinator_free(void *arg)
{
	struct coordinator *c = arg;

	free(c->address);
	free(c);
}

static int
find_idle(const char *key, void *value, void *arg)
{
	struct coordinator *c = value, **ret = arg;

	(void)key;
	if (c->open > 0 || c->waiting || c->timer)
		return 0;
	*ret = c;
	return 1;
}

/* Forgets one that nobody uses; false when there is none. */
static bool
forget_one(struct hg_coords *coords)
{
	struct coordinator *c = NULL;

	if (!hg_hmap_each(&coords->table, find_idle, &c))
		return false;
	hg_hmap_del(&coords->table, c->address);
	if (c->channel)
		hg_rpc_channel_free(c->channel);
	coordinator_free(c);
	return true;
}

static struct coordinator *
coordinator_of(struct hg_coords *coords, const char *address)
{
	struct coordinator *c = hg_hmap_get(&coords->table, address);

	if (c)
		return c;
	if (coords->table.n >= MAX_COORDINATORS && !forget_one(coords))
		return NULL;
	c = hg_xcalloc(1, sizeof(*c));
	c->owner = coords;
	c->address = hg_xstrdup(address);
	hg_hmap_set(&coords->table, address, c);
	return c;
}

/* Gives all compiles up that run there. */
static void
lose(struct coordinator *c)
{
	if (c->peer.state != HG_PEER_DOWN)
		hg_log(HG_LOG_WARNING, "coordinator does not answer",
		    "coordinator=%s action=\"compiling locally\"", c->address);
	hg_peer_lost(&c->peer, hg_now_ns(), c->owner->options.backoff_ns);
	c->is_stale = true;
	for (struct job *job = c->running, *next; job; job = next) {
		next = job->next;
		job->is_lost = true;
		hg_rpc_call_cancel(job->call);
	}
}

static void
wake_waiting(struct coordinator *c)
{
	while (c->waiting) {
		struct job *job = c->waiting;

		job_unlink(job);
		if (!job->is_refused)
			advance(job);
		else if (c->peer.state == HG_PEER_UP)
			finish(job, HG_REASON_no_worker, NULL);
		else
			finish_unreachable(job);
	}
}

static void
on_health(struct coordinator *c, const struct hg_rpc_result *result)
{
	c->open--;
	if (is_answer(result))
		hg_peer_heard(&c->peer, hg_now_ns());
	else
		lose(c);
	wake_waiting(c);
}

static void
on_probe(void *arg, const struct hg_rpc_result *result)
{
	on_health(arg, result);
}

static void
on_beat(void *arg, const struct hg_rpc_result *result)
{
	struct coordinator *c = arg;

	c->is_beating = false;
	on_health(c, result);
}

static int
ensure_channel(struct coordinator *c)
{
	const struct hg_rpc_channel_options options = {
		.target = c->address,
		.max_message_bytes = HG_MAX_MESSAGE_BYTES,
	};
	struct hg_error err;

	if (c->channel && c->is_stale && c->open == 0) {
		hg_rpc_channel_free(c->channel);
		c->channel = NULL;
	}
	if (c->channel)
		return 0;
	c->is_stale = false;
	c->channel = hg_rpc_channel_new(c->owner->loop, &options, &err);
	if (c->channel)
		return 0;
	hg_log(HG_LOG_WARNING, "bad coordinator address",
	    "coordinator=%s error=\"%s\"", c->address, err.text);
	return -1;
}

static void
ask_health(struct coordinator *c, uint64_t timeout_ns,
    void (*done)(void *arg, const struct hg_rpc_result *result))
{
	const struct hg_wire_health question = { 0 };
	struct hg_strbuf body = HG_STRBUF_INIT;
	struct hg_rpc_call_options options = {
		.method = HG_METHOD_HEALTH,
		.timeout_ns = timeout_ns,
	};

	hg_wire_health_pack(&question, &body);
	options.body = body.buf;
	options.n = body.len;
	c->open++;
	hg_rpc_call_start(c->channel, &options, done, c);
	hg_strbuf_release(&body);
}

static enum hg_peer_verdict
ask(struct coordinator *c)
{
	enum hg_peer_verdict verdict;
	bool probe;

	if (c->owner->is_closing)
		return HG_PEER_STAY;
	verdict = hg_peer_ask(&c->peer, hg_now_ns(), &probe);
	if (!probe)
		return verdict;
	if (ensure_channel(c)) {
		lose(c);
		return HG_PEER_STAY;
	}
	ask_health(c, c->owner->options.connect_wait_ns, on_probe);
	return verdict;
}

static void
start_timer(struct coordinator *c)
{
	if (!c->timer && !c->owner->is_closing)
		c->timer = hg_rpc_timer_start(
		    c->owner->loop, c->owner->options.beat_ns, on_timer, c);
}

static void
on_timer(void *arg)
{
	struct coordinator *c = arg;

	c->timer = NULL;
	if (!c->running)
		return;
	start_timer(c);
	if (c->is_beating)
		return;
	c->is_beating = true;
	ask_health(c, c->owner->options.silence_ns, on_beat);
}

/* ---- compiles ----------------------------------------------------------- */

/*
 * UNAVAILABLE is the coordinator's answer when it has no worker, and gRPC's own
 * when the connection broke. A probe tells.
 */
static void
find_out(struct job *job, struct coordinator *c, const char *message)
{
	snprintf(job->detail, sizeof(job->detail), "%s", message);
	job->is_refused = true;
	hg_peer_suspect(&c->peer);
	if (ask(c) == HG_PEER_WAIT)
		job_link(&c->waiting, job);
	else
		finish_unreachable(job);
}

static enum hg_reason
reason_of(enum hg_rpc_status status)
{
	switch ((int)status) {
	case HG_RPC_RESOURCE_EXHAUSTED:
		return HG_REASON_queue_full;
	case HG_RPC_DEADLINE_EXCEEDED:
		return HG_REASON_remote_timeout;
	case HG_RPC_FAILED_PRECONDITION:
		return HG_REASON_no_toolchain;
	default:
		return HG_REASON_remote_failed;
	}
}

static void
on_compiled(void *arg, const struct hg_rpc_result *result)
{
	struct job *job = arg;
	struct coordinator *c = job->coordinator;

	job_unlink(job);
	job->call = NULL;
	c->open--;
	if (result->status == HG_RPC_OK)
		hg_peer_heard(&c->peer, hg_now_ns());
	if (job->is_cancelled) {
		job_unref(job);
	} else if (result->status == HG_RPC_OK) {
		hg_strbuf_add(&job->answer, result->body, result->n);
		finish(job, HG_REASON_remote, "");
	} else if (job->is_lost) {
		finish(job, HG_REASON_no_coordinator,
		    "the coordinator stopped answering");
	} else if (result->status == HG_RPC_UNAVAILABLE) {
		find_out(job, c, result->message);
	} else {
		finish(job, reason_of(result->status), result->message);
	}
}

static void
go(struct job *job, struct coordinator *c)
{
	const struct hg_rpc_call_options options = {
		.method = HG_METHOD_COMPILE,
		.body = job->body.buf,
		.n = job->body.len,
		.timeout_ns = job->timeout_ns,
	};

	if (job->body.len == 0) {
		finish(job, HG_REASON_remote, "");
		return;
	}
	c->open++;
	job_link(&c->running, job);
	job->coordinator = c;
	job->call = hg_rpc_call_start(c->channel, &options, on_compiled, job);
	hg_strbuf_release(&job->body);
	start_timer(c);
}

static void
advance(struct job *job)
{
	for (; job->at < job->addresses.n; job->at++) {
		struct coordinator *c =
		    coordinator_of(job->owner, job->addresses.v[job->at]);
		enum hg_peer_verdict verdict = c ? ask(c) : HG_PEER_STAY;

		if (verdict == HG_PEER_GO) {
			go(job, c);
			return;
		}
		if (verdict == HG_PEER_WAIT) {
			job_link(&c->waiting, job);
			return;
		}
	}
	finish_unreachable(job);
}

static void
on_start(void *arg)
{
	advance(arg);
}

/* The compile thread has left; it held the job for this. */
static void
on_cancel(void *arg)
{
	struct job *job = arg;

	job->is_cancelled = true;
	if (job->call)
		hg_rpc_call_cancel(job->call);
	else if (job->link)
		finish_unreachable(job);
	job_unref(job);
}

/* ---- for compile threads ------------------------------------------------ */

static struct job *
job_new(struct hg_coords *coords, const char *addresses, struct hg_error *err)
{
	struct job *job = hg_xcalloc(1, sizeof(*job));

	atomic_store(&job->refs, 1);
	job->owner = coords;
	hg_strbuf_init(&job->body);
	hg_strbuf_init(&job->answer);
	for (const char *p = addresses; *p;) {
		size_t n;

		p += strspn(p, " ");
		n = strcspn(p, ", ");
		if (n > 0)
			hg_strvec_addf(&job->addresses, "%.*s", (int)n, p);
		p += n;
		p += strspn(p, " ,");
	}
	job->done_fd = eventfd(0, EFD_CLOEXEC);
	if (job->done_fd < 0) {
		hg_fail_errno(err, HG_UNAVAILABLE, "cannot make an eventfd");
		job_unref(job);
		return NULL;
	}
	return job;
}

/* True when the job is done, false when the launcher has hung up. */
static bool
wait_done(struct job *job, int cancel_fd)
{
	struct pollfd p[2] = {
		{ .fd = job->done_fd, .events = POLLIN },
		{ .fd = cancel_fd, .events = POLLIN },
	};

	for (;;) {
		if (poll(p, 2, -1) < 0 && errno != EINTR)
			return false;
		if (atomic_load(&job->is_done))
			return true;
		if (p[1].revents)
			return false;
	}
}

/* Has the loop do the job, and waits. */
static int
run(struct job *job, int cancel_fd, enum hg_reason *ret_reason,
    struct hg_error *err)
{
	atomic_fetch_add(&job->refs, 1);
	hg_rpc_loop_post(job->owner->loop, on_start, job);
	if (!wait_done(job, cancel_fd)) {
		atomic_fetch_add(&job->refs, 1);
		hg_rpc_loop_post(job->owner->loop, on_cancel, job);
		*ret_reason = HG_REASON_remote_failed;
		return hg_fail(err, HG_CANCELLED, "the launcher has left");
	}
	if (job->is_ok)
		return 0;
	*ret_reason = job->reason;
	return hg_fail(err, HG_UNAVAILABLE, "%s", job->detail);
}

int
hg_coords_find(struct hg_coords *c, const char *addresses, int cancel_fd,
    enum hg_reason *ret_reason, struct hg_error *err)
{
	struct job *job = job_new(c, addresses, err);
	int rc;

	*ret_reason = HG_REASON_agent_busy;
	if (!job)
		return -HG_UNAVAILABLE;
	rc = run(job, cancel_fd, ret_reason, err);
	job_unref(job);
	return rc;
}

int
hg_coords_compile(struct hg_coords *c, const char *addresses,
    struct hg_strbuf *body, uint64_t timeout_ns, int cancel_fd,
    struct hg_strbuf *ret, enum hg_reason *ret_reason, struct hg_error *err)
{
	struct job *job = job_new(c, addresses, err);
	int rc;

	*ret_reason = HG_REASON_agent_busy;
	if (!job)
		return -HG_UNAVAILABLE;
	job->body = *body;
	hg_strbuf_init(body);
	job->timeout_ns = timeout_ns;
	rc = run(job, cancel_fd, ret_reason, err);
	if (rc == 0) {
		hg_strbuf_release(ret);
		*ret = job->answer;
		hg_strbuf_init(&job->answer);
	}
	job_unref(job);
	return rc;
}

/* ---- the whole ---------------------------------------------------------- */

static void *
loop_main(void *arg)
{
	hg_rpc_loop_run(arg);
	return NULL;
}

struct hg_coords *
hg_coords_new(const struct hg_coords_options *options, struct hg_error *err)
{
	struct hg_coords *c = hg_xcalloc(1, sizeof(*c));
	int e;

	c->options = *options;
	c->loop = hg_rpc_loop_new(err);
	if (!c->loop)
		goto fail;
	e = pthread_create(&c->thread, NULL, loop_main, c->loop);
	if (e == 0)
		return c;
	errno = e;
	hg_fail_errno(err, HG_EXHAUSTED, "cannot start a thread");
	hg_rpc_loop_free(c->loop);
fail:
	free(c);
	return NULL;
}

static int
close_one(const char *key, void *value, void *arg)
{
	struct coordinator *c = value;

	(void)key;
	(void)arg;
	if (c->timer)
		hg_rpc_timer_stop(c->timer);
	c->timer = NULL;
	if (c->channel)
		hg_rpc_channel_free(c->channel);
	c->channel = NULL;
	return 0;
}

void
hg_coords_free(struct hg_coords *c)
{
	if (!c)
		return;
	hg_rpc_loop_stop(c->loop);
	pthread_join(c->thread, NULL);
	c->is_closing = true;
	hg_hmap_each(&c->table, close_one, NULL);
	hg_rpc_loop_free(c->loop);
	hg_hmap_release(&c->table, coordinator_free);
	free(c);
}
