/* SPDX-License-Identifier: Apache-2.0 */
/*
 * BuildService.Compile. A request becomes a job: queued for a slot, done on the
 * slot's thread, answered on the loop's thread. Only the latter answers and
 * frees, so the news that a caller has gone (also told on the loop's thread)
 * never meets a job that is no more.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "lib/base/alloc.h"
#include "lib/base/error.h"
#include "lib/base/fd.h"
#include "lib/base/log.h"
#include "lib/base/strbuf.h"
#include "lib/base/time.h"
#include "lib/rpc/rpc.h"
#include "lib/wire/packed.h"
#include "lib/wire/wire.h"
#include "services/worker/outcome.h"
#include "services/worker/slots.h"
#include "services/worker/worker.h"

struct job {
	struct hg_worker *worker;
	struct hg_rpc_request *req;
	/* readable once the caller has gone */
	int cancel_fd;
	/* hg_now_ns() when the caller gives up; UINT64_MAX: never */
	uint64_t deadline_ns;

	/* set by the slot's thread */
	enum hg_rpc_status status;
	char message[256];
	struct hg_strbuf answer;
	bool success;
	uint64_t compile_ms;
};

static void
job_free(struct job *job)
{
	hg_fd_close(&job->cancel_fd);
	hg_strbuf_release(&job->answer);
	free(job);
}

/* ---- on the slot's thread ---------------------------------------------- */

static void
set_status(struct job *job, enum hg_rpc_status status, const char *message)
{
	job->status = status;
	snprintf(job->message, sizeof(job->message), "%s", message);
}

static void
pack_answer(struct job *job, struct hg_outcome *o,
    const struct hg_wire_compile *request)
{
	size_t max = job->worker->cfg->worker_max_message;

	o->result.worker_id = job->worker->id;
	if (request->accepts_packed)
		hg_wire_result_pack_small(&o->result, max, &job->answer);
	else
		hg_wire_result_pack(&o->result, &job->answer);
	if (job->answer.len <= max)
		return;
	hg_outcome_infra(o, request->protocol,
	    "the result is larger than a message may be");
	hg_strbuf_reset(&job->answer);
	hg_wire_result_pack(&o->result, &job->answer);
}

static void
execute(struct job *job, const struct hg_wire_compile *request)
{
	uint64_t now = hg_now_ns();
	uint64_t left = job->deadline_ns;
	struct hg_outcome outcome;

	if (left != UINT64_MAX)
		left = left > now ? left - now : 1;
	hg_outcome_init(&outcome);
	hg_executor_run(
	    job->worker->executor, request, job->cancel_fd, left, &outcome);
	if (outcome.status == HG_RPC_OK)
		pack_answer(job, &outcome, request);
	set_status(job, outcome.status, outcome.message);
	job->success = outcome.result.success;
	job->compile_ms = (uint64_t)outcome.result.compile_time_ms;
	hg_log(HG_LOG_INFO, "compile ended",
	    "exit=%d compiler_ms=%llu total_ms=%llu grpc=%d reason=\"%s\"",
	    (int)outcome.result.exit_code, (unsigned long long)job->compile_ms,
	    (unsigned long long)((hg_now_ns() - now) / HG_NS_PER_MS),
	    (int)outcome.status,
	    outcome.infra ? outcome.infra : outcome.message);
	hg_outcome_release(&outcome);
}

static void
answer(void *arg)
{
	struct job *job = arg;
	struct hg_worker *w = job->worker;

	if (job->status == HG_RPC_OK) {
		w->total++;
		w->successful += job->success;
		w->compile_ms += job->compile_ms;
		hg_rpc_reply(job->req, job->answer.buf, job->answer.len);
	} else {
		hg_rpc_refuse(job->req, job->status, job->message);
	}
	job_free(job);
}

static void
run_job(void *arg)
{
	struct job *job = arg;
	struct hg_error err = { .text = "" };
	struct hg_wire_compile *request;
	const void *body;
	size_t n;

	body = hg_rpc_request_body(job->req, &n);
	request = hg_wire_compile_unpack(body, n, &err);
	if (request)
		execute(job, request);
	else
		set_status(job, HG_RPC_INVALID_ARGUMENT, err.text);
	hg_wire_compile_free(request);
	hg_rpc_loop_post(job->worker->loop, answer, job);
}

/* ---- on the loop's thread ---------------------------------------------- */

static void
on_cancel(void *arg)
{
	struct job *job = arg;
	uint64_t one = 1;
	ssize_t ignored;

	if (hg_slots_withdraw(job->worker->slots, job)) {
		hg_rpc_refuse(job->req, HG_RPC_CANCELLED, "cancelled");
		job_free(job);
		return;
	}
	ignored = write(job->cancel_fd, &one, sizeof(one));
	(void)ignored;
}

void
hg_worker_rpc_compile(void *ctx, struct hg_rpc_request *req)
{
	struct hg_worker *w = ctx;
	struct hg_error err = { .text = "" };
	uint64_t left = hg_rpc_request_time_left_ns(req);
	struct job *job;

	if (w->draining) {
		hg_rpc_refuse(req, HG_RPC_UNAVAILABLE, "this worker is leaving");
		return;
	}
	job = hg_xcalloc(1, sizeof(*job));
	hg_strbuf_init(&job->answer);
	job->worker = w;
	job->req = req;
	job->deadline_ns = left == UINT64_MAX ? left : hg_now_ns() + left;
	job->cancel_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (job->cancel_fd < 0)
		hg_fail_errno(&err, HG_EXHAUSTED, "no descriptor left");
	else if (hg_slots_submit(w->slots, run_job, job, &err) == 0) {
		hg_rpc_request_on_cancel(req, on_cancel, job);
		return;
	}
	hg_rpc_refuse(req, HG_RPC_RESOURCE_EXHAUSTED, err.text);
	job_free(job);
}
