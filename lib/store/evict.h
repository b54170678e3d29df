/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keeping a cache within its limits by dropping what was used least lately.
 *
 * What counts is the use of each entry (hg_cache_touch_is_due()). When the last
 * result of a source goes, its manifests go with it. Results without manifests
 * can never be found again, and manifests without results lead nowhere: both go
 * first, once they are old enough not to be what is just being published.
 *
 * The keys spread evenly over the folders. So a few folders together are a fair
 * sample of the cache, and what is oldest in them is about the oldest of all:
 * nobody ever has to look at the whole of a large cache.
 */
#ifndef HG_STORE_EVICT_H
#define HG_STORE_EVICT_H

#include <stdbool.h>
#include <stdint.h>

struct hg_cache;
struct hg_error;

/* 0: no limit */
struct hg_evict_limits {
	uint64_t max_bytes;
	uint64_t max_files;
	uint64_t max_age_s;
};

/*
 * After a publication: is a limit exceeded, or has nobody looked after the cache
 * for long? Cheap: it looks at counters only.
 */
bool hg_evict_is_due(struct hg_cache *c, const struct hg_evict_limits *l);

/*
 * Cleans some folders, those whose turn it is, until the cache is well within
 * its limits or `deadline` (hg_now_ns()) has passed; each also gets the
 * housekeeping of hg_folder_read(). The caller holds the usage's lock.
 * Returns the number of files removed.
 */
uint64_t hg_evict_some(
    struct hg_cache *c, const struct hg_evict_limits *l, uint64_t deadline);

/* What is to go from the whole cache; all false and 0: what leads nowhere. */
struct hg_evict_rule {
	/* entries last used longer ago (0: all), of the namespace if given */
	bool by_age;
	uint64_t older_than_s;
	/* of this namespace only; NULL: any */
	const char *namespace;
	/* then, of what was used least lately, as much as is beyond these */
	uint64_t max_bytes;
	uint64_t max_files;
};

struct hg_evict_result {
	uint64_t files;
	uint64_t bytes;
};

/* Looks at all folders, however long it takes. The caller holds the lock. */
int hg_evict_all(struct hg_cache *c, const struct hg_evict_rule *rule,
    struct hg_evict_result *ret, struct hg_error *err);

#endif
