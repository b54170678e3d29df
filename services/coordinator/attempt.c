/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One call to a worker: how it is made, what its end teaches about the worker,
 * and what becomes of the compile. The request's and the answer's bytes pass
 * through unchanged; fields are added by appending them, which a protobuf
 * message allows.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/error.h"
#include "lib/base/log.h"
#include "lib/base/strbuf.h"
#include "lib/base/time.h"
#include "lib/wire/packed.h"
#include "lib/wire/wire.h"
#include "services/coordinator/attempt.h"
#include "services/coordinator/coordinator.h"
#include "services/coordinator/depot.h"
#include "services/coordinator/deps.h"
#include "services/coordinator/job.h"
#include "services/coordinator/retry.h"
#include "services/coordinator/supply.h"

/* A call that ends within this of its deadline has run out of time. */
#define DEADLINE_SLACK_NS (50 * HG_NS_PER_MS)

/* The end of a call, with all that is needed to decide. */
struct ending {
	struct hg_worker *worker;
	const struct hg_rpc_result *rpc;
	/* of an answer that could be read */
	struct hg_wire_result *result;
	/* why it could not */
	struct hg_error err;
	uint64_t now_ns;
	uint64_t took_ns;
	struct hg_verdict verdict;
};

static bool
is_success(const struct hg_wire_result *r)
{
	return r->success && r->exit_code == 0 && !*r->infra_error;
}

/* ---- what the end of a call teaches ------------------------------------- */

static void
log_breaker(const struct hg_worker *w, enum hg_breaker_state before,
    enum hg_breaker_state after)
{
	if (before == after)
		return;
	hg_log(HG_LOG_NOTICE, "circuit breaker changed",
	    "worker=%s old=%s new=%s", w->id, hg_breaker_state_name(before),
	    hg_breaker_state_name(after));
}

static void
judge(struct hg_job *job, struct ending *e)
{
	const struct hg_outcome outcome = {
		.status = e->rpc->status,
		.result = e->result,
		.worker_protocol = e->worker->protocol,
		.took_ns = e->took_ns,
		.out_of_time =
		    e->now_ns + DEADLINE_SLACK_NS >= job->attempt.deadline_ns,
	};

	e->verdict = hg_retry_judge(&outcome);
	/* we ended it ourselves; but a worker that long said nothing failed */
	if (!job->waiters && e->rpc->status == HG_RPC_CANCELLED &&
	    !(outcome.out_of_time && e->took_ns >= HG_FAIR_CALL_NS))
		e->verdict.breaker = HG_BREAKER_NO_VERDICT;
}

static void
learn(struct hg_job *job, const struct ending *e)
{
	const struct hg_coord *c = job->coord;
	struct hg_worker *w = e->worker;
	enum hg_breaker_state before = w->breaker.state;

	hg_breaker_end(
	    &w->breaker, job->attempt.ticket, e->verdict.breaker, e->now_ns);
	log_breaker(w, before, w->breaker.state);
	if (e->verdict.full)
		w->cool_until_ns = e->now_ns + c->settings->retry.initial_ns;
	if (e->verdict.lacks_toolchain)
		hg_worker_add_lack(w, job->need.toolchain, e->now_ns);
	if (e->verdict.breaker == HG_BREAKER_FAILURE)
		hg_worker_count_failure(w);
	else if (e->result && e->verdict.action == HG_RETRY_ANSWER &&
	    e->result->missing.n == 0)
		hg_worker_count_result(w, is_success(e->result),
		    (int64_t)(e->took_ns / HG_NS_PER_MS),
		    e->result->compile_time_ms);
	if (e->rpc->status == HG_RPC_OK)
		w->seen_ns = e->now_ns;
}

/* ---- what becomes of the compile ---------------------------------------- */

static void
log_answer(const struct hg_job *job, const struct ending *e)
{
	hg_log(HG_LOG_INFO, "compile finished",
	    "task=%llu source=\"%s\" worker=%s exit=%d compile_ms=%lld "
	    "wait_ms=%llu retries=%u",
	    (unsigned long long)job->task, job->source, e->worker->id,
	    (int)e->result->exit_code, (long long)e->result->compile_time_ms,
	    (unsigned long long)((e->now_ns - e->took_ns - job->arrived_ns) /
				 HG_NS_PER_MS),
	    job->retries);
}

/* What the compile has read is a better key than what it might have. */
static void
remember_deps(struct hg_job *job, const struct hg_wire_result *result)
{
	struct hg_coord *c = job->coord;
	struct hg_wire_input_list *list;
	struct hg_wire_compile *compile;
	struct hg_blob ignored;
	const void *p;
	size_t n;

	if (!hg_content_id_is_set(&job->input_list) || !c->depot)
		return;
	p = hg_job_body(job, &n);
	n = hg_wire_compile_head(p, n, &ignored);
	compile = hg_wire_compile_unpack(p, n, NULL);
	list = hg_depot_list(c->depot, &job->input_list);
	if (compile && list)
		hg_deps_add(c->deps, compile, list, result, &job->digest);
	hg_wire_compile_free(compile);
	hg_wire_input_list_free(list);
}

static void
keep(struct hg_job *job, struct hg_wire_result *result,
    struct hg_strbuf *answer)
{
	const struct hg_wire_result mark = { .from_cache = true };
	size_t n = answer->len;

	hg_wire_result_pack(&mark, answer);
	hg_result_cache_put(
	    job->coord->cache, &job->digest, answer->buf, answer->len);
	hg_strbuf_setlen(answer, n);
	/* what cannot be read is the client's to complain of */
	if (hg_wire_result_expand(result, HG_PACKED_OBSERVED, NULL) == 0)
		remember_deps(job, result);
}

/* The worker's answer goes to all callers; when it is one to keep, to us too.
 */
static void
give_answer(struct hg_job *job, const struct ending *e)
{
	struct hg_coord_counters *count = &job->coord->counters;
	bool success = is_success(e->result);
	struct hg_strbuf answer = HG_STRBUF_INIT;
	struct hg_wire_result name = { .worker_id = e->worker->id };

	if (e->result->missing.n > 0) {
		hg_job_answer(job, e->rpc->body, e->rpc->n, &count->refused);
		return;
	}
	log_answer(job, e);
	hg_strbuf_add(&answer, e->rpc->body, e->rpc->n);
	if (!*e->result->worker_id)
		hg_wire_result_pack(&name, &answer);
	if (success && job->joinable && !e->result->uses_time)
		keep(job, e->result, &answer);
	hg_job_answer(job, answer.buf, answer.len,
	    success ? &count->succeeded : &count->failed);
	hg_strbuf_release(&answer);
}

/* There is no further attempt: what came last is what the callers get. */
static void
give_up(struct hg_job *job, const struct ending *e)
{
	struct hg_strbuf text = HG_STRBUF_INIT;
	const char *why = e->rpc->message;

	if (e->result) {
		give_answer(job, e);
		return;
	}
	if (e->rpc->status == HG_RPC_OK)
		why = e->err.text;
	hg_strbuf_addf(&text, "worker %s: %s", e->worker->id, why);
	if (job->attempts > 1)
		hg_strbuf_addf(&text, " (after %u attempts)", job->attempts);
	hg_job_refuse(job, e->verdict.report, text.buf);
	hg_strbuf_release(&text);
}

static enum hg_pick_result
prospects(const struct hg_job *job, uint64_t now_ns)
{
	const struct hg_coord *c = job->coord;

	return hg_scheduler_pick(
	    &c->scheduler, &c->registry, &job->need, &job->tried, now_ns)
	    .result;
}

static bool
is_hopeless(enum hg_pick_result result)
{
	return result != HG_PICK_FOUND && result != HG_PICK_BUSY;
}

static void
log_retry(const struct hg_job *job, const struct ending *e)
{
	const char *why = e->rpc->status != HG_RPC_OK ? e->rpc->message
			  : e->result                 ? e->result->infra_error
						      : e->err.text;

	hg_log(HG_LOG_INFO, "worker could not do it",
	    "task=%llu source=\"%s\" worker=%s status=%d reason=\"%.200s\"",
	    (unsigned long long)job->task, job->source, e->worker->id,
	    (int)e->rpc->status, why);
}

static void
try_again(struct hg_job *job, const struct ending *e)
{
	struct hg_coord *c = job->coord;
	const struct hg_retry_policy *policy = &c->settings->retry;
	uint64_t delay_ns = hg_retry_delay_ns(
	    policy, job->retries + 1, hg_random_next(&c->random));

	if (job->tried.n < HG_MAX_ATTEMPTS)
		job->tried.serial[job->tried.n++] = e->worker->serial;
	if (job->retries >= policy->max_retries ||
	    e->now_ns + delay_ns >= job->deadline_ns ||
	    is_hopeless(prospects(job, e->now_ns))) {
		give_up(job, e);
		return;
	}
	log_retry(job, e);
	job->retries++;
	c->counters.retries++;
	hg_job_pause(job, delay_ns);
}

/* Bounded without counting: each worker is asked for a toolchain but once. */
static void
try_elsewhere(struct hg_job *job, const struct ending *e)
{
	if (is_hopeless(prospects(job, e->now_ns)) ||
	    e->now_ns >= job->deadline_ns) {
		give_up(job, e);
		return;
	}
	log_retry(job, e);
	job->coord->counters.retries++;
	hg_job_submit(job);
}

static void
act(struct hg_job *job, const struct ending *e)
{
	switch (e->verdict.action) {
	case HG_RETRY_ANSWER:
		give_answer(job, e);
		break;
	case HG_RETRY_AGAIN:
		try_again(job, e);
		break;
	case HG_RETRY_ELSEWHERE:
		try_elsewhere(job, e);
		break;
	case HG_RETRY_GIVE_UP:
		give_up(job, e);
		break;
	}
}

/* ---- the call ------------------------------------------------------------ */

static void
end(struct hg_job *job, const struct hg_rpc_result *rpc, bool may_supply)
{
	struct hg_coord *c = job->coord;
	struct ending e = {
		.worker = job->attempt.worker,
		.rpc = rpc,
		.now_ns = hg_now_ns(),
	};

	job->attempt.call = NULL;
	e.took_ns = e.now_ns - job->attempt.started_ns;
	if (rpc->status == HG_RPC_OK)
		e.result = hg_wire_result_unpack(rpc->body, rpc->n, &e.err);
	if (may_supply && e.result && e.result->missing.n > 0 &&
	    hg_job_supply(job, &e.result->missing)) {
		hg_wire_result_free(e.result);
		return;
	}
	judge(job, &e);
	learn(job, &e);
	e.worker->active--;
	c->calls--;
	job->attempt = (struct hg_attempt){ 0 };
	job->state = HG_JOB_IDLE;
	if (job->waiters)
		act(job, &e);
	else
		hg_job_end(job);
	hg_wire_result_free(e.result);
	hg_coord_call_ended(c);
}

static void
on_done(void *arg, const struct hg_rpc_result *rpc)
{
	end(arg, rpc, true);
}

void
hg_job_attempt_failed(
    struct hg_job *job, enum hg_rpc_status status, const char *message)
{
	const struct hg_rpc_result rpc = {
		.status = status,
		.message = message,
	};

	end(job, &rpc, false);
}

void
hg_job_attempt_missing(
    struct hg_job *job, const struct hg_content_id *ids, size_t n)
{
	struct hg_strbuf body = HG_STRBUF_INIT;
	struct hg_wire_result result = { 0 };
	struct hg_rpc_result rpc = { .status = HG_RPC_OK, .message = "" };

	result.missing = (struct hg_blob){ ids, n * sizeof(*ids) };
	hg_wire_result_pack(&result, &body);
	rpc.body = body.buf;
	rpc.n = body.len;
	end(job, &rpc, false);
	hg_strbuf_release(&body);
}

static void
start_call(struct hg_job *job, const void *body, size_t n)
{
	uint64_t now_ns = hg_now_ns();
	const struct hg_rpc_call_options options = {
		.method = HG_METHOD_COMPILE,
		.body = body,
		.n = n,
		.timeout_ns = job->attempt.deadline_ns > now_ns
		    ? job->attempt.deadline_ns - now_ns
		    : 1,
	};

	job->attempt.call = hg_rpc_call_start(
	    job->attempt.worker->channel, &options, on_done, job);
}

void
hg_job_call_again(struct hg_job *job, const void *body, size_t n)
{
	start_call(job, body, n);
}

void
hg_job_call(struct hg_job *job, struct hg_worker *w)
{
	struct hg_coord *c = job->coord;
	uint64_t now_ns = hg_now_ns();
	enum hg_breaker_state before = w->breaker.state;
	const void *body;
	size_t n;

	hg_assert(job->state == HG_JOB_IDLE && !job->timer);
	body = hg_job_body(job, &n);
	job->attempts++;
	job->n_missing = 0;
	job->supplies = 0;
	job->state = HG_JOB_CALLING;
	job->attempt = (struct hg_attempt){
		.worker = w,
		.ticket = hg_breaker_begin(&w->breaker, now_ns),
		.started_ns = now_ns,
		.deadline_ns =
		    job->deadline_ns > now_ns ? job->deadline_ns : now_ns + 1,
	};
	log_breaker(w, before, w->breaker.state);
	w->active++;
	c->calls++;
	start_call(job, body, n);
}

void
hg_job_cancel_call(struct hg_job *job)
{
	if (job->attempt.call)
		hg_rpc_call_cancel(job->attempt.call);
}
