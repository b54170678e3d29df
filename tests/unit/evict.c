/* SPDX-License-Identifier: Apache-2.0 */
/* lib/store: counting what a cache holds, eviction, verification. */
#include "config.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/error.h"
#include "lib/base/fd.h"
#include "lib/base/path.h"
#include "lib/base/strbuf.h"
#include "lib/base/time.h"
#include "lib/store/cache.h"
#include "lib/store/evict.h"
#include "lib/store/folder.h"
#include "lib/store/inspect.h"
#include "lib/store/manifest.h"
#include "lib/store/mapped.h"
#include "lib/store/memo.h"
#include "lib/store/result.h"
#include "lib/store/usage.h"
#include "lib/store/verify.h"
#include "tests/lib/unit.h"

enum { BLOCK = 4096, HOUR = 3600 };

static struct hg_cache *cache;
static char dir[64];

static void
setup(void)
{
	snprintf(dir, sizeof(dir), "/tmp/hgevictXXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	ck_assert_int_eq(chdir(dir), 0);
	cache = hg_cache_new("cache");
}

static void
finish(void)
{
	hg_cache_free(cache);
	ck_assert_int_eq(chdir("/"), 0);
	hg_remove_tree(dir, NULL);
}

/* The n-th pair's key: of its manifest (i = 0) or of its i-th result. */
static struct hg_digest
key_of(unsigned n, unsigned i)
{
	struct hg_digest d = { { 0 } };

	d.b[0] = (unsigned char)(n * 7);
	d.b[1] = (unsigned char)(n >> 8);
	d.b[2] = (unsigned char)n;
	d.b[15] = (unsigned char)i;
	return d;
}

static void
path_of(const struct hg_digest *key, const char *ending, char ret[128])
{
	char hex[HG_DIGEST_HEX_BYTES];

	hg_digest_hex(key, hex);
	snprintf(ret, 128, "cache/%.2s/%s.%s", hex, hex, ending);
}

/* Publishes an entry of so many blocks, last used so long ago. */
static void
put(struct hg_digest key, const char *ending, size_t blocks, time_t age_s)
{
	static const char bytes[64 * BLOCK];
	struct hg_piece piece = { bytes, blocks * BLOCK };
	struct timespec times[2] = { { .tv_nsec = UTIME_OMIT },
		{ .tv_sec = time(NULL) - age_s } };
	char path[128];

	ck_assert_int_eq(
	    hg_cache_publish(cache, &key, ending, &piece, 1, NULL), 0);
	path_of(&key, ending, path);
	ck_assert_int_eq(utimensat(AT_FDCWD, path, times, 0), 0);
}

/* A manifest with one result, of one block each. */
static void
put_pair(unsigned n, time_t age_s)
{
	put(key_of(n, 0), HG_ENTRY_MANIFEST, 1, age_s);
	put(key_of(n, 1), HG_ENTRY_RESULT, 1, age_s);
}

static bool
has(struct hg_digest key, const char *ending)
{
	int fd = hg_cache_open(cache, &key, ending);
	bool there = fd >= 0;

	hg_fd_close(&fd);
	return there;
}

static bool
has_pair(unsigned n)
{
	bool manifest = has(key_of(n, 0), HG_ENTRY_MANIFEST);

	ck_assert_int_eq(manifest, has(key_of(n, 1), HG_ENTRY_RESULT));
	return manifest;
}

static struct hg_usage_count
total(void)
{
	return hg_usage_total(hg_cache_usage(cache, NULL));
}

/* Lists all folders; tells how many counts were wrong. */
static uint64_t
look_at_all(struct hg_usage_count *ret)
{
	struct hg_folder_list l = HG_FOLDER_LIST_INIT;
	uint64_t corrected;

	for (unsigned i = 0; i < HG_FANOUT; i++)
		ck_assert_int_eq(hg_folder_read(cache, i, &l, NULL), 0);
	*ret = (struct hg_usage_count){ (int64_t)l.n, 0 };
	for (size_t i = 0; i < l.n; i++)
		ret->bytes += l.v[i].bytes;
	corrected = l.corrected;
	hg_folder_list_release(&l);
	return corrected;
}

static struct hg_evict_result
evict(struct hg_evict_rule rule)
{
	struct hg_evict_result gone;

	ck_assert_int_eq(hg_evict_all(cache, &rule, &gone, NULL), 0);
	return gone;
}

static uint64_t
evict_some(struct hg_evict_limits limits)
{
	return hg_evict_some(
	    cache, &limits, hg_now_ns() + 60 * HG_NS_PER_SEC);
}

/* ---- counting ---------------------------------------------------------- */

START_TEST(files_and_room_are_counted)
{
	struct hg_digest key = key_of(1, 1);

	setup();
	put(key, HG_ENTRY_RESULT, 3, 0);
	put(key_of(2, 1), HG_ENTRY_RESULT, 1, 0);
	ck_assert_int_eq(total().files, 2);
	ck_assert_int_eq(total().bytes, 4 * BLOCK);
	put(key, HG_ENTRY_RESULT, 1, 0);
	ck_assert_int_eq(total().files, 2);
	ck_assert_int_eq(total().bytes, 2 * BLOCK);
	ck_assert(hg_cache_remove(cache, &key, HG_ENTRY_RESULT));
	ck_assert(!hg_cache_remove(cache, &key, HG_ENTRY_RESULT));
	ck_assert_int_eq(total().files, 1);
	ck_assert_int_eq(total().bytes, BLOCK);
	ck_assert_int_eq(hg_usage_room(0), 0);
	ck_assert_int_eq(hg_usage_room(BLOCK + 1), 2 * BLOCK);
	finish();
}
END_TEST

START_TEST(counts_are_exact_however_many_change_one_entry)
{
	enum { PROCESSES = 6 };
	struct hg_usage_count found;

	setup();
	for (unsigned i = 0; i < PROCESSES; i++) {
		if (fork() != 0)
			continue;
		cache = hg_cache_new("cache");
		for (unsigned k = 0; k < 600; k++) {
			static const char bytes[4 * BLOCK];
			struct hg_digest key = key_of((i + k * k) % 5, 1);
			struct hg_piece piece = { bytes,
				BLOCK * (1 + (i + k) % 4) };

			if ((k + i) % 3 == 0)
				hg_cache_remove(cache, &key, HG_ENTRY_RESULT);
			else if (hg_cache_publish(cache, &key, HG_ENTRY_RESULT,
				     &piece, 1, NULL) != 0)
				_exit(1);
		}
		_exit(0);
	}
	/* looking meanwhile corrects nothing that is right */
	for (int i = 0; i < 20; i++)
		look_at_all(&found);
	for (int i = 0; i < PROCESSES; i++) {
		int status;

		ck_assert_int_gt(wait(&status), 0);
		ck_assert_int_eq(status, 0);
	}
	ck_assert_uint_eq(look_at_all(&found), 0);
	ck_assert_int_eq(total().files, found.files);
	ck_assert_int_eq(total().bytes, found.bytes);
	finish();
}
END_TEST

START_TEST(wrong_counts_are_put_right_by_looking)
{
	struct hg_digest key = key_of(3, 1);
	struct hg_usage_count found;
	char path[128];

	setup();
	put(key, HG_ENTRY_RESULT, 2, 0);
	put_pair(4, 0);
	path_of(&key, HG_ENTRY_RESULT, path);
	ck_assert_int_eq(unlink(path), 0);
	ck_assert_uint_eq(look_at_all(&found), 1);
	ck_assert_int_eq(total().files, 2);
	ck_assert_int_eq(total().bytes, 2 * BLOCK);
	hg_cache_free(cache);
	ck_assert_int_eq(unlink("cache/usage"), 0);
	cache = hg_cache_new("cache");
	ck_assert_int_eq(total().files, 0);
	evict_some((struct hg_evict_limits){ 0 });
	ck_assert_int_eq(total().files, 2);
	finish();
}
END_TEST

START_TEST(a_change_that_is_half_done_is_not_corrected)
{
	struct hg_usage_mark mark;
	struct hg_usage_count one = { 1, BLOCK };
	struct hg_usage *u, *other;

	setup();
	ck_assert_int_eq(hg_mkdir_p("cache", NULL), 0);
	u = hg_usage_open("cache", NULL);
	other = hg_usage_open("cache", NULL);
	hg_usage_begin(other, 9);
	ck_assert(!hg_usage_mark(u, 9, &mark));
	ck_assert(hg_usage_mark(u, 8, &mark));
	hg_usage_end(other, 9, one);
	ck_assert(hg_usage_mark(u, 9, &mark));
	ck_assert_int_eq(mark.count.files, 1);
	hg_usage_begin(other, 9);
	hg_usage_end(other, 9, one);
	ck_assert(!hg_usage_correct(u, &mark, one));
	ck_assert_int_eq(hg_usage_of(u, 9).files, 2);
	ck_assert(hg_usage_mark(u, 9, &mark));
	ck_assert(hg_usage_correct(u, &mark, one));
	ck_assert_int_eq(hg_usage_of(u, 9).files, 1);
	hg_usage_close(u);
	hg_usage_close(other);
	finish();
}
END_TEST

START_TEST(only_one_cleans)
{
	struct hg_usage *u, *other;
	struct hg_error err;

	setup();
	ck_assert_int_eq(hg_mkdir_p("cache", NULL), 0);
	u = hg_usage_open("cache", NULL);
	other = hg_usage_open("cache", NULL);
	ck_assert_int_eq(hg_usage_lock(u, 0, &err), 0);
	ck_assert_int_eq(hg_usage_lock(other, 10, &err), -HG_EXHAUSTED);
	hg_usage_close(u);
	ck_assert_int_eq(hg_usage_lock(other, 0, &err), 0);
	hg_usage_close(other);
	finish();
}
END_TEST

/* ---- what goes --------------------------------------------------------- */

START_TEST(the_least_recently_used_go_first)
{
	setup();
	for (unsigned i = 0; i < 10; i++)
		put_pair(i, 100 * (i + 1));
	evict((struct hg_evict_rule){ .max_bytes = 12 * BLOCK });
	for (unsigned i = 0; i < 10; i++)
		ck_assert_int_eq(has_pair(i), i < 6);
	evict((struct hg_evict_rule){ .max_files = 4 });
	for (unsigned i = 0; i < 10; i++)
		ck_assert_int_eq(has_pair(i), i < 2);
	ck_assert_int_eq(total().files, 4);
	finish();
}
END_TEST

START_TEST(manifests_go_with_the_last_result_of_their_source)
{
	setup();
	/* two checkouts' manifests, one of which was deleted long ago */
	put(key_of(1, 8), HG_ENTRY_MANIFEST, 1, 5000);
	put(key_of(1, 9), HG_ENTRY_MANIFEST, 1, 20);
	put(key_of(1, 1), HG_ENTRY_RESULT, 1, 4000);
	put(key_of(1, 2), HG_ENTRY_RESULT, 1, 10);
	/* manifests that are younger than their result */
	put(key_of(2, 8), HG_ENTRY_MANIFEST, 1, 1);
	put(key_of(2, 9), HG_ENTRY_MANIFEST, 1, 1);
	put(key_of(2, 1), HG_ENTRY_RESULT, 1, 3000);
	evict((struct hg_evict_rule){ .max_files = 5 });
	ck_assert(!has(key_of(1, 8), HG_ENTRY_MANIFEST));
	ck_assert(!has(key_of(1, 1), HG_ENTRY_RESULT));
	/* one is asked for, but nothing is to be left that leads nowhere */
	evict((struct hg_evict_rule){ .max_files = 4 });
	ck_assert_int_eq(total().files, 2);
	ck_assert(has(key_of(1, 9), HG_ENTRY_MANIFEST));
	ck_assert(has(key_of(1, 2), HG_ENTRY_RESULT));
	finish();
}
END_TEST

/* The time that says when an entry was of use. */
static time_t
used_s(struct hg_digest key)
{
	char path[128];
	struct stat st;

	path_of(&key, HG_ENTRY_MANIFEST, path);
	ck_assert_int_eq(stat(path, &st), 0);
	return st.st_mtime;
}

START_TEST(the_use_of_manifests_is_noted_once_an_hour)
{
	struct hg_digest own = key_of(1, 0);
	time_t now = time(NULL);
	struct hg_lookup young = { .used_s = now - HOUR + 60 },
			 old = { .used_s = now - HOUR - 1 },
			 ahead = { .used_s = now + 2 * HOUR };

	setup();
	put(key_of(1, 0), HG_ENTRY_MANIFEST, 1, 2 * HOUR);
	put(key_of(1, 1), HG_ENTRY_MANIFEST, 1, 2 * HOUR);
	put(key_of(1, 2), HG_ENTRY_MANIFEST, 1, 2 * HOUR);
	young.shared = old.shared = key_of(1, 1);
	hg_manifest_touch(cache, &own, &young);
	ck_assert_int_lt(used_s(key_of(1, 0)), now - HOUR);
	ck_assert_int_lt(used_s(key_of(1, 1)), now - HOUR);
	hg_manifest_touch(cache, &own, &old);
	ck_assert_int_ge(used_s(key_of(1, 0)), now);
	ck_assert_int_ge(used_s(key_of(1, 1)), now);
	ck_assert_int_lt(used_s(key_of(1, 2)), now - HOUR);
	own = key_of(1, 2);
	hg_manifest_touch(cache, &own, &ahead);
	ck_assert_int_ge(used_s(own), now);
	finish();
}
END_TEST

START_TEST(halves_of_pairs_go_when_they_are_old)
{
	setup();
	put(key_of(1, 0), HG_ENTRY_MANIFEST, 1, 2 * HOUR);
	put(key_of(2, 1), HG_ENTRY_RESULT, 1, 2 * HOUR);
	put(key_of(3, 0), HG_ENTRY_MANIFEST, 1, HOUR / 2);
	put(key_of(4, 1), HG_ENTRY_RESULT, 1, HOUR / 2);
	put_pair(5, 9 * HOUR);
	ck_assert_uint_eq(evict_some((struct hg_evict_limits){ 0 }), 2);
	ck_assert(!has(key_of(1, 0), HG_ENTRY_MANIFEST));
	ck_assert(!has(key_of(2, 1), HG_ENTRY_RESULT));
	ck_assert(has(key_of(3, 0), HG_ENTRY_MANIFEST));
	ck_assert(has(key_of(4, 1), HG_ENTRY_RESULT));
	ck_assert(has_pair(5));
	finish();
}
END_TEST

START_TEST(an_empty_cache_is_no_trouble)
{
	struct hg_evict_rule rule = { .by_age = true, .namespace = "ci" };
	const struct hg_verify_rule all = { .removes = true };
	struct hg_verify_report r;

	setup();
	ck_assert_int_eq(hg_mkdir_p("cache/00", NULL), 0);
	ck_assert_uint_eq(evict(rule).files, 0);
	ck_assert_uint_eq(evict_some((struct hg_evict_limits){ 1, 1, 1 }), 0);
	ck_assert_int_eq(hg_verify(cache, &all, &r, NULL), 0);
	ck_assert_uint_eq(r.files, 0);
	finish();
}
END_TEST

START_TEST(files_of_one_key_go_together)
{
	setup();
	put_pair(1, 100);
	put(key_of(1, 1), "x", 1, 300);
	put(key_of(2, 0), HG_ENTRY_MANIFEST, 1, 1);
	put(key_of(2, 1), HG_ENTRY_RESULT, 1, 200);
	put(key_of(2, 1), "x", 1, 1);
	evict((struct hg_evict_rule){ .max_files = 5 });
	ck_assert(!has_pair(1));
	ck_assert(!has(key_of(1, 1), "x"));
	ck_assert(has_pair(2));
	ck_assert(has(key_of(2, 1), "x"));
	finish();
}
END_TEST

START_TEST(what_was_not_used_for_long_goes)
{
	struct hg_evict_result gone;

	setup();
	put_pair(1, 50);
	put_pair(2, 150);
	gone = evict(
	    (struct hg_evict_rule){ .by_age = true, .older_than_s = 100 });
	ck_assert_uint_eq(gone.files, 2);
	ck_assert_uint_eq(gone.bytes, 2 * BLOCK);
	ck_assert(has_pair(1));
	ck_assert(!has_pair(2));
	ck_assert_uint_eq(
	    evict_some((struct hg_evict_limits){ .max_age_s = 100 }), 0);
	ck_assert_uint_eq(
	    evict_some((struct hg_evict_limits){ .max_age_s = 20 }), 2);
	/* and all, even what will have been used tomorrow */
	put_pair(3, -24 * HOUR);
	evict((struct hg_evict_rule){ .by_age = true });
	ck_assert(!has_pair(3));
	ck_assert_int_eq(total().files, 0);
	ck_assert_int_eq(total().bytes, 0);
	finish();
}
END_TEST

/* A real pair, made in a namespace: one of those of the n-th source. */
static void
compile_variant(const char *namespace, unsigned n, unsigned variant)
{
	struct hg_memo *memo = hg_memo_new("cache");
	struct hg_set_builder *b = hg_set_builder_new(memo, 0);
	struct hg_output out = { HG_OUTPUT_MAIN, 0644, "a.o", "object", 6,
		false };
	struct hg_result r = { .outputs = &out, .n_outputs = 1 };
	struct hg_digest key = key_of(n, variant), result;

	hg_cache_set_namespace(cache, namespace);
	ck_assert_int_eq(hg_set_add_absent(b, "/nonexistent/h.h", NULL), 0);
	ck_assert_int_eq(hg_set_add_folder(b, "/tmp", NULL), 0);
	hg_set_result_key(b, &key, 0, &result);
	ck_assert_int_eq(hg_result_write(cache, &result, &r, NULL), 0);
	ck_assert_int_eq(
	    hg_manifest_add(cache, &key, b, &result, 0, 1500, NULL), 0);
	hg_set_builder_free(b);
	hg_memo_free(memo);
}

static void
compile_in(const char *namespace, unsigned n)
{
	compile_variant(namespace, n, 0);
}

START_TEST(a_namespace_can_be_removed)
{
	struct hg_evict_rule rule = { .by_age = true, .namespace = "ci" };

	setup();
	compile_in("", 1);
	compile_in("ci", 2);
	compile_in("ci2", 3);
	compile_in("ci", 4);
	rule.older_than_s = 1000;
	ck_assert_uint_eq(evict(rule).files, 0);
	rule.older_than_s = 0;
	ck_assert_uint_eq(evict(rule).files, 4);
	ck_assert(!has(key_of(2, 0), HG_ENTRY_MANIFEST));
	ck_assert(!has(key_of(4, 0), HG_ENTRY_MANIFEST));
	ck_assert_int_eq(total().files, 4);
	rule.namespace = "";
	ck_assert_uint_eq(evict(rule).files, 2);
	ck_assert(has(key_of(3, 0), HG_ENTRY_MANIFEST));
	finish();
}
END_TEST

START_TEST(a_namespace_shares_sources_with_others)
{
	struct hg_evict_rule rule = { .by_age = true, .namespace = "ci" };

	setup();
	compile_variant("", 1, 0);
	compile_variant("ci", 1, 1);
	compile_variant("ci", 1, 2);
	compile_variant("ci2", 1, 3);
	ck_assert_uint_eq(evict(rule).files, 4);
	ck_assert(has(key_of(1, 0), HG_ENTRY_MANIFEST));
	ck_assert(!has(key_of(1, 1), HG_ENTRY_MANIFEST));
	ck_assert(!has(key_of(1, 2), HG_ENTRY_MANIFEST));
	ck_assert(has(key_of(1, 3), HG_ENTRY_MANIFEST));
	ck_assert_int_eq(total().files, 4);
	finish();
}
END_TEST

START_TEST(leftovers_of_killed_processes_go)
{
	static const char *const names[] = { "old.1.tmp", "new.1.tmp",
		"other" };
	struct hg_folder_list l = HG_FOLDER_LIST_INIT;

	setup();
	put(key_of(0, 1), HG_ENTRY_RESULT, 1, 0);
	for (size_t i = 0; i < 3; i++) {
		struct timespec times[2] = { { .tv_nsec = UTIME_OMIT },
			{ .tv_sec = time(NULL) - (i == 1 ? 60 : 2 * HOUR) } };
		char path[64];

		snprintf(path, sizeof(path), "cache/00/%s", names[i]);
		ck_assert_int_eq(
		    hg_write_file_atomic(path, "x", 1, 0644, NULL), 0);
		ck_assert_int_eq(utimensat(AT_FDCWD, path, times, 0), 0);
	}
	ck_assert_int_eq(hg_folder_read(cache, 0, &l, NULL), 0);
	ck_assert_uint_eq(l.n, 1);
	ck_assert_uint_eq(l.strays, 1);
	ck_assert_int_ne(access("cache/00/old.1.tmp", F_OK), 0);
	ck_assert_int_eq(access("cache/00/new.1.tmp", F_OK), 0);
	ck_assert_int_eq(access("cache/00/other", F_OK), 0);
	hg_folder_list_release(&l);
	finish();
}
END_TEST

/* ---- when, and how much ------------------------------------------------ */

START_TEST(cleaning_is_due_beyond_a_limit_or_after_a_while)
{
	struct hg_evict_limits none = { 0 }, size = { .max_bytes = BLOCK },
			       files = { .max_files = 1 };
	struct hg_usage *u;

	setup();
	put_pair(1, 0);
	u = hg_cache_usage(cache, NULL);
	ck_assert(hg_evict_is_due(cache, &none));
	evict_some(none);
	ck_assert(!hg_evict_is_due(cache, &none));
	ck_assert(hg_evict_is_due(cache, &size));
	ck_assert(hg_evict_is_due(cache, &files));
	/* all folders were looked at: not again before tomorrow */
	ck_assert_int_gt(hg_usage_due(u), time(NULL) + 20 * HOUR);
	evict_some((struct hg_evict_limits){ .max_age_s = 80 });
	ck_assert_int_le(hg_usage_due(u), time(NULL) + 10);
	hg_usage_set_due(u, time(NULL));
	ck_assert(hg_evict_is_due(cache, &none));
	finish();
}
END_TEST

START_TEST(a_small_cache_is_taken_below_its_limit_in_exact_order)
{
	struct hg_evict_limits l = { .max_bytes = 40 * BLOCK };

	setup();
	for (unsigned i = 0; i < 20; i++)
		put_pair(i, 100 * (i + 1));
	ck_assert_uint_eq(evict_some(l), 0);
	put_pair(20, 0);
	/* a tenth below, by pairs */
	ck_assert_uint_eq(evict_some(l), 6);
	ck_assert_int_eq(total().bytes, 36 * BLOCK);
	for (unsigned i = 0; i < 21; i++)
		ck_assert_int_eq(has_pair(i), i < 17 || i == 20);
	finish();
}
END_TEST

/* Many empty files, fast: the counts say that they have a block each. */
static void
fill(unsigned pairs)
{
	struct hg_usage *u = hg_cache_usage(cache, NULL);

	for (unsigned i = 0; i < pairs; i++) {
		for (unsigned k = 0; k < 2; k++) {
			struct hg_digest key = key_of(i, k);
			struct timespec times[2] = {
				{ .tv_nsec = UTIME_OMIT },
				{ .tv_sec = time(NULL) - 9 - (time_t)i }
			};
			char path[128];
			int fd;

			key.b[0] = (unsigned char)i;
			path_of(&key, k ? HG_ENTRY_RESULT : HG_ENTRY_MANIFEST,
			    path);
			path[8] = '\0';
			if (i < 256 && k == 0)
				ck_assert_int_eq(hg_mkdir_p(path, NULL), 0);
			path[8] = '/';
			fd = open(path, O_WRONLY | O_CREAT, 0600);
			ck_assert_int_ge(fd, 0);
			ck_assert_int_eq(ftruncate(fd, BLOCK), 0);
			futimens(fd, times);
			close(fd);
			hg_usage_begin(u, key.b[0]);
			hg_usage_end(u, key.b[0],
			    (struct hg_usage_count){ 1, BLOCK });
		}
	}
}

START_TEST(a_large_cache_is_cleaned_a_little_at_a_time)
{
	enum { PAIRS = 20 * 256 };
	struct hg_evict_limits l = { .max_files = 2 * PAIRS - 64 };
	uint64_t removed;

	setup();
	ck_assert_int_eq(hg_mkdir_p("cache", NULL), 0);
	fill(PAIRS);
	/* somebody has looked after it before */
	hg_usage_set_due(hg_cache_usage(cache, NULL), 1);
	removed = evict_some(l);
	ck_assert_uint_gt(removed, 64);
	/* an eighth of what a batch holds */
	ck_assert_uint_lt(removed, 2 * PAIRS / 8);
	ck_assert_int_lt(total().files, 2 * PAIRS - 64);
	/* all were old, none of the newest went */
	for (unsigned i = 0; i < PAIRS / 2; i++) {
		struct hg_digest key = key_of(i, 1);

		key.b[0] = (unsigned char)i;
		ck_assert(has(key, HG_ENTRY_RESULT));
	}
	/* a much lower limit needs no more runs than there are folders */
	l.max_files = 500;
	for (int i = 0; i < 8 && total().files > 500; i++)
		evict_some(l);
	ck_assert_int_le(total().files, PAIRS);
	finish();
}
END_TEST

/* ---- verification ------------------------------------------------------ */

struct found {
	int n;
	char why[256];
};

static void
on_damage(void *arg, const struct hg_digest *key, const char *ending,
    const char *why)
{
	struct found *f = arg;

	(void)key;
	(void)ending;
	f->n++;
	snprintf(f->why, sizeof(f->why), "%s", why);
}

static struct hg_verify_report
verify_with(struct found *f, bool removes)
{
	const struct hg_verify_rule rule = { removes, on_damage, f };
	struct hg_verify_report r;

	memset(f, 0, sizeof(*f));
	ck_assert_int_eq(hg_verify(cache, &rule, &r, NULL), 0);
	ck_assert_uint_eq(r.damaged, (uint64_t)f->n);
	ck_assert_uint_eq(r.removed, removes ? r.damaged + r.unreferenced : 0);
	return r;
}

static struct hg_verify_report
verify(struct found *f)
{
	return verify_with(f, true);
}

/* Calls fn on the path of each of the two entries of a pair. */
static void
spoil(unsigned n, bool manifest, void (*fn)(const char *path))
{
	struct hg_folder_list l = HG_FOLDER_LIST_INIT;
	struct hg_digest key = key_of(n, 0);

	ck_assert_int_eq(hg_folder_read(cache, key.b[0], &l, NULL), 0);
	for (size_t i = 0; i < l.n; i++) {
		char path[128];

		path_of(&l.v[i].key, l.v[i].ending, path);
		if (memcmp(l.v[i].key.b, key.b, HG_PAIR_BYTES) == 0 &&
		    manifest ==
			(strcmp(l.v[i].ending, HG_ENTRY_MANIFEST) == 0))
			fn(path);
	}
	hg_folder_list_release(&l);
}

static void
cut(const char *path)
{
	struct stat st;

	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_int_eq(truncate(path, st.st_size - 1), 0);
}

static void
flip_last(const char *path)
{
	int fd = open(path, O_RDWR);
	struct stat st;
	char c;

	ck_assert_int_eq(fstat(fd, &st), 0);
	ck_assert_int_eq(pread(fd, &c, 1, st.st_size - 1), 1);
	c ^= 1;
	ck_assert_int_eq(pwrite(fd, &c, 1, st.st_size - 1), 1);
	close(fd);
}

/* As a wrong restore would: pair 3's entry in its place. */
static void
swap_in(const char *path)
{
	bool manifest = strstr(path, ".m") != NULL;
	struct hg_strbuf text = HG_STRBUF_INIT;
	struct hg_digest key = key_of(3, 0);
	char other[128];

	path_of(&key, HG_ENTRY_MANIFEST, other);
	ck_assert(manifest);
	ck_assert_int_eq(hg_read_file(other, 1 << 20, &text, NULL), 0);
	ck_assert_int_eq(
	    hg_write_file_atomic(path, text.buf, text.len, 0644, NULL), 0);
	hg_strbuf_release(&text);
}

static void
remove_file(const char *path)
{
	ck_assert_int_eq(unlink(path), 0);
}

static void
make_old(const char *path)
{
	struct timespec times[2] = { { .tv_nsec = UTIME_OMIT },
		{ .tv_sec = time(NULL) - 2 * HOUR } };

	ck_assert_int_eq(utimensat(AT_FDCWD, path, times, 0), 0);
}

START_TEST(verification_finds_damage_and_nothing_else)
{
	struct found f;

	setup();
	compile_in("", 1);
	compile_in("", 2);
	compile_in("", 3);
	ck_assert_uint_eq(verify(&f).files, 6);
	ck_assert_int_eq(f.n, 0);
	spoil(1, false, cut);
	verify_with(&f, false);
	ck_assert_int_eq(f.n, 1);
	verify(&f);
	ck_assert_int_eq(f.n, 1);
	ck_assert_str_eq(f.why, "the cached result is damaged");
	spoil(2, false, flip_last);
	ck_assert_uint_eq(verify(&f).files, 5);
	ck_assert_int_eq(f.n, 1);
	spoil(2, true, swap_in);
	verify(&f);
	ck_assert_int_eq(f.n, 1);
	ck_assert_str_eq(f.why, "it is a copy of another manifest");
	spoil(1, true, cut);
	spoil(3, true, flip_last);
	verify(&f);
	ck_assert_int_eq(f.n, 2);
	ck_assert_uint_eq(verify(&f).files, 1);
	ck_assert_int_eq(f.n, 0);
	finish();
}
END_TEST

/* How many bytes of the file can be changed without anybody noticing. */
static int n_unnoticed;

static void
flip_each(const char *path)
{
	struct hg_strbuf text = HG_STRBUF_INIT;
	struct found f;

	ck_assert_int_eq(hg_read_file(path, 1 << 20, &text, NULL), 0);
	for (size_t i = 0; i < text.len; i++) {
		int fd = open(path, O_RDWR);
		char c = (char)(text.buf[i] ^ 1);

		ck_assert_int_eq(pwrite(fd, &c, 1, (off_t)i), 1);
		verify_with(&f, false);
		n_unnoticed += f.n != 1;
		ck_assert_int_eq(pwrite(fd, text.buf + i, 1, (off_t)i), 1);
		close(fd);
	}
	verify_with(&f, false);
	ck_assert_int_eq(f.n, 0);
	hg_strbuf_release(&text);
}

START_TEST(every_byte_of_an_entry_counts)
{
	setup();
	compile_in("team", 1);
	spoil(1, true, flip_each);
	ck_assert_int_eq(n_unnoticed, 0);
	spoil(1, false, flip_each);
	ck_assert_int_eq(n_unnoticed, 0);
	finish();
}
END_TEST

START_TEST(verification_tells_results_that_nothing_leads_to)
{
	struct hg_digest key = key_of(1, 1);
	struct found f;
	char path[128];

	setup();
	compile_variant("", 1, 0);
	compile_variant("", 1, 1);
	ck_assert_uint_eq(verify(&f).unreferenced, 0);
	path_of(&key, HG_ENTRY_MANIFEST, path);
	remove_file(path);
	/* its manifest may just be on the way */
	ck_assert_uint_eq(verify(&f).unreferenced, 0);
	spoil(1, false, make_old);
	ck_assert_uint_eq(verify_with(&f, false).unreferenced, 1);
	ck_assert_uint_eq(verify(&f).unreferenced, 1);
	ck_assert_uint_eq(verify(&f).files, 2);
	ck_assert_int_eq(f.n, 0);
	finish();
}
END_TEST

START_TEST(verification_puts_counts_right)
{
	struct hg_verify_report r;
	struct found f;

	setup();
	compile_in("", 1);
	compile_in("", 2);
	ck_assert_uint_eq(verify(&f).corrected, 0);
	spoil(1, true, remove_file);
	r = verify(&f);
	ck_assert_uint_eq(r.corrected, 1);
	ck_assert_int_eq(r.off.files, -1);
	ck_assert_int_eq(r.off.bytes, -BLOCK);
	ck_assert_int_eq(f.n, 0);
	ck_assert_int_eq(total().files, 3);
	ck_assert_uint_eq(verify(&f).corrected, 0);
	finish();
}
END_TEST

START_TEST(counters_that_cannot_be_written_are_no_harm)
{
	struct hg_usage_count one = { 1, BLOCK };
	struct hg_usage *u;
	int status;

	setup();
	ck_assert_int_eq(hg_mkdir_p("cache", NULL), 0);
	hg_mapped_guard();
	u = hg_usage_open("cache", NULL);
	hg_usage_begin(u, 1);
	hg_usage_end(u, 1, one);
	/* its pages are no longer there */
	ck_assert_int_eq(truncate("cache/usage", 0), 0);
	hg_usage_begin(u, 1);
	hg_usage_end(u, 1, one);
	ck_assert_int_eq(hg_usage_of(u, 1).files, 1);
	ck_assert_int_eq(hg_usage_total(u).files, 1);
	hg_usage_close(u);
	/* nothing else is guarded */
	if (fork() == 0) {
		int fd = open("short", O_RDWR | O_CREAT, 0600);
		char *p = mmap(NULL, BLOCK, PROT_WRITE, MAP_SHARED, fd, 0);

		*p = 1;
		_exit(0);
	}
	ck_assert_int_gt(wait(&status), 0);
	ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGBUS);
	finish();
}
END_TEST

START_TEST(a_manifest_can_be_read_by_people)
{
	struct hg_digest key = key_of(1, 0), other = key_of(2, 0);
	struct hg_manifest m;
	struct hg_error err;
	int fd;

	setup();
	compile_in("team", 1);
	fd = hg_cache_open(cache, &key, HG_ENTRY_MANIFEST);
	ck_assert_int_eq(hg_manifest_load(fd, &key, &m, &err), 0);
	ck_assert_str_eq(m.namespace, "team");
	ck_assert_uint_eq(m.n_sets, 1);
	ck_assert_uint_eq(m.sets[0].n_inputs, 1);
	ck_assert_str_eq(m.sets[0].inputs[0].path, "/tmp");
	ck_assert_str_eq(m.sets[0].inputs[0].kind, "folder");
	ck_assert_uint_eq(m.sets[0].missing.n, 1);
	ck_assert_str_eq(m.sets[0].missing.v[0], "//nonexistent");
	ck_assert_uint_eq(m.sets[0].compile_us, 1500);
	hg_manifest_release(&m);
	lseek(fd, 0, SEEK_SET);
	ck_assert_int_eq(hg_manifest_load(fd, &other, &m, &err), -HG_CORRUPT);
	ck_assert_str_eq(err.text, "it is a copy of another manifest");
	hg_manifest_release(&m);
	close(fd);
	finish();
}
END_TEST

START_TEST(names_of_entries_are_told_from_others)
{
	char ending[HG_ENDING_BYTES];
	struct hg_digest key;
	static const char hex[] = "ab00000000000000000000000000000f";
	char name[64];

	snprintf(name, sizeof(name), "%s.o", hex);
	ck_assert(hg_folder_parse(name, &key, ending));
	ck_assert_str_eq(ending, "o");
	ck_assert_int_eq(key.b[0], 0xab);
	ck_assert_int_eq(key.b[15], 0x0f);
	snprintf(name, sizeof(name), "%s.o.12.tmp", hex);
	ck_assert(!hg_folder_parse(name, &key, ending));
	snprintf(name, sizeof(name), "%s.", hex);
	ck_assert(!hg_folder_parse(name, &key, ending));
	ck_assert(!hg_folder_parse(hex, &key, ending));
	ck_assert(!hg_folder_parse("x.o", &key, ending));
	snprintf(name, sizeof(name), "%s.longending", hex);
	ck_assert(!hg_folder_parse(name, &key, ending));
	snprintf(name, sizeof(name), "A%s.o", hex + 1);
	ck_assert(!hg_folder_parse(name, &key, ending));
}
END_TEST

UNIT_MAIN("evict", files_and_room_are_counted,
    counts_are_exact_however_many_change_one_entry,
    wrong_counts_are_put_right_by_looking,
    a_change_that_is_half_done_is_not_corrected, only_one_cleans,
    the_least_recently_used_go_first,
    manifests_go_with_the_last_result_of_their_source,
    the_use_of_manifests_is_noted_once_an_hour,
    halves_of_pairs_go_when_they_are_old, files_of_one_key_go_together,
    an_empty_cache_is_no_trouble,
    what_was_not_used_for_long_goes, a_namespace_can_be_removed,
    a_namespace_shares_sources_with_others,
    leftovers_of_killed_processes_go,
    cleaning_is_due_beyond_a_limit_or_after_a_while,
    a_small_cache_is_taken_below_its_limit_in_exact_order,
    a_large_cache_is_cleaned_a_little_at_a_time,
    verification_finds_damage_and_nothing_else, every_byte_of_an_entry_counts,
    verification_tells_results_that_nothing_leads_to,
    verification_puts_counts_right,
    counters_that_cannot_be_written_are_no_harm, a_manifest_can_be_read_by_people,
    names_of_entries_are_told_from_others)
