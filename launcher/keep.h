/* SPDX-License-Identifier: Apache-2.0 */
/* May the result of a compile be kept, and for how long? */
#ifndef HG_LAUNCHER_KEEP_H
#define HG_LAUNCHER_KEEP_H

#include <stdbool.h>
#include <stddef.h>

struct hg_job;
struct hg_observed_list;

/*
 * Did the compile fail because of what it compiled, so that it would fail
 * again? err: what it said on stderr. Else job->detail says what makes it
 * doubtful.
 */
bool hg_keep_failure(struct hg_job *job, int exit_code, const void *err,
    size_t err_n, const struct hg_observed_list *seen);

/*
 * The compiler asked for the local time: for the date only? Then its result is
 * good for the day.
 */
bool hg_keep_for_today(
    const struct hg_job *job, const struct hg_observed_list *seen);

/* Is any of the words (up to NULL) in the text of an argument? */
bool hg_args_mention(const struct hg_job *job, const char *const *words);
/* Or in that of an input, headers of the system among them or not? */
bool hg_inputs_mention(const struct hg_observed_list *seen,
    const char *const *words, bool with_system);

#endif
