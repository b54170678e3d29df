/* SPDX-License-Identifier: Apache-2.0 */
/*
 * All files that make up a compiler: the driver and what it runs, their
 * libraries, the compiler's own headers. A worker that lacks the compiler gets
 * them, as contents like others, and shows them to compiles in place of its own
 * (host_paths.def). Any thread.
 */
#ifndef HG_AGENT_TOOLSET_H
#define HG_AGENT_TOOLSET_H

#include <stdbool.h>
#include <stddef.h>

struct hg_error;
struct hg_inputs;
struct hg_toolset;
struct hg_toolsets;

/* so_path is the library to preload into the compiler. */
struct hg_toolsets *hg_toolsets_new(const char *so_path);
void hg_toolsets_free(struct hg_toolsets *t);

/*
 * The files of a compiler that is found by path_list, whose digest is
 * toolchain. The first time takes about a second. Valid as long as t; NULL and
 * err when they cannot be found out.
 */
const struct hg_toolset *hg_toolset_get(struct hg_toolsets *t,
    const char *compiler, const char *path_list, const char *toolchain,
    struct hg_error *err);

/* The same if it was asked for before; else NULL. */
const struct hg_toolset *hg_toolset_find(struct hg_toolsets *t,
    const char *compiler, const char *path_list, const char *toolchain);

/* Would a worker look there for a file of the compiler? */
bool hg_toolset_covers(const struct hg_toolset *set, const char *path);
/* Is it one of its files, links or folders? */
bool hg_toolset_has(const struct hg_toolset *set, const char *path);

/* All of it; kind, path and target as of inputs. */
const struct hg_inputs *hg_toolset_inputs(const struct hg_toolset *set);

#endif
