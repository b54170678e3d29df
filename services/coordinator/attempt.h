/* SPDX-License-Identifier: Apache-2.0 */
/* What job.c and attempt.c, two halves of one thing, need of each other. */
#ifndef HG_COORDINATOR_ATTEMPT_H
#define HG_COORDINATOR_ATTEMPT_H

#include <stddef.h>
#include <stdint.h>

#include "lib/rpc/rpc.h"

struct hg_content_id;
struct hg_job;

/* In attempt.c: makes the call end soon; the job ends with it. */
void hg_job_cancel_call(struct hg_job *job);
/* The attempt goes on with another call to the same worker. */
void hg_job_call_again(struct hg_job *job, const void *body, size_t n);
/* The attempt ends without a further call: with that status, ... */
void hg_job_attempt_failed(
    struct hg_job *job, enum hg_rpc_status status, const char *message);
/* ... or with the callers being asked for what is missing. */
void hg_job_attempt_missing(
    struct hg_job *job, const struct hg_content_id *ids, size_t n);

/* In job.c. */

/* The bytes of the request; there must be a caller. */
const void *hg_job_body(const struct hg_job *job, size_t *ret_n);
/* Answers all callers, counting each, and frees the job. */
void hg_job_answer(
    struct hg_job *job, const void *p, size_t n, uint64_t *counter);
/* Submits it again after the delay. */
void hg_job_pause(struct hg_job *job, uint64_t delay_ns);
/* Frees one without callers and call. */
void hg_job_end(struct hg_job *job);

#endif
