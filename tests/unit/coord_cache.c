/* SPDX-License-Identifier: Apache-2.0 */
/* The result cache. */
#include "config.h"

#include <string.h>

#include "services/coordinator/cache.h"
#include "tests/lib/unit.h"

static struct hg_digest
key(unsigned i)
{
	struct hg_digest d;

	hg_digest_bytes(&i, sizeof(i), &d);
	return d;
}

static void
put(struct hg_result_cache *cache, unsigned i, size_t n)
{
	struct hg_digest k = key(i);
	char *p = malloc(n);

	memset(p, (int)i, n);
	hg_result_cache_put(cache, &k, p, n);
	free(p);
}

static bool
has(struct hg_result_cache *cache, unsigned i, size_t want)
{
	struct hg_digest k = key(i);
	size_t n = 0;
	const unsigned char *p = hg_result_cache_get(cache, &k, &n);

	if (!p)
		hg_result_cache_count_miss(cache);

	if (!p)
		return false;
	ck_assert_uint_eq(n, want);
	ck_assert_uint_eq(p[0], i);
	ck_assert_uint_eq(p[n - 1], i);
	return true;
}

START_TEST(gives_back_what_was_put)
{
	struct hg_result_cache *cache = hg_result_cache_new(1 << 20);
	struct hg_result_cache_stats stats;

	ck_assert(!has(cache, 1, 0));
	put(cache, 1, 1000);
	ck_assert(has(cache, 1, 1000));
	put(cache, 1, 2000);
	ck_assert(has(cache, 1, 2000));
	stats = hg_result_cache_stats(cache);
	ck_assert_uint_eq(stats.hits, 2);
	ck_assert_uint_eq(stats.misses, 1);
	ck_assert_uint_eq(stats.entries, 1);
	ck_assert_uint_ge(stats.bytes, 2000);
	ck_assert_uint_lt(stats.bytes, 3000);
	hg_result_cache_free(cache);
}
END_TEST

START_TEST(drops_the_least_recently_used)
{
	struct hg_result_cache *cache = hg_result_cache_new(35000);

	for (unsigned i = 1; i <= 3; i++)
		put(cache, i, 10000);
	ck_assert(has(cache, 1, 10000));
	put(cache, 4, 10000);
	ck_assert(!has(cache, 2, 0));
	ck_assert(has(cache, 1, 10000));
	ck_assert(has(cache, 3, 10000));
	ck_assert(has(cache, 4, 10000));
	hg_result_cache_free(cache);
}
END_TEST

START_TEST(never_goes_over_its_limit)
{
	struct hg_result_cache *cache = hg_result_cache_new(50000);

	for (unsigned i = 1; i < 200; i++) {
		put(cache, i, 1 + i * 97 % 20000);
		ck_assert_uint_le(hg_result_cache_stats(cache).bytes, 50000);
	}
	put(cache, 7, 50001);
	ck_assert_uint_gt(hg_result_cache_stats(cache).entries, 0);
	hg_result_cache_free(cache);
}
END_TEST

START_TEST(very_many_small_results_are_bounded_too)
{
	struct hg_result_cache *cache = hg_result_cache_new(20000);

	for (unsigned i = 1; i < 5000; i++)
		put(cache, i, 1);
	ck_assert_uint_lt(hg_result_cache_stats(cache).entries, 200);
	hg_result_cache_free(cache);
}
END_TEST

START_TEST(size_zero_keeps_nothing)
{
	struct hg_result_cache *cache = hg_result_cache_new(0);

	put(cache, 1, 1);
	ck_assert(!has(cache, 1, 0));
	ck_assert_uint_eq(hg_result_cache_stats(cache).misses, 0);
	hg_result_cache_free(cache);
	hg_result_cache_free(NULL);
}
END_TEST

UNIT_MAIN("coord_cache", gives_back_what_was_put, drops_the_least_recently_used,
    never_goes_over_its_limit, very_many_small_results_are_bounded_too,
    size_zero_keeps_nothing)
