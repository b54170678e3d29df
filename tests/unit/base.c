/* SPDX-License-Identifier: Apache-2.0 */
/* lib/base: strings, maps, paths, numbers, errors. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/alloc.h"
#include "lib/base/error.h"
#include "lib/base/fd.h"
#include "lib/base/hmap.h"
#include "lib/base/parse.h"
#include "lib/base/path.h"
#include "lib/base/strbuf.h"
#include "lib/base/strvec.h"
#include "lib/base/time.h"
#include "lib/base/rooted.h"
#include "tests/lib/unit.h"

START_TEST(strndup_ends_at_the_nul)
{
	char *s = hg_xstrndup("ab", 100);

	ck_assert_str_eq(s, "ab");
	free(s);
	s = hg_xstrndup("abc", 2);
	ck_assert_str_eq(s, "ab");
	free(s);
}
END_TEST

START_TEST(strbuf_grows_and_detaches)
{
	struct hg_strbuf sb = HG_STRBUF_INIT;
	size_t n;
	char *p;

	for (int i = 0; i < 1000; i++)
		hg_strbuf_addf(&sb, "%d,", i);
	ck_assert_uint_eq(sb.len, 3890);
	ck_assert_int_eq(sb.buf[sb.len], 0);
	hg_strbuf_setlen(&sb, 4);
	ck_assert_str_eq(sb.buf, "0,1,");
	p = hg_strbuf_detach(&sb, &n);
	ck_assert_uint_eq(n, 4);
	ck_assert_uint_eq(sb.len, 0);
	free(p);
}
END_TEST

START_TEST(empty_strbuf_is_an_empty_string)
{
	struct hg_strbuf sb = HG_STRBUF_INIT;

	ck_assert_str_eq(sb.buf, "");
	hg_strbuf_reset(&sb);
	hg_strbuf_release(&sb);
	hg_strbuf_release(NULL);
}
END_TEST

START_TEST(strvec_is_null_terminated)
{
	struct hg_strvec sv = HG_STRVEC_INIT;
	const char *const more[] = { "b", "a", NULL };

	hg_strvec_addf(&sv, "%s%d", "x", 1);
	hg_strvec_add_all(&sv, more);
	ck_assert_uint_eq(sv.n, 3);
	ck_assert_ptr_null(sv.v[3]);
	ck_assert_int_eq(hg_strvec_find(&sv, "b"), 1);
	ck_assert_int_eq(hg_strvec_find(&sv, "c"), -1);
	hg_strvec_sort(&sv);
	ck_assert_str_eq(sv.v[0], "a");
	hg_strvec_release(&sv);
}
END_TEST

static int
count(const char *key, void *value, void *arg)
{
	(void)key;
	*(size_t *)arg += (size_t)(value != NULL);
	return 0;
}

START_TEST(hmap_sets_gets_deletes)
{
	struct hg_hmap m = HG_HMAP_INIT;
	char key[32];
	size_t seen = 0;

	for (int i = 0; i < 5000; i++) {
		snprintf(key, sizeof(key), "k%d", i);
		ck_assert_ptr_null(hg_hmap_set(&m, key, &m));
	}
	ck_assert_uint_eq(m.n, 5000);
	ck_assert_ptr_eq(hg_hmap_set(&m, "k7", key), &m);
	ck_assert_ptr_eq(hg_hmap_get(&m, "k7"), key);
	ck_assert_ptr_eq(hg_hmap_del(&m, "k7"), key);
	ck_assert_ptr_null(hg_hmap_get(&m, "k7"));
	ck_assert_ptr_null(hg_hmap_del(&m, "k7"));
	hg_hmap_each(&m, count, &seen);
	ck_assert_uint_eq(seen, 4999);
	hg_hmap_release(&m, NULL);
	ck_assert_ptr_null(hg_hmap_get(&m, "k1"));
}
END_TEST

START_TEST(parses_sizes_and_durations)
{
	static const struct {
		const char *text;
		uint64_t want;
	} sizes[] = {
		{ "0", 0 },
		{ "512", 512 },
		{ "5G", 5000000000 },
		{ "1.5KiB", 1536 },
		{ "64MiB", 64 << 20 },
		{ "2 kB", 2000 },
	};
	static const char *const bad[] = { "", "x", "-1", "5X", "5G5", "1e40",
		"nan", "GB" };
	uint64_t v;

	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		ck_assert_int_eq(hg_parse_size(sizes[i].text, &v, NULL), 0);
		ck_assert_uint_eq(v, sizes[i].want);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		ck_assert_int_eq(
		    hg_parse_size(bad[i], &v, NULL), -HG_INVALID);
		ck_assert_int_eq(
		    hg_parse_duration(bad[i], &v, NULL), -HG_INVALID);
	}
	ck_assert_int_eq(hg_parse_duration("250ms", &v, NULL), 0);
	ck_assert_uint_eq(v, 250 * HG_NS_PER_MS);
	ck_assert_int_eq(hg_parse_duration("2", &v, NULL), 0);
	ck_assert_uint_eq(v, 2 * HG_NS_PER_SEC);
	ck_assert_int_eq(hg_parse_u64("8x", 0, 10, &v, NULL), -HG_INVALID);
	ck_assert_int_eq(hg_parse_u64("11", 0, 10, &v, NULL), -HG_INVALID);
	ck_assert_int_eq(hg_parse_u64("10", 0, 10, &v, NULL), 0);
}
END_TEST

START_TEST(parses_decimals)
{
	static const struct {
		const char *text;
		double want;
	} good[] = {
		{ "0", 0 },
		{ "0.1", 0.1 },
		{ "0.95", 0.95 },
		{ ".5", 0.5 },
		{ "5.", 5 },
		{ "-2.25", -2.25 },
		{ "1e3", 1000 },
		{ "0x10", 16 },
		{ "3.14159265358979323846", 3.14159265358979323846 },
		{ "123456789012345678", 123456789012345678.0 },
	};
	static const char *const bad[] = { "", ".", "-", "1.2.3", "1,5", "x",
		"inf", "nan", "1e999" };
	double v;

	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
		ck_assert_int_eq(hg_parse_double(good[i].text, &v, NULL), 0);
		ck_assert(v >= good[i].want && v <= good[i].want);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		ck_assert_int_eq(
		    hg_parse_double(bad[i], &v, NULL), -HG_INVALID);
}
END_TEST

START_TEST(joins_paths)
{
	static const char *const cases[][3] = {
		{ "a", "b", "a/b" },
		{ "a/", "b", "a/b" },
		{ "/", "b", "/b" },
		{ "", "b", "/b" },
		{ "a", "/b", "/b" },
	};
	char *s;

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		s = hg_path_join(cases[i][0], cases[i][1]);
		ck_assert_str_eq(s, cases[i][2]);
		free(s);
	}
	s = hg_path_in("/usr/bin:/bin", 8, "cc");
	ck_assert_str_eq(s, "/usr/bin/cc");
	free(s);
	s = hg_path_in(":/bin", 0, "cc");
	ck_assert_str_eq(s, "./cc");
	free(s);
}
END_TEST

START_TEST(splits_paths)
{
	char *s = hg_path_dir("a/b/c.o");

	ck_assert_str_eq(s, "a/b");
	free(s);
	s = hg_path_dir("c.o");
	ck_assert_str_eq(s, ".");
	free(s);
	s = hg_path_dir("/c.o");
	ck_assert_str_eq(s, "/");
	free(s);
	ck_assert_str_eq(hg_path_base("a/b/c.o"), "c.o");
	ck_assert_str_eq(hg_path_ext("a.b/c"), "");
	ck_assert_str_eq(hg_path_ext("a.b/c.tar.gz"), ".gz");
	ck_assert_str_eq(hg_path_ext(".profile"), "");
}
END_TEST

START_TEST(beneath_refuses_ways_out)
{
	static const char *const bad[] = { "", "/a", "..", "a/../b", "a//b",
		"./a", "a/.", "a/" };

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		ck_assert_msg(!hg_path_is_beneath(bad[i]), "%s", bad[i]);
	ck_assert(hg_path_is_beneath("a/b..c/..d"));
}
END_TEST

/* A folder with a link out of it (l), and a file (f). */
static void
tree_scratch(char dir[32], struct hg_rooted *t)
{
	char *path;

	snprintf(dir, 32, "/tmp/hgtreeXXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	path = hg_path_join(dir, "l");
	ck_assert_int_eq(symlink("..", path), 0);
	free(path);
	path = hg_path_join(dir, "f");
	ck_assert_int_eq(hg_write_file_atomic(path, "x", 1, 0600, NULL), 0);
	free(path);
	ck_assert_int_eq(hg_rooted_open(t, dir, NULL), 0);
}

START_TEST(a_tree_makes_folders_and_never_follows_a_link)
{
	struct hg_rooted t;
	char dir[32];
	struct stat st;

	tree_scratch(dir, &t);
	ck_assert_int_eq(hg_rooted_parent(&t, "a/b/c", NULL), 0);
	ck_assert_int_eq(fstatat(t.root, "a/b", &st, 0), 0);
	ck_assert_uint_eq(st.st_mode & 0777, 0755);
	ck_assert_int_eq(hg_rooted_folder(&t, "a/d", NULL), 0);
	ck_assert_int_eq(hg_rooted_folder(&t, "a/d", NULL), 0);
	ck_assert_int_eq(fstatat(t.root, "a/d", &st, 0), 0);
	ck_assert_int_eq(hg_rooted_parent(&t, "l/out", NULL), -HG_DENIED);
	ck_assert_int_eq(hg_rooted_parent(&t, "a/../l/out", NULL), -HG_DENIED);
	ck_assert_int_eq(hg_rooted_folder(&t, "l", NULL), -HG_DENIED);
	ck_assert_int_eq(hg_rooted_parent(&t, "f/out", NULL), -HG_DENIED);
	ck_assert_int_eq(hg_rooted_folder(&t, "f", NULL), -HG_DENIED);
	/* after a refusal it goes on */
	ck_assert_int_eq(hg_rooted_parent(&t, "a/b/c", NULL), 0);
	hg_rooted_close(&t);
	ck_assert_int_eq(hg_rooted_open(&t, "/nowhere/at/all", NULL), -HG_IO);
	hg_rooted_close(&t);
	ck_assert_int_eq(hg_remove_tree(dir, NULL), 0);
}
END_TEST

START_TEST(within_a_folder_is_it_or_below_it)
{
	ck_assert(hg_path_is_within("/a/b", "/a"));
	ck_assert(hg_path_is_within("/a", "/a"));
	ck_assert(!hg_path_is_within("/ab", "/a"));
}
END_TEST

START_TEST(plain_names_have_no_detours)
{
	static const char *const cases[][2] = { { "/a/b", "/a/b" },
		{ "/a//b/./c/", "/a/b/c" }, { "/a/b/../c", "/a/c" },
		{ "/../a/..b/.c", "/a/..b/.c" }, { "/", "" }, { "/..", "" } };
	struct hg_strbuf sb = HG_STRBUF_INIT;

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		hg_path_plain(cases[i][0], &sb);
		ck_assert_str_eq(sb.buf, cases[i][1]);
	}
	hg_strbuf_release(&sb);
}
END_TEST

START_TEST(publishes_and_removes_trees)
{
	char dir[] = "/tmp/hgbaseXXXXXX";
	struct hg_strbuf sb = HG_STRBUF_INIT;
	struct hg_error err;
	char *sub, *file;

	ck_assert_ptr_nonnull(mkdtemp(dir));
	sub = hg_path_join(dir, "x/y/z");
	file = hg_path_join(sub, "f");
	ck_assert_int_eq(hg_mkdir_p(sub, &err), 0);
	ck_assert_int_eq(hg_mkdir_p(sub, &err), 0);
	ck_assert_int_eq(hg_write_file_atomic(file, "abc", 3, 0644, &err), 0);
	ck_assert_int_eq(hg_read_file(file, 3, &sb, &err), 0);
	ck_assert_str_eq(sb.buf, "abc");
	ck_assert_int_eq(hg_read_file(file, 2, &sb, &err), -HG_TOOBIG);
	ck_assert_int_eq(hg_remove_tree(dir, &err), 0);
	ck_assert_int_eq(hg_read_file(file, 9, &sb, &err), -HG_NOTFOUND);
	hg_strbuf_release(&sb);
	free(sub);
	free(file);
}
END_TEST

START_TEST(errors_carry_a_sentence)
{
	struct hg_error err;

	ck_assert_int_eq(hg_fail(&err, HG_TIMEOUT, "after %d s", 3), -HG_TIMEOUT);
	ck_assert_int_eq(hg_wrap(&err, "calling %s", "w1"), -HG_TIMEOUT);
	ck_assert_str_eq(err.text, "calling w1: after 3 s");
	ck_assert_str_eq(hg_code_name(HG_TIMEOUT), "TIMEOUT");
	ck_assert_int_eq(hg_code_grpc(HG_TIMEOUT), 4);
	for (int c = 1; c < HG_CODE_COUNT; c++)
		ck_assert_int_gt(hg_code_exit((enum hg_code)c), 0);
	ck_assert_int_eq(hg_fail(NULL, HG_IO, "x"), -HG_IO);
}
END_TEST

UNIT_MAIN("base", strndup_ends_at_the_nul, strbuf_grows_and_detaches, empty_strbuf_is_an_empty_string,
    strvec_is_null_terminated, hmap_sets_gets_deletes,
    parses_sizes_and_durations, parses_decimals, joins_paths, splits_paths, beneath_refuses_ways_out,
    publishes_and_removes_trees, errors_carry_a_sentence,
    a_tree_makes_folders_and_never_follows_a_link,
    within_a_folder_is_it_or_below_it, plain_names_have_no_detours)
