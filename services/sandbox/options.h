/* SPDX-License-Identifier: Apache-2.0 */
/* The command line of hg-sandbox, and its way to fail. */
#ifndef HG_SANDBOX_OPTIONS_H
#define HG_SANDBOX_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "lib/base/strvec.h"

/* The status of a sandbox that could not be made; no compiler uses it. */
#define HG_SANDBOX_FAILED 125

/* A limit that is not given stays as it is. */
#define HG_SANDBOX_NO_LIMIT UINT64_MAX

enum hg_sandbox_limit {
#define HG_LIMIT(name, resource, help) HG_SANDBOX_LIMIT_##name,
#include "services/sandbox/limits.def"
	HG_SANDBOX_LIMIT_COUNT
};

struct hg_sandbox_options {
	/* becomes "/"; absolute */
	char *root;
	/* 0: root as it is; else an empty one in memory of that size */
	uint64_t scratch_bytes;
	/* folders of control groups */
	struct hg_strvec cgroup;
	/* a socket that brings further options and the program, or -1 */
	int control;
	/* within root */
	char *cwd;
	/* each "SOURCE" or "SOURCE:TARGET" */
	struct hg_strvec bind_ro;
	/* folders within root that get an empty file system of their own */
	struct hg_strvec tmpfs;
	/* "NAME=VALUE"; the program gets these and nothing else */
	struct hg_strvec env;
	uint64_t limit[HG_SANDBOX_LIMIT_COUNT];
	mode_t umask;
	/* the one descriptor beside 0, 1 and 2 that stays open, or -1 */
	int keep_fd;
	/* make the sandbox and run nothing */
	bool check;
	/* what to run: the rest of the command line */
	char **program;
};

/* Fills ret, or prints help, version or a complaint and ends the program. */
void hg_sandbox_options_parse(
    struct hg_sandbox_options *ret, int argc, char **argv);

/* Adds those that came later, which end with the program. */
void hg_sandbox_options_add(
    struct hg_sandbox_options *o, int argc, char **argv);

/* "hg-sandbox: TEXT: what errno means" on stderr, and the end of the process. */
_Noreturn void hg_sandbox_die(const char *fmt, ...)
    __attribute__((format(printf, 1, 2)));
/* The same where errno says nothing. */
_Noreturn void hg_sandbox_refuse(const char *fmt, ...)
    __attribute__((format(printf, 1, 2)));

#endif
