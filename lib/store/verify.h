/* SPDX-License-Identifier: Apache-2.0 */
/* Looking at every byte of a cache. */
#ifndef HG_STORE_VERIFY_H
#define HG_STORE_VERIFY_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/digest/digest.h"
#include "lib/store/usage.h"

struct hg_cache;
struct hg_error;

struct hg_verify_report {
	/* looked at */
	uint64_t files;
	uint64_t bytes;
	uint64_t damaged;
	/* results that no manifest leads to: of no use, but no harm either */
	uint64_t unreferenced;
	/* of the two */
	uint64_t removed;
	/* not to be opened or read; left alone */
	uint64_t unreadable;
	/* files that are no entries; left alone */
	uint64_t strays;
	/* folders whose count was wrong and is right now, and by how much */
	uint64_t corrected;
	struct hg_usage_count off;
};

/* Called for each entry that is damaged or cannot be read. */
typedef void hg_verify_fn(void *arg, const struct hg_digest *key,
    const char *ending, const char *why);

struct hg_verify_rule {
	/* what is damaged or unreferenced is to go */
	bool removes;
	hg_verify_fn *on_damage;
	void *arg;
};

/*
 * Checks every checksum and puts the counts right. Other processes may go on
 * using the cache.
 */
int hg_verify(struct hg_cache *c, const struct hg_verify_rule *rule,
    struct hg_verify_report *ret, struct hg_error *err);

#endif
