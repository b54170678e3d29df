/* SPDX-License-Identifier: Apache-2.0 */
/* lib/store: manifests, results, the digest memo, counters. */
#include "config.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/error.h"
#include "lib/base/fd.h"
#include "lib/base/path.h"
#include "lib/base/strbuf.h"
#include "lib/store/cache.h"
#include "lib/store/manifest.h"
#include "lib/store/memo.h"
#include "lib/store/result.h"
#include "lib/store/stats.h"
#include "tests/lib/unit.h"

static struct hg_cache *cache;
static struct hg_memo *memo;
static char dir[64];
static const struct hg_digest KEY = { { 1, 2, 3 } };
static const struct hg_digest RESULT = { { 9, 8, 7 } };
static const struct hg_set_proof none;

static void
put(const char *name, const char *text)
{
	ck_assert_int_eq(
	    hg_write_file_atomic(name, text, strlen(text), 0644, NULL), 0);
}

/* Lets the file clock go on, so that what was written before is settled. */
static void
settle(void)
{
	struct timespec ts = { 0, 50 * 1000 * 1000 };

	nanosleep(&ts, NULL);
}

static void
setup(void)
{
	snprintf(dir, sizeof(dir), "/tmp/hgstoreXXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	ck_assert_int_eq(chdir(dir), 0);
	ck_assert_int_eq(hg_mkdir_p("inc", NULL), 0);
	put("h.h", "one");
	cache = hg_cache_new("cache");
	memo = hg_memo_new("cache");
	settle();
}

static void
finish(void)
{
	hg_cache_free(cache);
	hg_memo_free(memo);
	ck_assert_int_eq(chdir("/"), 0);
	hg_remove_tree(dir, NULL);
}

/* Records a set: h.h was read, inc/x.h and no/y.h were not there. */
static void
record(uint64_t names)
{
	struct hg_set_builder *b = hg_set_builder_new(memo, hg_sig_now());
	struct hg_error err = { 0 };

	ck_assert_msg(hg_set_add_file(b, "h.h", none, &err) == 0, "%s", err.text);
	ck_assert_int_eq(hg_set_add_absent(b, "inc/x.h", &err), 0);
	ck_assert_int_eq(hg_set_add_absent(b, "no/y.h", &err), 0);
	ck_assert_int_eq(hg_set_add_folder(b, "inc", &err), 0);
	ck_assert_int_eq(hg_set_add_listing(b, "inc", &err), 0);
	ck_assert_int_eq(
	    hg_manifest_add(cache, &KEY, b, &RESULT, names, 5, &err), 0);
	hg_set_builder_free(b);
}

static struct hg_lookup
look(uint64_t names)
{
	struct hg_lookup l;

	hg_manifest_lookup(cache, &KEY, names, memo, &l);
	return l;
}

START_TEST(an_unchanged_set_hits)
{
	struct hg_lookup l;

	setup();
	ck_assert(!look(0).hit);
	record(0);
	l = look(0);
	ck_assert(l.hit);
	ck_assert(hg_digest_equal(&l.result, &RESULT));
	ck_assert_uint_eq(l.compile_us, 5);
	finish();
}
END_TEST

START_TEST(changed_content_misses_and_is_named)
{
	struct hg_lookup l;

	setup();
	record(0);
	put("h.h", "two");
	l = look(0);
	ck_assert(!l.hit);
	ck_assert_str_eq(l.why, "h.h has other content");
	put("h.h", "one");
	ck_assert(look(0).hit);
	unlink("h.h");
	l = look(0);
	ck_assert_str_eq(l.why, "h.h is not there now");
	finish();
}
END_TEST

START_TEST(a_file_that_appears_misses)
{
	struct hg_lookup l;

	setup();
	record(0);
	put("inc/other.h", "");
	ck_assert(!look(0).hit);
	unlink("inc/other.h");
	ck_assert(look(0).hit);
	ck_assert_int_eq(hg_mkdir_p("no", NULL), 0);
	l = look(0);
	ck_assert(!l.hit);
	ck_assert_str_eq(l.why, "./no is there now");
	finish();
}
END_TEST

START_TEST(restored_times_do_not_deceive)
{
	struct timespec times[2];
	struct stat st;

	setup();
	record(0);
	ck_assert_int_eq(stat("h.h", &st), 0);
	times[0] = st.st_atim;
	times[1] = st.st_mtim;
	put("h.h", "two");
	ck_assert_int_eq(utimensat(AT_FDCWD, "h.h", times, 0), 0);
	ck_assert(!look(0).hit);
	finish();
}
END_TEST

START_TEST(a_change_during_the_compile_is_refused)
{
	struct hg_set_proof proof = { NULL, NULL };
	struct hg_set_builder *b;
	struct hg_digest digest;
	struct hg_error err;
	int64_t started;

	setup();
	started = hg_sig_now();
	put("late.h", "");
	b = hg_set_builder_new(memo, started);
	ck_assert_int_eq(hg_set_add_file(b, "late.h", none, &err), -HG_CORRUPT);
	ck_assert_int_eq(hg_set_add_file(b, "gone.h", none, &err), -HG_CORRUPT);
	/* unless the content is known to be what was read */
	hg_digest_bytes("", 0, &digest);
	proof.digest = &digest;
	ck_assert_int_eq(hg_set_add_file(b, "late.h", proof, &err), 0);
	put("late.h", "other");
	ck_assert_int_eq(
	    hg_set_add_file(b, "late.h", proof, &err), -HG_CORRUPT);
	ck_assert_int_eq(hg_set_add_absent(b, "h.h", &err), -HG_CORRUPT);
	hg_set_builder_free(b);
	finish();
}
END_TEST

START_TEST(sets_bound_to_names_need_them)
{
	setup();
	record(77);
	ck_assert(!look(0).hit);
	ck_assert(look(77).hit);
	finish();
}
END_TEST

START_TEST(another_checkout_finds_a_portable_set)
{
	static const struct hg_digest OWN = { { 4, 4 } };
	struct hg_set_builder *b;
	struct hg_manifest_place place = { .own_key = &OWN, .own_names = 6 };
	struct hg_lookup l;
	char one[128], two[128], path[160];

	setup();
	snprintf(one, sizeof(one), "%s/one", dir);
	snprintf(two, sizeof(two), "%s/two", dir);
	ck_assert_int_eq(hg_mkdir_p("one", NULL), 0);
	ck_assert_int_eq(hg_mkdir_p("two", NULL), 0);
	put("one/h.h", "same");
	put("two/h.h", "same");
	settle();
	b = hg_set_builder_new(memo, hg_sig_now());
	snprintf(path, sizeof(path), "%s/h.h", one);
	ck_assert_int_eq(hg_set_add_file(b, path, none, NULL), 0);
	snprintf(path, sizeof(path), "%s/x.h", one);
	ck_assert_int_eq(hg_set_add_absent(b, path, NULL), 0);
	hg_set_make_portable(b, one);
	ck_assert_int_eq(
	    hg_manifest_add(cache, &KEY, b, &RESULT, 5, 7, NULL), 0);
	hg_set_builder_free(b);

	place.root = two;
	hg_manifest_find(cache, &KEY, 4, &place, memo, &l);
	ck_assert(!l.hit);
	hg_manifest_find(cache, &KEY, 5, &place, memo, &l);
	ck_assert(l.hit && hg_digest_equal(&l.result, &RESULT));
	ck_assert_str_eq(l.from, one);
	ck_assert_str_eq(l.to, two);
	hg_lookup_release(&l);
	/* and by its own key from now on, with its own names */
	hg_manifest_lookup(cache, &OWN, 5, memo, &l);
	ck_assert(!l.hit);
	hg_manifest_lookup(cache, &OWN, 6, memo, &l);
	ck_assert(l.hit);
	ck_assert_str_eq(l.from, one);
	hg_lookup_release(&l);
	put("two/x.h", "in front");
	hg_manifest_lookup(cache, &OWN, 6, memo, &l);
	ck_assert(!l.hit);
	hg_manifest_find(cache, &KEY, 5, &place, memo, &l);
	ck_assert(!l.hit);
	place.root = one;
	hg_manifest_find(cache, &KEY, 5, &place, memo, &l);
	ck_assert(l.hit);
	ck_assert_ptr_null(l.from);
	hg_lookup_release(&l);
	finish();
}
END_TEST

START_TEST(a_set_of_today_and_one_with_stamps)
{
	struct hg_set_builder *b;
	struct timespec times[2] = { { 1000, 0 }, { 1000, 0 } };

	setup();
	b = hg_set_builder_new(memo, hg_sig_now());
	ck_assert_int_eq(hg_set_add_day(b, NULL), 0);
	ck_assert_int_eq(hg_set_add_stamped(b, "h.h", none, NULL), 0);
	ck_assert_int_eq(
	    hg_manifest_add(cache, &KEY, b, &RESULT, 0, 7, NULL), 0);
	hg_set_builder_free(b);
	ck_assert(look(0).hit);
	utimensat(AT_FDCWD, "h.h", times, 0);
	ck_assert(!look(0).hit);
	b = hg_set_builder_new(memo, hg_sig_now() - 2 * INT64_C(86400000000000));
	ck_assert_int_eq(hg_set_add_day(b, NULL), -HG_CORRUPT);
	hg_set_builder_free(b);
	finish();
}
END_TEST

START_TEST(every_damaged_byte_of_a_manifest_misses)
{
	struct hg_strbuf good = HG_STRBUF_INIT;
	struct hg_piece piece;
	int fd;

	setup();
	record(0);
	fd = hg_cache_open(cache, &KEY, HG_ENTRY_MANIFEST);
	ck_assert_int_eq(hg_read_fd(fd, 1 << 20, &good, NULL), 0);
	close(fd);
	piece.p = good.buf;
	for (size_t i = 0; i < good.len; i++) {
		good.buf[i] ^= 0x10;
		piece.n = good.len;
		hg_cache_publish(
		    cache, &KEY, HG_ENTRY_MANIFEST, &piece, 1, NULL);
		ck_assert_msg(!look(0).hit, "byte %zu", i);
		good.buf[i] ^= 0x10;
	}
	for (size_t n = 0; n < good.len; n++) {
		piece.n = n;
		hg_cache_publish(
		    cache, &KEY, HG_ENTRY_MANIFEST, &piece, 1, NULL);
		ck_assert_msg(!look(0).hit, "cut at %zu", n);
	}
	hg_strbuf_release(&good);
	finish();
}
END_TEST

static void
write_result(void)
{
	struct hg_output outputs[2] = {
		{ HG_OUTPUT_DEP, 0644, "a.d", "deps", 4, false },
		{ HG_OUTPUT_MAIN, 0644, "a.o", "object", 6, false },
	};
	struct hg_result r = { .exit_code = 3,
		.out = "out",
		.out_n = 3,
		.err = "errors",
		.err_n = 6,
		.outputs = outputs,
		.n_outputs = 2 };

	ck_assert_int_eq(hg_result_write(cache, &RESULT, &r, NULL), 0);
}

/* One with a large object, of which each 100 bytes are alike. */
static void
write_large(struct hg_strbuf *object, int zip_level, bool for_clones)
{
	struct hg_output output = { HG_OUTPUT_MAIN, 0644, "a.o", NULL, 0, false };
	struct hg_result r = { .outputs = &output,
		.n_outputs = 1,
		.zip_level = zip_level,
		.for_clones = for_clones };

	for (int i = 0; i < 300000; i++)
		hg_strbuf_addc(object, (char)(i / 100 * 37));
	output.p = object->buf;
	output.n = object->len;
	ck_assert_int_eq(hg_result_write(cache, &RESULT, &r, NULL), 0);
}

static bool
large_reads_back(const struct hg_strbuf *object)
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

/* Whether the entry reads back whole. */
static int
to_fd(void *arg, const void *p, size_t n, struct hg_error *err)
{
	return hg_write_all(*(int *)arg, p, n, err);
}

static bool
result_is_good(void)
{
	struct hg_result_reader *r = hg_result_open(cache, &RESULT, NULL);
	int fd = open("copy", O_RDWR | O_CREAT | O_TRUNC, 0600);
	bool good = false;

	if (r) {
		const struct hg_result *h = hg_result_head(r);

		good = h->exit_code == 3 && h->err_n == 6 &&
		    h->n_outputs == 2 && hg_result_copy(r, 0, to_fd, &fd, NULL) == 0 &&
		    hg_result_copy(r, 1, to_fd, &fd, NULL) == 0;
	}
	close(fd);
	hg_result_close(r);
	return good;
}

START_TEST(results_read_back)
{
	struct hg_strbuf sb = HG_STRBUF_INIT;
	struct hg_result_reader *r;
	const struct hg_result *h;

	setup();
	ck_assert_ptr_null(hg_result_open(cache, &RESULT, NULL));
	write_result();
	ck_assert(result_is_good());
	ck_assert_int_eq(hg_read_file("copy", 99, &sb, NULL), 0);
	ck_assert_str_eq(sb.buf, "depsobject");
	r = hg_result_open(cache, &RESULT, NULL);
	h = hg_result_head(r);
	ck_assert_mem_eq(h->out, "out", 3);
	ck_assert_mem_eq(h->err, "errors", 6);
	ck_assert_str_eq(h->outputs[1].path, "a.o");
	ck_assert_int_eq(h->outputs[1].role, HG_OUTPUT_MAIN);
	hg_result_close(r);
	hg_strbuf_release(&sb);
	finish();
}
END_TEST

START_TEST(every_damaged_byte_of_a_result_is_found)
{
	struct hg_strbuf good = HG_STRBUF_INIT;
	struct hg_piece piece;
	int fd;

	setup();
	write_result();
	fd = hg_cache_open(cache, &RESULT, HG_ENTRY_RESULT);
	ck_assert_int_eq(hg_read_fd(fd, 1 << 20, &good, NULL), 0);
	close(fd);
	piece.p = good.buf;
	for (size_t i = 0; i < good.len; i++) {
		good.buf[i] ^= 0x10;
		piece.n = good.len;
		hg_cache_publish(
		    cache, &RESULT, HG_ENTRY_RESULT, &piece, 1, NULL);
		ck_assert_msg(!result_is_good(), "byte %zu", i);
		good.buf[i] ^= 0x10;
	}
	for (size_t n = 0; n < good.len; n++) {
		piece.n = n;
		hg_cache_publish(
		    cache, &RESULT, HG_ENTRY_RESULT, &piece, 1, NULL);
		ck_assert_msg(!result_is_good(), "cut at %zu", n);
	}
	hg_strbuf_release(&good);
	finish();
}
END_TEST

START_TEST(compressed_results_read_back_and_show_damage)
{
	struct hg_strbuf object = HG_STRBUF_INIT, entry = HG_STRBUF_INIT;
	struct hg_piece piece;
	int fd;

	setup();
	write_large(&object, 3, false);
	ck_assert(large_reads_back(&object));
	fd = hg_cache_open(cache, &RESULT, HG_ENTRY_RESULT);
	ck_assert_int_eq(hg_read_fd(fd, 1 << 20, &entry, NULL), 0);
	close(fd);
	ck_assert_uint_lt(entry.len, object.len / 4);
	piece.p = entry.buf;
	piece.n = entry.len;
	for (size_t i = 0; i < entry.len; i += 13) {
		entry.buf[i] ^= 0x10;
		hg_cache_publish(
		    cache, &RESULT, HG_ENTRY_RESULT, &piece, 1, NULL);
		ck_assert_msg(!large_reads_back(&object), "byte %zu", i);
		entry.buf[i] ^= 0x10;
	}
	hg_strbuf_release(&object);
	hg_strbuf_release(&entry);
	finish();
}
END_TEST

START_TEST(clones_are_the_same_or_declined)
{
	struct hg_strbuf object = HG_STRBUF_INIT, got = HG_STRBUF_INIT;
	struct hg_result_reader *r;
	int fd, rc;

	setup();
	write_large(&object, 0, true);
	ck_assert(large_reads_back(&object));
	r = hg_result_open(cache, &RESULT, NULL);
	fd = open("copy", O_RDWR | O_CREAT | O_TRUNC, 0600);
	rc = hg_result_clone(r, 0, fd, NULL);
	if (rc == 0) {
		ck_assert_int_eq(hg_read_file("copy", 1 << 20, &got, NULL), 0);
		ck_assert_uint_eq(got.len, object.len);
		ck_assert_mem_eq(got.buf, object.buf, got.len);
	} else {
		ck_assert_int_eq(rc, -HG_UNSUPPORTED);
		ck_assert_int_eq(hg_result_copy(r, 0, to_fd, &fd, NULL), 0);
	}
	close(fd);
	hg_result_close(r);
	hg_strbuf_release(&object);
	hg_strbuf_release(&got);
	finish();
}
END_TEST

/*
 * More files than there are buckets among 16,384 without two in one; each must
 * still be known when all have been added.
 */
START_TEST(files_do_not_push_each_other_out_of_the_memo)
{
	enum { N = 1000 };
	struct hg_digest d;
	struct stat st;
	int known = 0;

	setup();
	ck_assert_int_eq(hg_mkdir_p("cache", NULL), 0);
	put("t.h", "text");
	settle();
	ck_assert_int_eq(stat("t.h", &st), 0);
	for (ino_t i = 1; i <= N; i++) {
		st.st_ino = i;
		ck_assert_int_eq(hg_memo_digest(memo, "t.h", &st, &d, NULL), 0);
	}
	for (ino_t i = 1; i <= N; i++) {
		st.st_ino = i;
		known += hg_memo_digest(memo, "none", &st, &d, NULL) == 0;
	}
	ck_assert_int_eq(known, N);
	finish();
}
END_TEST

START_TEST(the_memo_knows_settled_files)
{
	struct hg_digest a, b;
	struct stat st;

	setup();
	ck_assert_int_eq(hg_mkdir_p("cache", NULL), 0);
	put("t.h", "text");
	settle();
	ck_assert_int_eq(stat("t.h", &st), 0);
	ck_assert_int_eq(hg_memo_digest(memo, "t.h", &st, &a, NULL), 0);
	/* the name does not count: what is remembered needs no file */
	ck_assert_int_eq(hg_memo_digest(memo, "none", &st, &b, NULL), 0);
	ck_assert(hg_digest_equal(&a, &b));
	finish();
}
END_TEST

START_TEST(counters_are_exact_among_processes)
{
	enum { PROCESSES = 8, EACH = 10000 };
	struct hg_stats_file *f;
	struct hg_stats s;

	setup();
	for (int i = 0; i < PROCESSES; i++) {
		if (fork() != 0)
			continue;
		f = hg_stats_open("cache", NULL);
		for (int k = 0; k < EACH; k++)
			hg_stats_count(f, HG_REASON_hit);
		hg_stats_add(f, HG_STAT_SAVED_US, -5);
		hg_stats_add(f, HG_STAT_SAVED_US, 7);
		_exit(0);
	}
	for (int i = 0; i < PROCESSES; i++)
		ck_assert_int_gt(wait(NULL), 0);
	f = hg_stats_open("cache", NULL);
	hg_stats_read(f, &s);
	ck_assert_uint_eq(s.reason[HG_REASON_hit], PROCESSES * EACH);
	ck_assert_uint_eq(s.reason[HG_REASON_miss], 0);
	ck_assert_uint_eq(s.stat[HG_STAT_SAVED_US], PROCESSES * 2);
	hg_stats_reset(f);
	hg_stats_read(f, &s);
	ck_assert_uint_eq(s.reason[HG_REASON_hit], 0);
	ck_assert_uint_eq(s.stat[HG_STAT_SAVED_US], 0);
	hg_stats_close(f);
	finish();
}
END_TEST

/* Puts what is at `from` where `to` is looked for. */
static void
swap_in(const struct hg_digest *from, const struct hg_digest *to,
    const char *ending)
{
	struct hg_strbuf bytes = HG_STRBUF_INIT;
	int fd = hg_cache_open(cache, from, ending);
	struct hg_piece piece;

	ck_assert_int_eq(hg_read_fd(fd, 1 << 20, &bytes, NULL), 0);
	close(fd);
	piece.p = bytes.buf;
	piece.n = bytes.len;
	ck_assert_int_eq(
	    hg_cache_publish(cache, to, ending, &piece, 1, NULL), 0);
	hg_strbuf_release(&bytes);
}

START_TEST(an_entry_under_another_key_is_refused)
{
	static const struct hg_digest other = { { 1, 2, 3, 4 } };
	struct hg_error err;
	struct hg_lookup l;

	setup();
	record(0);
	write_result();
	swap_in(&KEY, &other, HG_ENTRY_MANIFEST);
	hg_manifest_lookup(cache, &other, 0, memo, &l);
	ck_assert(!l.hit);
	ck_assert(look(0).hit);
	swap_in(&RESULT, &other, HG_ENTRY_RESULT);
	ck_assert_ptr_null(hg_result_open(cache, &other, &err));
	ck_assert_int_eq(err.code, HG_CORRUPT);
	ck_assert_str_eq(err.text, "it is a copy of another result");
	ck_assert(result_is_good());
	finish();
}
END_TEST

START_TEST(keys_of_a_pair_begin_alike)
{
	struct hg_set_builder *b;
	struct hg_digest one, bound, other;

	setup();
	b = hg_set_builder_new(memo, hg_sig_now());
	hg_set_result_key(b, &KEY, 0, &one);
	hg_set_result_key(b, &KEY, 77, &bound);
	hg_set_add_file(b, "h.h", none, NULL);
	hg_set_result_key(b, &KEY, 0, &other);
	ck_assert_mem_eq(&one, &KEY, HG_PAIR_BYTES);
	ck_assert_mem_eq(&bound, &KEY, HG_PAIR_BYTES);
	ck_assert(!hg_digest_equal(&one, &bound));
	ck_assert(!hg_digest_equal(&one, &other));
	ck_assert(!hg_digest_equal(&one, &KEY));
	hg_set_builder_free(b);
	finish();
}
END_TEST

START_TEST(an_unwritable_cache_is_an_error_only_for_writers)
{
	struct hg_piece piece = { "x", 1 };
	struct hg_error err;
	struct hg_cache *bad = hg_cache_new("/proc/none");

	setup();
	ck_assert_int_eq(
	    hg_cache_publish(bad, &KEY, HG_ENTRY_RESULT, &piece, 1, &err),
	    -HG_IO);
	ck_assert_ptr_null(hg_stats_open("/proc/none", &err));
	ck_assert_ptr_null(hg_cache_usage(bad, &err));
	hg_stats_count(NULL, HG_REASON_hit);
	hg_cache_free(bad);
	finish();
}
END_TEST

UNIT_MAIN("store", an_unchanged_set_hits, changed_content_misses_and_is_named,
    a_file_that_appears_misses, restored_times_do_not_deceive,
    a_change_during_the_compile_is_refused, sets_bound_to_names_need_them,
    another_checkout_finds_a_portable_set, a_set_of_today_and_one_with_stamps,
    every_damaged_byte_of_a_manifest_misses, results_read_back,
    every_damaged_byte_of_a_result_is_found,
    compressed_results_read_back_and_show_damage,
    clones_are_the_same_or_declined, the_memo_knows_settled_files,
    files_do_not_push_each_other_out_of_the_memo,
    counters_are_exact_among_processes, an_entry_under_another_key_is_refused,
    keys_of_a_pair_begin_alike,
    an_unwritable_cache_is_an_error_only_for_writers)
