/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What compiles see of the machine that they run on (host_paths.def): workers
 * show it, clients do not send it, and the toolchain's digest stands for it.
 */
#ifndef HG_TOOLCHAIN_HOST_PATHS_H
#define HG_TOOLCHAIN_HOST_PATHS_H

#include <stdbool.h>

struct hg_strvec;

/* Is path, which is plain, one of the TOOLS or below one? */
bool hg_host_shows(const char *path);
/* The same, HEADERS included. */
bool hg_host_has(const char *path);
/* All TOOLS. */
void hg_host_tools(struct hg_strvec *ret);
/* Those that exist on this machine; with_headers adds the HEADERS. */
void hg_host_paths(bool with_headers, struct hg_strvec *ret);

#endif
