/* SPDX-License-Identifier: Apache-2.0 */
/* Running the real compiler here. */
#ifndef HG_LAUNCHER_RUN_H
#define HG_LAUNCHER_RUN_H

#include <stdint.h>

#include "lib/base/strbuf.h"

struct hg_error;
struct hg_job;
struct hg_observe;

/* Becomes the compiler. Returns only when that is impossible: 127, said why. */
int hg_run_exec(const struct hg_job *job);

struct hg_run {
	/* as waitpid() gives it */
	int status;
	struct hg_strbuf out;
	struct hg_strbuf err;
	uint64_t wall_us;
	/* a signal that we got and passed on, or 0 */
	int signal;
};

/*
 * Runs the compiler, observed unless o is NULL, with its output caught and then
 * passed on. -code when it could not be started (then nothing was done).
 */
int hg_run_captured(const struct hg_job *job, struct hg_observe *o,
    struct hg_run *ret, struct hg_error *err);
void hg_run_release(struct hg_run *run);

/*
 * Ends this process by the signal that ended the compiler, or that we got;
 * returns when there was none.
 */
void hg_run_raise(const struct hg_run *run);

#endif
