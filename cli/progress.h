/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What became of the compiles of one build, read from the lines that the
 * launchers append to a log:
 *
 *   v1 TAB wall_time_ns TAB build_id TAB reason TAB ms TAB worker_or_- TAB
 *   exit_code TAB source_or_- TAB object_or_- TAB detail_or_- NL
 *
 * with tab, newline and backslash in names written \t, \n and \\. Fields that
 * may follow one day are passed over.
 */
#ifndef HG_CLI_PROGRESS_H
#define HG_CLI_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/reason.h"
#include "lib/base/strbuf.h"

struct hg_error;

struct hg_progress {
	int fd;
	/* bytes of a line whose end is not there yet */
	struct hg_strbuf partial;
	/* lines of other builds are passed over */
	const char *build_id;
	bool verbose;
	bool colour;
	uint64_t count[HG_REASON_COUNT];
};

/* Only lines that are added to the log from now on count. */
int hg_progress_open(struct hg_progress *p, const char *log_path,
    const char *build_id, struct hg_error *err);
void hg_progress_release(struct hg_progress *p);
/* Reads what is new; prints a line for each compile if verbose. */
void hg_progress_poll(struct hg_progress *p);
/* The summary, as text, appended to out; nothing when nothing was compiled. */
void hg_progress_summary(const struct hg_progress *p, uint64_t wall_ns,
    uint64_t saved_us, struct hg_strbuf *out);

#endif
