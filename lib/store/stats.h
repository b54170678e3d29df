/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Counters of a cache, in a small file that all processes map and add to with
 * atomic instructions: exact under any concurrency, without a lock.
 */
#ifndef HG_STORE_STATS_H
#define HG_STORE_STATS_H

#include <stdint.h>

#include "lib/base/reason.h"

struct hg_error;

/* What is counted beside the reasons. */
enum hg_stat {
	/* microseconds that compiles took, and that hits saved */
	HG_STAT_COMPILE_US,
	HG_STAT_SAVED_US,
	/* files dropped for room or for their age, and for being damaged */
	HG_STAT_EVICTED,
	HG_STAT_DAMAGED,
	HG_STAT_COUNT
};

struct hg_stats {
	uint64_t reason[HG_REASON_COUNT];
	uint64_t stat[HG_STAT_COUNT];
};

struct hg_stats_file;
/* dir is the cache's folder. NULL when it cannot be opened or made. */
struct hg_stats_file *hg_stats_open(const char *dir, struct hg_error *err);
void hg_stats_close(struct hg_stats_file *f);
/* NULL is allowed: then nothing is counted. */
void hg_stats_count(struct hg_stats_file *f, enum hg_reason r);
void hg_stats_add(struct hg_stats_file *f, enum hg_stat s, int64_t delta);
void hg_stats_read(const struct hg_stats_file *f, struct hg_stats *ret);
/* All to zero. What the cache holds is counted elsewhere: usage.h. */
void hg_stats_reset(struct hg_stats_file *f);
const char *hg_stat_name(enum hg_stat s);

#endif
