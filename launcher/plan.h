/* SPDX-License-Identifier: Apache-2.0 */
/* What to do with a command, decided without doing it. */
#ifndef HG_LAUNCHER_PLAN_H
#define HG_LAUNCHER_PLAN_H

struct hg_job;

/*
 * Classifies job's command and makes its key. Sets job->reason to
 * HG_REASON_miss when it is ours, else to why it goes to the compiler untouched.
 */
void hg_plan(struct hg_job *job);

#endif
