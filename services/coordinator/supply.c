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

static void
on_bundled(
    void *arg, const struct hg_strbuf *bundle, const struct hg_error *err)
{
	struct hg_job *job = arg;
	struct hg_strbuf body = HG_STRBUF_INIT;
	struct hg_blob ignored;
	const void *p;
	size_t n;

	if (!job->waiters || !job->attempt.worker->channel) {
		hg_job_attempt_failed(job, HG_RPC_UNAVAILABLE,
		    "the worker left, or the caller did");
		return;
	}
	if (err) {
		hg_job_attempt_missing(job);
		return;
	}
	p = hg_job_body(job, &n);
	hg_strbuf_add(&body, p, hg_wire_compile_head(p, n, &ignored));
	hg_wire_compile_add_bundle(&body, bundle->buf, bundle->len);
	job->coord->counters.supplied_bytes += bundle->len;
	hg_job_call_again(job, body.buf, body.len);
	hg_strbuf_release(&body);
}

/* Was the list of inputs sent, without which the worker cannot tell the rest? */
static bool
sent_list(const struct hg_job *job, const struct hg_content_id *ids, size_t n)
{
	return n == 1 && hg_content_id_equal(&ids[0], &job->input_list);
}

bool
hg_job_supply(struct hg_job *job, const struct hg_blob *missing)
{
	size_t n = missing->n / sizeof(struct hg_content_id);
	struct hg_content_id *ids;

	if (!job->coord->depot || !job->waiters || n * sizeof(*ids) != missing->n ||
	    (job->n_missing > 0 && n >= job->n_missing) ||
	    ++job->supplies > MAX_SUPPLIES)
		return false;
	hg_log(HG_LOG_DEBUG, "worker lacks contents",
	    "task=%llu worker=%s contents=%zu", (unsigned long long)job->task,
	    job->attempt.worker->id, n);
	/* aligned for any type, which the message's bytes need not be */
	ids = hg_xmalloc(missing->n);
	memcpy(ids, missing->p, missing->n);
	job->n_missing = sent_list(job, ids, n) ? 0 : n;
	hg_depot_bundle(job->coord->depot, ids, n, on_bundled, job);
	free(ids);
	return true;
}
