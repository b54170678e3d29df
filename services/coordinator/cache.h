/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Results of compiles in memory, for all clients: the packed CompileResponse by
 * the digest of the packed CompileRequest. The least recently used ones go when
 * the bytes are over the limit. The owner decides what may be kept.
 */
#ifndef HG_COORDINATOR_CACHE_H
#define HG_COORDINATOR_CACHE_H

#include <stddef.h>
#include <stdint.h>

#include "lib/digest/digest.h"

struct hg_result_cache;

struct hg_result_cache_stats {
	uint64_t hits;
	uint64_t misses;
	uint64_t entries;
	uint64_t bytes;
};

/* max_bytes 0: keeps nothing, and counts nothing. */
struct hg_result_cache *hg_result_cache_new(size_t max_bytes);
void hg_result_cache_free(struct hg_result_cache *cache);
/* The bytes, valid until the next put; or NULL. Counts a hit. */
const void *hg_result_cache_get(
    struct hg_result_cache *cache, const struct hg_digest *key, size_t *ret_n);
/* Counts a compile that found nothing, however it was looked for. */
void hg_result_cache_count_miss(struct hg_result_cache *cache);
/* Copies. Something larger than the whole cache is not kept. */
void hg_result_cache_put(struct hg_result_cache *cache,
    const struct hg_digest *key, const void *p, size_t n);
struct hg_result_cache_stats hg_result_cache_stats(
    const struct hg_result_cache *cache);

#endif
