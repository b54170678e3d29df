/* SPDX-License-Identifier: Apache-2.0 */
/* Remembering a compile in the cache. */
#ifndef HG_LAUNCHER_PUBLISH_H
#define HG_LAUNCHER_PUBLISH_H

#include <stddef.h>
#include <stdint.h>

struct hg_digest;
struct hg_job;
struct hg_observed_list;
struct hg_wire_output;

/* What the compile gave, beside the files it wrote. */
struct hg_made {
	int exit_code;
	const void *out;
	size_t out_n;
	const void *err;
	size_t err_n;
	uint64_t compile_us;
	/* hg_sig_now() from before it began */
	int64_t started;
	/*
	 * Of what was read, one for each that was observed, all 0 where not
	 * known; or NULL
	 */
	const struct hg_digest *digests;
	/* files that this process has just written itself */
	const struct hg_wire_output *written;
	size_t n_written;
};

/*
 * Publishes what was made, if every input can be vouched for. Sets job->reason
 * and job->detail when it cannot; that is no error for the user.
 */
void hg_publish(struct hg_job *job, const struct hg_made *made,
    const struct hg_observed_list *seen);

#endif
