/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The parts of this machine that compiles see (host_paths.def), and where our
 * own helper programs are.
 */
#ifndef HG_WORKER_HOST_H
#define HG_WORKER_HOST_H

#include <stdbool.h>

struct hg_strvec;

/* True when path is one of the TOOLS or below one. path is plain. */
bool hg_host_shows(const char *path);

/* The same, HEADERS included. */
bool hg_host_has(const char *path);
/* All TOOLS. */
void hg_host_tools(struct hg_strvec *ret);

/* Those that exist; with_headers adds the HEADERS. */
void hg_host_paths(bool with_headers, struct hg_strvec *ret);

/*
 * The entries of a PATH-like list that hg_host_shows(); owned. What a client
 * says is only searched for programs there.
 */
char *hg_host_filter_path_list(const char *path_list);

/*
 * A helper of ours: in dir, or when that is NULL where hg_part_path() finds it;
 * owned.
 */
char *hg_host_helper(const char *dir, const char *name);

#endif
