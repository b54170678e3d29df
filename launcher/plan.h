/* SPDX-License-Identifier: Apache-2.0 */
/* What to do with a command, decided without doing it. */
#ifndef HG_LAUNCHER_PLAN_H
#define HG_LAUNCHER_PLAN_H

#include <stdbool.h>
#include <stddef.h>

struct hg_job;

/*
 * Classifies job's command and makes its key. Sets job->reason to
 * HG_REASON_miss when it is ours, else to why it goes to the compiler untouched.
 */
void hg_plan(struct hg_job *job);

/*
 * The folder as compilers name it in debug information: $PWD if that is right,
 * else as the kernel does. False when there is none of less than n bytes.
 */
bool hg_plan_cwd(char *buf, size_t n);

#endif
