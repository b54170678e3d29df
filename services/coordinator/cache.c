/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The result cache: a hash map to entries that are also on one list in order of
 * use. An entry's cost is its bytes and what we add to them, so that very many
 * small results are bounded too.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/alloc.h"
#include "lib/base/hmap.h"
#include "services/coordinator/cache.h"

struct entry {
	/* towards the more and the less recently used */
	struct entry *newer;
	struct entry *older;
	size_t n;
	char key[HG_DIGEST_HEX_BYTES];
	unsigned char data[];
};

/* The map's own entry, with its copy of the key. */
#define ENTRY_OVERHEAD (sizeof(struct entry) + 96)

struct hg_result_cache {
	struct hg_hmap map;
	struct entry *newest;
	struct entry *oldest;
	size_t max_bytes;
	struct hg_result_cache_stats stats;
};

static size_t
cost(const struct entry *e)
{
	return ENTRY_OVERHEAD + e->n;
}

static void
unlink_entry(struct hg_result_cache *cache, struct entry *e)
{
	if (e->newer)
		e->newer->older = e->older;
	else
		cache->newest = e->older;
	if (e->older)
		e->older->newer = e->newer;
	else
		cache->oldest = e->newer;
}

static void
link_newest(struct hg_result_cache *cache, struct entry *e)
{
	e->newer = NULL;
	e->older = cache->newest;
	if (cache->newest)
		cache->newest->newer = e;
	else
		cache->oldest = e;
	cache->newest = e;
}

static void
drop(struct hg_result_cache *cache, struct entry *e)
{
	unlink_entry(cache, e);
	hg_hmap_del(&cache->map, e->key);
	cache->stats.bytes -= cost(e);
	cache->stats.entries--;
	free(e);
}

struct hg_result_cache *
hg_result_cache_new(size_t max_bytes)
{
	struct hg_result_cache *cache = hg_xcalloc(1, sizeof(*cache));

	cache->max_bytes = max_bytes;
	return cache;
}

void
hg_result_cache_free(struct hg_result_cache *cache)
{
	if (!cache)
		return;
	hg_hmap_release(&cache->map, free);
	free(cache);
}

const void *
hg_result_cache_get(
    struct hg_result_cache *cache, const struct hg_digest *key, size_t *ret_n)
{
	char hex[HG_DIGEST_HEX_BYTES];
	struct entry *e;

	if (cache->max_bytes == 0)
		return NULL;
	hg_digest_hex(key, hex);
	e = hg_hmap_get(&cache->map, hex);
	if (!e)
		return NULL;
	cache->stats.hits++;
	unlink_entry(cache, e);
	link_newest(cache, e);
	*ret_n = e->n;
	return e->data;
}

void
hg_result_cache_count_miss(struct hg_result_cache *cache)
{
	if (cache->max_bytes > 0)
		cache->stats.misses++;
}

void
hg_result_cache_put(struct hg_result_cache *cache, const struct hg_digest *key,
    const void *p, size_t n)
{
	struct entry *e, *old;

	if (n + ENTRY_OVERHEAD > cache->max_bytes)
		return;
	e = hg_xmalloc(sizeof(*e) + n);
	e->n = n;
	memcpy(e->data, p, n);
	hg_digest_hex(key, e->key);
	old = hg_hmap_get(&cache->map, e->key);
	if (old)
		drop(cache, old);
	while (cache->stats.bytes > cache->max_bytes - cost(e))
		drop(cache, cache->oldest);
	hg_hmap_set(&cache->map, e->key, e);
	link_newest(cache, e);
	cache->stats.bytes += cost(e);
	cache->stats.entries++;
}

struct hg_result_cache_stats
hg_result_cache_stats(const struct hg_result_cache *cache)
{
	return cache->stats;
}
