/* SPDX-License-Identifier: Apache-2.0 */
/* Results whose object stands beside them, so that trees can link to it. */
#include "config.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/error.h"
#include "lib/base/fd.h"
#include "lib/base/path.h"
#include "lib/base/strbuf.h"
#include "lib/store/cache.h"
#include "lib/store/evict.h"
#include "lib/store/manifest.h"
#include "lib/store/memo.h"
#include "lib/store/result.h"
#include "lib/store/set.h"
#include "lib/store/usage.h"
#include "lib/store/verify.h"
#include "tests/lib/unit.h"

enum { BLOCK = 4096, HOUR = 3600 };

static struct hg_cache *cache;
static char dir[64];
static const struct hg_digest RESULT = { { 9, 8, 7 } };

static void
setup(void)
{
	umask(022);
	snprintf(dir, sizeof(dir), "/tmp/hglinkedXXXXXX");
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

static struct hg_usage_count
total(void)
{
	return hg_usage_total(hg_cache_usage(cache, NULL));
}

/* ---- one result -------------------------------------------------------- */

/* A result with a dependency file and an object that can be linked. */
static void
write_linked(struct hg_strbuf *object, bool for_clones)
{
	struct hg_output outputs[2] = {
		{ HG_OUTPUT_MAIN, 0644, "a.o", NULL, 0, true },
		{ HG_OUTPUT_DEP, 0644, "a.d", "deps", 4, false },
	};
	struct hg_result r = { .outputs = outputs,
		.n_outputs = 2,
		.for_clones = for_clones };

	hg_strbuf_reset(object);
	for (int i = 0; i < 30000; i++)
		hg_strbuf_addc(object, (char)(i / 100 * 37));
	outputs[0].p = object->buf;
	outputs[0].n = object->len;
	ck_assert_int_eq(hg_result_write(cache, &RESULT, &r, NULL), 0);
}

static bool
reads_back(const struct hg_strbuf *object)
{
	struct hg_result_reader *r = hg_result_open(cache, &RESULT, NULL);
	struct hg_strbuf got = HG_STRBUF_INIT;
	bool same = r && hg_result_read(r, 0, &got, NULL) == 0 &&
	    got.len == object->len &&
	    memcmp(got.buf, object->buf, got.len) == 0;

	hg_strbuf_release(&got);
	hg_result_close(r);
	return same;
}

static int
link_to(const char *path, mode_t mode)
{
	struct hg_result_reader *r = hg_result_open(cache, &RESULT, NULL);
	struct hg_error err;
	int rc;

	ck_assert_ptr_nonnull(r);
	ck_assert(hg_result_head(r)->outputs[0].linked);
	ck_assert(!hg_result_head(r)->outputs[1].linked);
	ck_assert_int_eq(
	    hg_result_link(r, 1, "deps", mode, &err), -HG_UNSUPPORTED);
	rc = hg_result_link(r, 0, path, mode, &err);
	hg_result_close(r);
	ck_assert_int_eq(access(path, F_OK), rc ? -1 : 0);
	return rc;
}

START_TEST(linked_objects_read_back_and_are_one_file)
{
	struct hg_strbuf object = HG_STRBUF_INIT;
	struct timespec old[2] = { { .tv_sec = 1 }, { .tv_sec = 1 } };
	struct hg_usage_count n;
	struct stat a, b;

	setup();
	write_linked(&object, true);
	ck_assert(reads_back(&object));
	n = total();
	ck_assert_int_eq(n.files, 2);
	ck_assert_int_eq(n.bytes, 4096 + 32768);
	ck_assert_int_eq(link_to("a", 0444), 0);
	ck_assert_int_eq(utimensat(AT_FDCWD, "a", old, 0), 0);
	ck_assert_int_eq(link_to("b", 0444), 0);
	ck_assert_int_eq(stat("a", &a) + stat("b", &b), 0);
	ck_assert_uint_eq(a.st_ino, b.st_ino);
	ck_assert_uint_eq(a.st_nlink, 3);
	ck_assert_uint_eq(a.st_mode & 07777, 0444);
	ck_assert_int_gt(a.st_mtim.tv_sec, 1000000);
	/* other permissions are wanted, or there are others now */
	ck_assert_int_eq(link_to("c", 0400), -HG_UNSUPPORTED);
	ck_assert_int_eq(chmod("a", 0644), 0);
	ck_assert_int_eq(link_to("c", 0444), -HG_UNSUPPORTED);
	ck_assert(reads_back(&object));
	/* what was given stays */
	ck_assert(hg_result_remove(cache, &RESULT));
	ck_assert(!hg_result_remove(cache, &RESULT));
	ck_assert_int_eq(hg_cache_open(cache, &RESULT, HG_ENTRY_LINK), -1);
	ck_assert_int_eq(stat("a", &a), 0);
	ck_assert_uint_eq(a.st_nlink, 2);
	n = total();
	ck_assert_int_eq(n.files, 0);
	ck_assert_int_eq(n.bytes, 0);
	hg_strbuf_release(&object);
	finish();
}
END_TEST

START_TEST(changed_linked_objects_are_not_given)
{
	struct hg_strbuf object = HG_STRBUF_INIT;
	int fd;

	setup();
	write_linked(&object, false);
	ck_assert_int_eq(link_to("a", 0444), 0);
	for (size_t i = 0; i < object.len; i += 997) {
		char bad = (char)(object.buf[i] ^ 1);

		chmod("a", 0644);
		fd = open("a", O_WRONLY);
		ck_assert_int_eq(pwrite(fd, &bad, 1, (off_t)i), 1);
		chmod("a", 0444);
		ck_assert_int_eq(link_to("b", 0444), -HG_CORRUPT);
		ck_assert(!reads_back(&object));
		ck_assert_int_eq(pwrite(fd, object.buf + i, 1, (off_t)i), 1);
		close(fd);
	}
	ck_assert(reads_back(&object));
	chmod("a", 0644);
	ck_assert_int_eq(truncate("a", 100), 0);
	chmod("a", 0444);
	ck_assert_int_eq(link_to("b", 0444), -HG_CORRUPT);
	ck_assert(!reads_back(&object));
	/* a new one takes its place, and is no longer the damaged file */
	write_linked(&object, false);
	ck_assert_int_eq(link_to("b", 0444), 0);
	ck_assert(reads_back(&object));
	ck_assert(hg_cache_remove(cache, &RESULT, HG_ENTRY_LINK));
	ck_assert_int_eq(link_to("c", 0444), -HG_CORRUPT);
	hg_strbuf_release(&object);
	finish();
}
END_TEST

/* ---- among others ------------------------------------------------------ */

/* Of the manifest (i = 0) or the i-th result of the n-th source. */
static struct hg_digest
key_of(unsigned n, unsigned i)
{
	struct hg_digest d = { { 0 } };

	d.b[0] = (unsigned char)n;
	d.b[15] = (unsigned char)i;
	return d;
}

static void
make_old(const struct hg_digest *key, const char *ending, time_t age_s)
{
	struct timespec times[2] = { { .tv_nsec = UTIME_OMIT },
		{ .tv_sec = time(NULL) - age_s } };
	int fd = hg_cache_open(cache, key, ending);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(futimens(fd, times), 0);
	close(fd);
}

/* A file of an entry, last used so long ago. */
static void
put(struct hg_digest key, const char *ending, time_t age_s)
{
	struct hg_piece piece = { "object", 6 };

	ck_assert_int_eq(
	    hg_cache_publish(cache, &key, ending, &piece, 1, NULL), 0);
	make_old(&key, ending, age_s);
}

static bool
has(const struct hg_digest *key, const char *ending)
{
	int fd = hg_cache_open(cache, key, ending);
	bool there = fd >= 0;

	hg_fd_close(&fd);
	return there;
}

/* A real manifest and its result, made in a namespace; returns the latter. */
static struct hg_digest
compile(const char *namespace, unsigned n)
{
	struct hg_memo *memo = hg_memo_new("cache");
	struct hg_set_builder *b = hg_set_builder_new(memo, 0);
	struct hg_output out = { HG_OUTPUT_MAIN, 0644, "a.o", "object", 6,
		true };
	struct hg_result r = { .outputs = &out, .n_outputs = 1 };
	struct hg_digest key = key_of(n, 0), result;

	hg_cache_set_namespace(cache, namespace);
	ck_assert_int_eq(hg_set_add_absent(b, "/nonexistent/h.h", NULL), 0);
	hg_set_result_key(b, &key, 0, &result);
	ck_assert_int_eq(hg_result_write(cache, &result, &r, NULL), 0);
	ck_assert_int_eq(
	    hg_manifest_add(cache, &key, b, &result, 0, 1500, NULL), 0);
	hg_set_builder_free(b);
	hg_memo_free(memo);
	return result;
}

static struct hg_evict_result
evict(struct hg_evict_rule rule)
{
	struct hg_evict_result gone;

	ck_assert_int_eq(hg_evict_all(cache, &rule, &gone, NULL), 0);
	return gone;
}

START_TEST(linked_objects_go_with_their_results)
{
	const struct hg_digest three = key_of(3, 1), four = key_of(4, 1),
			       five = key_of(5, 1), six = key_of(6, 1);
	struct hg_evict_result gone;

	setup();
	compile("", 1);
	compile("ci", 2);
	ck_assert_int_eq(total().files, 6);
	gone = evict(
	    (struct hg_evict_rule){ .by_age = true, .namespace = "ci" });
	ck_assert_uint_eq(gone.files, 3);
	ck_assert_uint_eq(gone.bytes, 3 * BLOCK);
	ck_assert_int_eq(total().files, 3);
	/* what trees make of its time neither keeps nor drops it */
	put(key_of(3, 0), HG_ENTRY_MANIFEST, 150);
	put(three, HG_ENTRY_RESULT, 150);
	put(three, HG_ENTRY_LINK, -24 * HOUR);
	put(key_of(4, 0), HG_ENTRY_MANIFEST, 50);
	put(four, HG_ENTRY_RESULT, 50);
	put(four, HG_ENTRY_LINK, 24 * HOUR);
	gone = evict(
	    (struct hg_evict_rule){ .by_age = true, .older_than_s = 100 });
	ck_assert_uint_eq(gone.files, 3);
	ck_assert(!has(&three, HG_ENTRY_LINK));
	ck_assert(has(&four, HG_ENTRY_RESULT) && has(&four, HG_ENTRY_LINK));
	/* one whose result is gone goes first, unless it may be just coming */
	put(five, HG_ENTRY_LINK, 2 * HOUR);
	put(six, HG_ENTRY_LINK, 0);
	ck_assert_uint_eq(evict((struct hg_evict_rule){ 0 }).files, 1);
	ck_assert(has(&six, HG_ENTRY_LINK));
	evict((struct hg_evict_rule){ .by_age = true });
	ck_assert_int_eq(total().files, 0);
	ck_assert_int_eq(total().bytes, 0);
	finish();
}
END_TEST

static void
on_damage(void *arg, const struct hg_digest *key, const char *ending,
    const char *why)
{
	(void)key;
	ck_assert_str_eq(ending, HG_ENTRY_RESULT);
	snprintf(arg, 100, "%s", why);
}

/* why: what was found damaged, or "". */
static struct hg_verify_report
verify(bool removes, char why[100])
{
	const struct hg_verify_rule rule = { removes, on_damage, why };
	struct hg_verify_report r;

	why[0] = '\0';
	ck_assert_int_eq(hg_verify(cache, &rule, &r, NULL), 0);
	ck_assert_uint_eq(r.removed, removes ? r.damaged + r.unreferenced : 0);
	ck_assert_uint_eq(r.strays, 0);
	return r;
}

START_TEST(verification_knows_linked_objects)
{
	struct hg_digest one, two, three;
	char why[100];

	setup();
	one = compile("", 1);
	two = compile("", 2);
	three = compile("", 3);
	ck_assert_uint_eq(verify(true, why).files, 9);
	ck_assert_str_eq(why, "");
	ck_assert(hg_cache_remove(cache, &one, HG_ENTRY_LINK));
	ck_assert_uint_eq(verify(false, why).damaged, 1);
	ck_assert_str_eq(why, "the object beside the cached result is gone");
	ck_assert_int_eq(
	    hg_cache_publish(cache, &one, HG_ENTRY_LINK,
		&(struct hg_piece){ "OBJECT", 6 }, 1, NULL),
	    0);
	ck_assert_uint_eq(verify(false, why).files, 9);
	ck_assert_str_eq(why, "the cache entry is damaged");
	/* the result and its object; the manifest is left alone */
	ck_assert_uint_eq(verify(true, why).removed, 1);
	ck_assert_uint_eq(verify(true, why).files, 7);
	ck_assert(!has(&one, HG_ENTRY_LINK));
	/* without its result it may be about to get that, or is old */
	ck_assert(hg_cache_remove(cache, &two, HG_ENTRY_RESULT));
	ck_assert_uint_eq(verify(true, why).unreferenced, 0);
	make_old(&two, HG_ENTRY_LINK, 2 * HOUR);
	ck_assert_uint_eq(verify(false, why).unreferenced, 1);
	ck_assert_uint_eq(verify(true, why).unreferenced, 1);
	ck_assert(!has(&two, HG_ENTRY_LINK));
	/* one that has its result is never too old */
	make_old(&three, HG_ENTRY_LINK, 2 * HOUR);
	ck_assert_uint_eq(verify(true, why).unreferenced, 0);
	ck_assert_int_eq(total().files, 5);
	finish();
}
END_TEST

UNIT_MAIN("linked", linked_objects_read_back_and_are_one_file,
    changed_linked_objects_are_not_given, linked_objects_go_with_their_results,
    verification_knows_linked_objects)
