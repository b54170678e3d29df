/* SPDX-License-Identifier: Apache-2.0 */
/* Bringing a worker what it lacks for a compile. */
#ifndef HG_COORDINATOR_SUPPLY_H
#define HG_COORDINATOR_SUPPLY_H

#include <stdbool.h>

struct hg_blob;
struct hg_job;

/*
 * The worker of the job's attempt has answered that contents are missing. True:
 * they are being bundled, and the worker is called again, or the attempt ended
 * by hg_job_attempt_failed(). False: it makes no sense to try.
 */
bool hg_job_supply(struct hg_job *job, const struct hg_blob *missing);

#endif
