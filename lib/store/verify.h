/* SPDX-License-Identifier: Apache-2.0 */
/* Looking at every byte of a cache. */
#ifndef HG_STORE_VERIFY_H
#define HG_STORE_VERIFY_H

#include <stdint.h>

#include "lib/digest/digest.h"
#include "lib/store/usage.h"

struct hg_cache;
struct hg_error;

struct hg_verify_report {
	/* looked at */
	uint64_t files;
	uint64_t bytes;
	/* removed */
	uint64_t damaged;
	/* not to be opened or read; left alone */
	uint64_t unreadable;
	/* files that are no entries; left alone */
	uint64_t strays;
	/* folders whose count was wrong and is right now, and by how much */
	uint64_t corrected;
	struct hg_usage_count off;
};

/* Called for each entry that is damaged or cannot be read. */
typedef void (*hg_verify_fn)(void *arg, const struct hg_digest *key,
    const char *ending, const char *why);

/*
 * Checks every checksum, removes what is damaged, puts the counts right. Other
 * processes may go on using the cache. The caller holds the usage's lock.
 */
int hg_verify(struct hg_cache *c, hg_verify_fn on_damage, void *arg,
    struct hg_verify_report *ret, struct hg_error *err);

#endif
