/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Seeing what a compile really looked at. A small preloaded library
 * (hg-observe.so) in the compiler's processes notes every file opened, run or
 * looked up in vain, in memory shared with us. This is how inputs are known
 * that no dependency file names: __has_include, .incbin, specs, plugins, the
 * programs that the driver runs.
 *
 *   struct hg_observe *o = hg_observe_new(so_path, &err);
 *   env = hg_observe_env(o, environ);        for the child
 *   ... run the child with hg_observe_fd(o) passed on, and wait for it ...
 *   hg_observe_collect(o, &list, &err)
 *   hg_observe_free(o)
 */
#ifndef HG_OBSERVE_OBSERVE_H
#define HG_OBSERVE_OBSERVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct hg_error;
struct hg_observe;
struct hg_strvec;

/* Numbers are on the wire (hybridgrid.v1.ObservedFile.Kind). */
enum hg_observed_kind {
	/* a file whose content or existence mattered */
	HG_OBSERVED_READ = 0,
	/* looked for and not there */
	HG_OBSERVED_ABSENT = 1,
	/* a folder that was found to exist */
	HG_OBSERVED_FOLDER = 2,
	/* a program that was run */
	HG_OBSERVED_RUN = 3,
	/* The rest never on the wire. Written; not an input */
	HG_OBSERVED_WRITTEN = 4,
	/* a folder whose names were read (on the wire: FOLDER) */
	HG_OBSERVED_LISTED = 5,
	/* read first and written later: an input that is gone */
	HG_OBSERVED_OVERWRITTEN = 6,
};

/* What fstat() said of a file when the compiler had opened it. */
struct hg_observed_stat {
	uint64_t bytes;
	uint64_t ino;
	int64_t mtime_ns;
	int64_t ctime_ns;
};

struct hg_observed {
	enum hg_observed_kind kind;
	/* READ: asked for, but not opened */
	bool only_seen;
	/* all 0 when the file was not opened, or opened as different files */
	struct hg_observed_stat st;
	/* as the compiler spelled it, relative names being relative to cwd */
	char *path;
};

struct hg_observed_list {
	struct hg_observed *v;
	size_t n;
	/* the compiler asked for the local time: its output holds a date */
	bool uses_time;
	/* something could not be opened now that could be another time */
	bool has_fault;
};

/* so_path: the preload library. NULL and err when it cannot be set up. */
struct hg_observe *hg_observe_new(const char *so_path, struct hg_error *err);
void hg_observe_free(struct hg_observe *o);
/* The folder that the child will start in, when it is not ours. */
void hg_observe_set_cwd(struct hg_observe *o, const char *cwd);
/* What the child runs, so that it is told whether that can be observed. */
void hg_observe_set_program(struct hg_observe *o, const char *path);
/* The descriptor the child must inherit under the same number. */
int hg_observe_fd(const struct hg_observe *o);
/* A copy of env with what the child needs added; release it with strvec. */
void hg_observe_env(const struct hg_observe *o, const char *const *env,
    struct hg_strvec *ret);
/*
 * After the child ended: each path once. -HG_UNSUPPORTED when some process was
 * not observed (a static compiler), -HG_TOOBIG when the notes overflowed.
 * Devices, /proc and the preload library itself are left out.
 */
int hg_observe_collect(struct hg_observe *o, struct hg_observed_list *ret,
    struct hg_error *err);
void hg_observed_list_release(struct hg_observed_list *l);

#endif
