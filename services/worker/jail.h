/* SPDX-License-Identifier: Apache-2.0 */
/* Running a compiler through hg-sandbox. */
#ifndef HG_WORKER_JAIL_H
#define HG_WORKER_JAIL_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "services/worker/view.h"

struct hg_cell;
struct hg_cells;
struct hg_error;
struct hg_proc_result;

/* The observer's library, as the compile sees it. */
#define HG_JAIL_OBSERVER "/dev/hg-observe.so"

/* Of single processes; 0: none. Those of a whole compile are the cell's. */
struct hg_jail_limits {
	/* only where no control group does it better */
	uint64_t memory_bytes;
	uint64_t processes;
	uint64_t cpu_ns;
	uint64_t file_bytes;
};

struct hg_jail_spec {
	/* used up by it */
	struct hg_cell *cell;
	const struct hg_jail_limits *limits;
	const struct hg_view *view;
	/* shown at HG_JAIL_OBSERVER; NULL: no */
	const char *observer;
	const char *cwd;
	/* NULL-terminated; argv[0] absolute. NULL: only try the sandbox */
	const char *const *argv;
	const char *const *env;
	mode_t umask;
	/* passed on to the program; -1: none */
	int keep_fd;
	int cancel_fd;
	uint64_t timeout_ns;
};

/*
 * Runs it and fills ret (to be released, also on error). Nothing of it lives when
 * this returns. -HG_UNAVAILABLE when the sandbox could not be made,
 * -HG_EXHAUSTED when it needed more memory than it may have; the message is in
 * err.
 */
int hg_jail_run(const struct hg_jail_spec *spec, struct hg_proc_result *ret,
    struct hg_error *err);

/* 0 if sandboxes can be made on this machine. */
int hg_jail_probe(struct hg_cells *cells, struct hg_error *err);

#endif
