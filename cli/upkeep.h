/* SPDX-License-Identifier: Apache-2.0 */
/* What the commands that change the cache have in common. */
#ifndef HG_CLI_UPKEEP_H
#define HG_CLI_UPKEEP_H

struct hg_cache;
struct hg_cli;
struct hg_error;

/*
 * Opens the cache of the settings, for this process alone to clean: *ret_cache
 * is owned (hg_cache_free()), NULL when there is no cache yet. -code when it
 * cannot be had.
 */
int hg_upkeep_open(const struct hg_cli *cli, struct hg_cache **ret_cache,
    struct hg_error *err);

#endif
