/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A worker keeps contents for as long as it has room, so mostly this happens
 * once for each header and worker. The attempt goes on meanwhile: the worker's
 * slot stays ours.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/alloc.h"
#include "lib/base/error.h"
#include "lib/base/log.h"
#include "lib/base/strbuf.h"
#include "lib/digest/content_id.h"
#include "lib/wire/wire.h"
#include "services/coordinator/attempt.h"
#include "services/coordinator/coordinator.h"
#include "services/coordinator/depot.h"
#include "services/coordinator/job.h"
#include "services/coordinator/supply.h"

/* Bundles for one attempt; a toolchain takes a few. */
#define MAX_SUPPLIES 64

/* Those of the inputs and of the compiler may be missing one after the other. */
#define MAX_LISTS 2

/* What a worker lacks, while it is being bundled. */
struct supply {
	struct hg_job *job;
	size_t n;
	struct hg_content_id ids[];
};

static void
call_again(struct hg_job *job, const struct hg_strbuf *bundle)
{
	struct hg_strbuf body = HG_STRBUF_INIT;
	struct hg_blob ignored;
	const void *p;
	size_t n;

	p = hg_job_body(job, &n);
	hg_strbuf_add(&body, p, hg_wire_compile_head(p, n, &ignored));
	hg_wire_compile_add_bundle(&body, bundle->buf, bundle->len);
	hg_job_call_again(job, body.buf, body.len);
	hg_strbuf_release(&body);
}

static void
on_bundled(
    void *arg, const struct hg_strbuf *bundle, const struct hg_error *err)
{
	struct supply *s = arg;
	struct hg_job *job = s->job;

	if (!job->waiters || !job->attempt.worker->channel)
		hg_job_attempt_failed(job, HG_RPC_UNAVAILABLE,
		    "the worker left, or the caller did");
	else if (err)
		hg_job_attempt_missing(job, s->ids, s->n);
	else
		call_again(job, bundle);
	free(s);
}

/* Only with a list of contents can the worker tell which of those it lacks. */
static bool
lacked_list(const struct hg_job *job, const struct supply *s)
{
	for (size_t i = 0; i < s->n; i++)
		if (hg_content_id_equal(&s->ids[i], &job->input_list) ||
		    hg_content_id_equal(&s->ids[i], &job->toolchain_list))
			return true;
	return false;
}

bool
hg_job_supply(struct hg_job *job, const struct hg_blob *missing)
{
	size_t n = missing->n / sizeof(struct hg_content_id);
	struct supply *s;

	if (!job->coord->depot || !job->waiters ||
	    n * sizeof(*s->ids) != missing->n ||
	    (job->n_missing > 0 && n >= job->n_missing) ||
	    ++job->supplies > MAX_SUPPLIES)
		return false;
	hg_log(HG_LOG_DEBUG, "worker lacks contents",
	    "task=%llu worker=%s contents=%zu", (unsigned long long)job->task,
	    job->attempt.worker->id, n);
	s = hg_xmalloc(sizeof(*s) + missing->n);
	s->job = job;
	s->n = n;
	memcpy(s->ids, missing->p, missing->n);
	job->n_missing =
	    job->supplies <= MAX_LISTS && lacked_list(job, s) ? 0 : n;
	hg_depot_bundle(job->coord->depot, s->ids, n, on_bundled, s);
	return true;
}
