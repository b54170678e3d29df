/* SPDX-License-Identifier: Apache-2.0 */
/* What settings leave out of the key and of the inputs, or add to the key. */
#ifndef HG_LAUNCHER_TUNING_H
#define HG_LAUNCHER_TUNING_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/cc/env.h"
#include "lib/config/hg_config.h"
#include "lib/config/sloppiness.h"

struct hg_observed;

static inline bool
hg_is_sloppy(const struct hg_config *cfg, enum hg_sloppiness what)
{
	return cfg->launcher_sloppiness & 1U << what;
}

/* How many of the arguments at words (NULL-ended) do not count: 0, 1 or 2. */
size_t hg_tuning_ignored(const struct hg_config *cfg, char *const *words);

/* As hg_env_effect(), with what the settings say of "NAME=value". */
enum hg_env_effect hg_tuning_env(
    const struct hg_config *cfg, const char *variable);

/* What was observed of a run of compiler need not be looked at again. */
bool hg_tuning_skips(const struct hg_config *cfg, const char *compiler,
    const struct hg_observed *seen);

/*
 * The next of the paths in launcher.extra_files, from *at on, which is moved
 * behind it; owned. NULL in the end.
 */
char *hg_tuning_next_file(const char **at);

#endif
