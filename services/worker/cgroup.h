/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A control group for each compile, which bounds memory and processes of all its
 * processes together. Plain files, both layouts: one tree a controller (version
 * 1) or one tree for all (version 2). Groups are made beside or below our own, so
 * that limits of this machine's owner hold for them too.
 */
#ifndef HG_WORKER_CGROUP_H
#define HG_WORKER_CGROUP_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/strvec.h"

struct hg_capability_roots;
struct hg_cgroups;
struct hg_error;

/* 0: no limit, and no group for its sake. */
struct hg_cgroup_limits {
	uint64_t memory_bytes;
	uint64_t processes;
};

/* The group of one compile: its folder, or one a controller. */
struct hg_cgroup {
	struct hg_strvec dirs;
};

/*
 * Looks for places where groups can be made and tries them; removes what a
 * worker that was killed left there. roots must outlive it. With version 2 this
 * process may move into a group of its own below the one it is in, as the kernel
 * wants it.
 */
struct hg_cgroups *hg_cgroups_new(const struct hg_capability_roots *roots,
    const struct hg_cgroup_limits *limits);
void hg_cgroups_free(struct hg_cgroups *g);

/* Is that limit set, and upheld by groups? */
bool hg_cgroups_hold_memory(const struct hg_cgroups *g);
bool hg_cgroups_hold_processes(const struct hg_cgroups *g);
/* "" or why a limit is not upheld; owned by g. */
const char *hg_cgroups_trouble(const struct hg_cgroups *g);

/* A new group without processes; remove it. Any thread. */
int hg_cgroup_make(
    struct hg_cgroups *g, struct hg_cgroup *ret, struct hg_error *err);
/* Processes that the kernel killed because the memory was used up. */
uint64_t hg_cgroup_oom_kills(const struct hg_cgroup *c);
/* All its processes must have ended. */
void hg_cgroup_remove(struct hg_cgroup *c);

#endif
