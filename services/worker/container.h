/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One warm container: made of an image, with hg-runner as its first process, in
 * which compiles run one after the other. Used by one thread at a time.
 */
#ifndef HG_WORKER_CONTAINER_H
#define HG_WORKER_CONTAINER_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/strvec.h"

struct hg_engine;
struct hg_error;
struct hg_jail_spec;
struct hg_proc_result;

struct hg_container_limits {
	uint64_t memory_bytes;
	uint64_t tmpfs_bytes;
	int64_t pids;
	double cpus;
};

struct hg_container {
	/* of those that are idle */
	struct hg_container *next;
	/* the engine's name for it */
	char *id;
	char *image;
	/* folders in memory: what of the container is the compile's */
	struct hg_strvec areas;
	/* the image's */
	struct hg_strvec env;
	/* to its runner */
	int fd;
	/* its root folder, and a name for that in this process */
	int root_fd;
	char *root;
	unsigned compiles;
	/* it cannot be used again */
	bool broken;
};

struct hg_container_spec {
	const char *image;
	const struct hg_strvec *areas;
	const struct hg_container_limits *limits;
	/* hg-runner and hg-observe.so of this machine */
	const char *runner;
	const char *observer;
	/* where a folder for the runner's socket is made for a moment */
	const char *work_dir;
};

/*
 * Makes and starts one: a quarter of a second. NULL and err: -HG_NOTFOUND, the
 * image is not on this engine; -HG_UNAVAILABLE or -HG_TIMEOUT, no engine.
 */
struct hg_container *hg_container_new(const struct hg_engine *engine,
    const struct hg_container_spec *spec, struct hg_error *err);
/* Hangs up, which ends it and makes the engine remove it. */
void hg_container_free(struct hg_container *c);

/* False once it has ended. */
bool hg_container_is_alive(const struct hg_container *c);
/* Removes what is in its areas, so that it can be lent to somebody else. */
int hg_container_empty(struct hg_container *c, struct hg_error *err);

/*
 * Runs argv (the first word is searched in the PATH of env) as spec says, of
 * which sandbox, view and observer do not count, and fills ret (to be released,
 * also on error). When it had to be ended, the container is broken.
 * -HG_NOCOMPILER: no such program; -HG_UNAVAILABLE: the container has ended.
 */
int hg_container_run(struct hg_container *c, const struct hg_jail_spec *spec,
    struct hg_proc_result *ret, struct hg_error *err);

#endif
