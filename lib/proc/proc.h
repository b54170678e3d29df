/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Running another program: its own process group, captured output, a time limit
 * that ends the whole group, resource use. Built on posix_spawn, so that it is
 * safe in programs with threads.
 */
#ifndef HG_PROC_PROC_H
#define HG_PROC_PROC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/strbuf.h"

struct hg_error;

struct hg_proc_spec {
	/* argv[0] is also the file to run: absolute, or searched in PATH */
	const char *const *argv;
	/* NULL: ours */
	const char *const *envp;
	/* NULL: ours */
	const char *cwd;
	/* 0: none */
	uint64_t timeout_ns;
	/* stdin: this descriptor, or /dev/null when -1 */
	int stdin_fd;
	/* descriptor to pass on, keeping its number; -1: none */
	int pass_fd;
	/* becomes readable or hangs up: the group is killed; -1: none */
	int cancel_fd;
	/* bytes kept of stdout and of stderr, each */
	size_t max_capture_bytes;
};

#define HG_PROC_SPEC_INIT \
	{ .stdin_fd = -1, .pass_fd = -1, .cancel_fd = -1, \
		.max_capture_bytes = (size_t)16 << 20 }

enum hg_proc_end {
	HG_PROC_EXITED,
	HG_PROC_SIGNALLED,
	HG_PROC_TIMED_OUT,
	HG_PROC_CANCELLED,
};

struct hg_proc_result {
	enum hg_proc_end end;
	/* exit status, or 128 + signal */
	int status;
	int signal;
	struct hg_strbuf out;
	struct hg_strbuf err;
	/* something was cut at max_capture_bytes */
	bool truncated;
	uint64_t wall_ns;
	uint64_t cpu_ns;
	uint64_t peak_rss_bytes;
};

/*
 * Runs spec to its end and fills ret (release it afterwards, also on error).
 * Whatever remains of the process group is killed before this returns.
 * -HG_NOTFOUND: no such program. A non-zero exit is not an error.
 */
int hg_proc_run(const struct hg_proc_spec *spec, struct hg_proc_result *ret,
    struct hg_error *err);

/*
 * The same in two steps, for a program that is started before there is work for
 * it. The limits of spec count from the start; hg_proc_limit() sets others,
 * which count from then. hg_proc_finish() waits, fills ret and frees the
 * process. *ret of the start is set only on success.
 */
struct hg_proc;
int hg_proc_start(const struct hg_proc_spec *spec, struct hg_proc **ret,
    struct hg_error *err);
void hg_proc_limit(struct hg_proc *p, uint64_t timeout_ns, int cancel_fd);
void hg_proc_finish(struct hg_proc *p, struct hg_proc_result *ret);

void hg_proc_result_release(struct hg_proc_result *r);

#endif
