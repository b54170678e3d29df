/* SPDX-License-Identifier: Apache-2.0 */
/* The figures of the local cache, for the commands that show them. */
#ifndef HG_CLI_CACHE_H
#define HG_CLI_CACHE_H

#include <stdint.h>

#include "cli/json.h"
#include "lib/base/reason.h"
#include "lib/config/hg_config.h"
#include "lib/store/stats.h"

struct hg_error;
struct hg_strbuf;

struct hg_cache_figures {
	struct hg_stats stats;
	/* what is there now: files of manifests and of results */
	uint64_t entries;
	uint64_t bytes;
	/* reasons added up */
	uint64_t class[HG_REASON_CLASS_PASS + 1];
};

/* All zero for a cache that is not there yet. */
int hg_cache_figures_read(
    struct hg_cache_figures *ret, const char *dir, struct hg_error *err);
/* Hits as a share of the compiles that could have been one. */
double hg_cache_figures_rate(const struct hg_cache_figures *f);
/* Of the time that compiles would have taken, the share that hits saved. */
double hg_cache_figures_saved(const struct hg_cache_figures *f);
/* Lines of text, appended to out. */
void hg_cache_figures_text(const struct hg_cache_figures *f,
    const struct hg_config *cfg, struct hg_strbuf *out);
json_t *hg_cache_figures_json(
    const struct hg_cache_figures *f, const struct hg_config *cfg);

#endif
