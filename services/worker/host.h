/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What of a client's PATH is searched on this machine, and where our own helper
 * programs are.
 */
#ifndef HG_WORKER_HOST_H
#define HG_WORKER_HOST_H

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
