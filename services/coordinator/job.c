/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A compile from its arrival to its answer: who waits for it, and where it is.
 * The call to a worker, and what follows from its end, is in attempt.c.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/alloc.h"
#include "lib/base/error.h"
#include "lib/base/log.h"
#include "lib/base/strbuf.h"
#include "lib/base/time.h"
#include "lib/wire/wire.h"
#include "services/coordinator/attempt.h"
#include "services/coordinator/coordinator.h"
#include "services/coordinator/job.h"

/* Longer patience than this is as none: sums of times must not overflow. */
#define LONGEST_WAIT_NS (24 * 3600 * HG_NS_PER_SEC)

/* Of a name in the log. */
#define LONGEST_NAME 200

static void
leave_joinable(struct hg_job *job)
{
	char hex[HG_DIGEST_HEX_BYTES];

	if (!job->joinable)
		return;
	hg_digest_hex(&job->digest, hex);
	hg_hmap_del(&job->coord->joinable, hex);
	job->joinable = false;
}

static void
stop_timer(struct hg_job *job)
{
	if (job->timer)
		hg_rpc_timer_stop(job->timer);
	job->timer = NULL;
}

void
hg_job_end(struct hg_job *job)
{
	struct hg_coord *c = job->coord;

	hg_assert(!job->waiters && !job->attempt.worker);
	leave_joinable(job);
	stop_timer(job);
	hg_queue_remove(&c->queue, &job->item);
	if (job->prev)
		job->prev->next = job->next;
	else
		c->jobs = job->next;
	if (job->next)
		job->next->prev = job->prev;
	hg_need_release(&job->need);
	free(job->source);
	free(job);
}

/* The last caller went away. */
static void
abandon(struct hg_job *job)
{
	switch (job->state) {
	case HG_JOB_IDLE:
		/* whoever has the job in hand sees that it has no caller */
		break;
	case HG_JOB_QUEUED:
	case HG_JOB_PAUSED:
		hg_job_end(job);
		break;
	case HG_JOB_CALLING:
		/* it ends with its call */
		leave_joinable(job);
		hg_job_cancel_call(job);
		break;
	}
}

static void
on_caller_gone(void *arg)
{
	struct hg_waiter *waiter = arg, **at;
	struct hg_job *job = waiter->job;

	for (at = &job->waiters; *at != waiter; at = &(*at)->next)
		continue;
	*at = waiter->next;
	job->coord->counters.cancelled++;
	hg_log(HG_LOG_DEBUG, "caller went away", "task=%llu source=\"%s\"",
	    (unsigned long long)job->task, job->source);
	hg_rpc_refuse(waiter->req, HG_RPC_CANCELLED, "the caller went away");
	free(waiter);
	if (!job->waiters)
		abandon(job);
}

static uint64_t
deadline_of(const struct hg_coord *c, const struct hg_rpc_request *req)
{
	uint64_t left = hg_rpc_request_time_left_ns(req);

	if (left == UINT64_MAX)
		left = c->settings->compile_ns;
	if (left > LONGEST_WAIT_NS)
		left = LONGEST_WAIT_NS;
	return hg_now_ns() + left;
}

static void
add_waiter(struct hg_job *job, struct hg_rpc_request *req)
{
	struct hg_waiter *waiter = hg_xcalloc(1, sizeof(*waiter)), **at;
	uint64_t deadline_ns = deadline_of(job->coord, req);

	waiter->job = job;
	waiter->req = req;
	for (at = &job->waiters; *at; at = &(*at)->next)
		continue;
	*at = waiter;
	if (deadline_ns > job->deadline_ns)
		job->deadline_ns = deadline_ns;
	hg_rpc_request_on_cancel(req, on_caller_gone, waiter);
}

static char *
quotable(const char *text)
{
	char *s = hg_xasprintf("%.*s", LONGEST_NAME, text);

	for (char *p = s; *p; p++)
		if (*p == '"' || *p == '\\')
			*p = '?';
	return s;
}

static void
enter_joinable(struct hg_job *job)
{
	char hex[HG_DIGEST_HEX_BYTES];

	hg_digest_hex(&job->digest, hex);
	/* taken: other bytes with that digest, which are never mixed up */
	if (hg_hmap_get(&job->coord->joinable, hex))
		return;
	hg_hmap_set(&job->coord->joinable, hex, job);
	job->joinable = true;
}

struct hg_job *
hg_job_new(struct hg_coord *c, struct hg_rpc_request *req,
    const struct hg_wire_compile *compile, const struct hg_digest *digest)
{
	struct hg_job *job = hg_xcalloc(1, sizeof(*job));

	job->coord = c;
	job->task = ++c->last_task;
	job->digest = *digest;
	job->input_list = compile->input_list;
	job->toolchain_list = compile->toolchain_list;
	job->source = quotable(compile->source_file);
	job->arrived_ns = hg_now_ns();
	hg_need_init(&job->need, compile);
	job->next = c->jobs;
	if (c->jobs)
		c->jobs->prev = job;
	c->jobs = job;
	enter_joinable(job);
	add_waiter(job, req);
	return job;
}

const void *
hg_job_body(const struct hg_job *job, size_t *ret_n)
{
	return hg_rpc_request_body(job->waiters->req, ret_n);
}

struct hg_job *
hg_job_find(struct hg_coord *c, const struct hg_digest *digest,
    const void *head, size_t n)
{
	char hex[HG_DIGEST_HEX_BYTES];
	struct hg_blob ignored;
	struct hg_job *job;
	const void *p;
	size_t len;

	hg_digest_hex(digest, hex);
	job = hg_hmap_get(&c->joinable, hex);
	if (!job)
		return NULL;
	p = hg_job_body(job, &len);
	len = hg_wire_compile_head(p, len, &ignored);
	return len == n && memcmp(p, head, n) == 0 ? job : NULL;
}

void
hg_job_join(struct hg_job *job, struct hg_rpc_request *req)
{
	job->coord->counters.joined++;
	add_waiter(job, req);
}

/* Takes the callers off the job, so that none is answered twice. */
static struct hg_waiter *
take_waiters(struct hg_job *job)
{
	struct hg_waiter *list = job->waiters;

	job->waiters = NULL;
	return list;
}

void
hg_job_refuse(
    struct hg_job *job, enum hg_rpc_status status, const char *message)
{
	struct hg_waiter *waiter = take_waiters(job), *next;

	hg_log(HG_LOG_INFO, "compile refused",
	    "task=%llu source=\"%s\" status=%d retries=%u reason=\"%s\"",
	    (unsigned long long)job->task, job->source, (int)status,
	    job->retries, message);
	for (; waiter; waiter = next) {
		next = waiter->next;
		job->coord->counters.refused++;
		hg_rpc_refuse(waiter->req, status, message);
		free(waiter);
	}
	hg_job_end(job);
}

void
hg_job_answer(struct hg_job *job, const void *p, size_t n, uint64_t *counter)
{
	struct hg_waiter *waiter = take_waiters(job), *next;

	for (; waiter; waiter = next) {
		next = waiter->next;
		(*counter)++;
		hg_rpc_reply(waiter->req, p, n);
		free(waiter);
	}
	hg_job_end(job);
}

static void on_timer(void *arg);

static void
start_timer(struct hg_job *job, uint64_t until_ns, uint64_t now_ns)
{
	uint64_t delay = until_ns > now_ns ? until_ns - now_ns : 0;

	stop_timer(job);
	job->timer = hg_rpc_timer_start(job->coord->loop, delay, on_timer, job);
}

static void
refuse_late(struct hg_job *job, uint64_t now_ns)
{
	struct hg_strbuf text = HG_STRBUF_INIT;

	hg_strbuf_addf(&text, "no worker had a free slot within %.1f s",
	    (double)(now_ns - job->arrived_ns) / HG_NS_PER_SEC);
	hg_job_refuse(job, HG_RPC_DEADLINE_EXCEEDED, text.buf);
	hg_strbuf_release(&text);
}

static void
wait_in_queue(struct hg_job *job, uint64_t now_ns)
{
	struct hg_queue *q = &job->coord->queue;
	struct hg_error err;
	size_t n;

	hg_job_body(job, &n);
	if (job->attempts > 0) {
		hg_queue_put_back(q, &job->item, n);
	} else if (hg_queue_push(q, &job->item, n, &err) < 0) {
		hg_job_refuse(job, HG_RPC_RESOURCE_EXHAUSTED, err.text);
		return;
	}
	job->state = HG_JOB_QUEUED;
	start_timer(job, job->deadline_ns, now_ns);
	hg_log(HG_LOG_DEBUG, "compile queued",
	    "task=%llu source=\"%s\" queued=%zu", (unsigned long long)job->task,
	    job->source, q->n);
}

void
hg_job_submit(struct hg_job *job)
{
	struct hg_coord *c = job->coord;
	struct hg_strbuf text = HG_STRBUF_INIT;
	uint64_t now_ns = hg_now_ns();
	struct hg_pick pick;

	if (!job->waiters) {
		hg_job_end(job);
		return;
	}
	pick = hg_scheduler_pick(
	    &c->scheduler, &c->registry, &job->need, &job->tried, now_ns);
	if (pick.result == HG_PICK_FOUND) {
		hg_job_call(job, pick.worker);
	} else if (pick.result == HG_PICK_BUSY) {
		wait_in_queue(job, now_ns);
	} else {
		hg_pick_explain(pick.result, &job->need, &text);
		hg_job_refuse(job, hg_pick_status(pick.result, &job->need),
		    text.buf);
	}
	hg_strbuf_release(&text);
}

void
hg_job_unqueue(struct hg_job *job)
{
	hg_queue_remove(&job->coord->queue, &job->item);
	stop_timer(job);
	job->state = HG_JOB_IDLE;
}

void
hg_job_pause(struct hg_job *job, uint64_t delay_ns)
{
	uint64_t now_ns = hg_now_ns();

	job->state = HG_JOB_PAUSED;
	start_timer(job, now_ns + delay_ns, now_ns);
}

/* A pause is over, or the time in the queue. */
static void
on_timer(void *arg)
{
	struct hg_job *job = arg;
	uint64_t now_ns = hg_now_ns();

	job->timer = NULL;
	if (job->state == HG_JOB_PAUSED) {
		job->state = HG_JOB_IDLE;
		hg_job_submit(job);
	} else if (now_ns < job->deadline_ns) {
		/* one who joined has more patience */
		start_timer(job, job->deadline_ns, now_ns);
	} else {
		refuse_late(job, now_ns);
	}
}
