/* SPDX-License-Identifier: Apache-2.0 */
/* Contents on disk and in bundles: what is put comes back, and nothing else. */
#include "config.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/alloc.h"
#include "lib/base/error.h"
#include "lib/base/fd.h"
#include "lib/base/path.h"
#include "lib/base/strbuf.h"
#include "lib/blob/blobs.h"
#include "lib/blob/bundle.h"
#include "lib/pack/pack.h"
#include "tests/lib/unit.h"

struct lab {
	char dir[32];
	struct hg_blobs *blobs;
};

static void
lab_reopen(struct lab *l, uint64_t max_bytes)
{
	struct hg_error err;

	hg_blobs_close(l->blobs);
	l->blobs = hg_blobs_open(l->dir, max_bytes, &err);
	ck_assert_msg(l->blobs != NULL, "%s", err.text);
}

static void
lab_open(struct lab *l, uint64_t max_bytes)
{
	snprintf(l->dir, sizeof(l->dir), "/tmp/hgblobXXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(l->dir));
	l->blobs = NULL;
	lab_reopen(l, max_bytes);
}

static void
lab_close(struct lab *l)
{
	hg_blobs_close(l->blobs);
	ck_assert_int_eq(hg_remove_tree(l->dir, NULL), 0);
}

static struct hg_content_id
id_of(const char *text)
{
	struct hg_content_id id;

	hg_content_id_bytes(text, strlen(text), &id);
	return id;
}

static struct hg_content_id
put(struct lab *l, const char *text)
{
	struct hg_content_id id = id_of(text);

	ck_assert_int_eq(
	    hg_blobs_put(l->blobs, &id, text, strlen(text), NULL), 0);
	return id;
}

static int
get(struct lab *l, const struct hg_content_id *id, const char *want)
{
	struct hg_strbuf sb = HG_STRBUF_INIT;
	int rc = hg_blobs_get(l->blobs, id, &sb, NULL);

	if (rc == 0)
		ck_assert_str_eq(sb.buf, want);
	hg_strbuf_release(&sb);
	return rc;
}

static char *
file_of(const struct lab *l, const struct hg_content_id *id)
{
	char hex[HG_CONTENT_ID_HEX_BYTES];

	hg_content_id_hex(id, hex);
	return hg_xasprintf("%s/%.2s/%s", l->dir, hex, hex + 2);
}

START_TEST(an_id_is_sha256_and_its_hex_is_read_back)
{
	char hex[HG_CONTENT_ID_HEX_BYTES];
	struct hg_content_id id = id_of("abc"), back;

	hg_content_id_hex(&id, hex);
	/* FIPS 180-2, appendix B.1 */
	ck_assert_str_eq(hex, "ba7816bf8f01cfea414140de5dae2223"
			      "b00361a396177a9cb410ff61f20015ad");
	ck_assert(hg_content_id_parse(hex, &back));
	ck_assert(hg_content_id_equal(&id, &back));
	hex[3] = 'G';
	ck_assert(!hg_content_id_parse(hex, &back));
	ck_assert(!hg_content_id_parse("ba78", &back));
}
END_TEST

START_TEST(what_is_put_comes_back_also_after_a_restart)
{
	struct hg_content_id a, empty, none = id_of("none");
	struct hg_blobs_stats stats;
	struct lab l;

	lab_open(&l, 0);
	a = put(&l, "first");
	empty = put(&l, "");
	put(&l, "first");
	ck_assert_int_eq(get(&l, &a, "first"), 0);
	lab_reopen(&l, 0);
	ck_assert(hg_blobs_has(l.blobs, &a));
	ck_assert(!hg_blobs_has(l.blobs, &none));
	ck_assert_int_eq(get(&l, &a, "first"), 0);
	ck_assert_int_eq(get(&l, &empty, ""), 0);
	ck_assert_int_eq(get(&l, &none, ""), -HG_NOTFOUND);
	hg_blobs_stats(l.blobs, &stats);
	ck_assert_uint_eq(stats.entries, 2);
	ck_assert_uint_eq(stats.bytes, 5);
	lab_close(&l);
}
END_TEST

START_TEST(bytes_under_a_wrong_name_are_refused)
{
	struct hg_content_id id = id_of("right");
	struct lab l;

	lab_open(&l, 0);
	ck_assert_int_eq(
	    hg_blobs_put(l.blobs, &id, "wrong", 5, NULL), -HG_CORRUPT);
	ck_assert(!hg_blobs_has(l.blobs, &id));
	lab_close(&l);
}
END_TEST

START_TEST(a_file_that_was_damaged_is_not_given_out)
{
	struct hg_content_id id;
	struct lab l;
	char *path;

	lab_open(&l, 0);
	id = put(&l, "content");
	path = file_of(&l, &id);
	lab_reopen(&l, 0);
	ck_assert_int_eq(
	    hg_write_file_atomic(path, "damaged", 7, 0600, NULL), 0);
	ck_assert_int_eq(get(&l, &id, ""), -HG_NOTFOUND);
	ck_assert(!hg_blobs_has(l.blobs, &id));
	ck_assert_int_ne(access(path, F_OK), 0);
	free(path);
	lab_close(&l);
}
END_TEST

START_TEST(the_least_recently_used_go_first)
{
	struct hg_content_id a, b, c;
	struct lab l;

	lab_open(&l, 10);
	a = put(&l, "aaaa");
	b = put(&l, "bbbb");
	ck_assert_int_eq(get(&l, &a, "aaaa"), 0);
	c = put(&l, "cccc");
	ck_assert(hg_blobs_has(l.blobs, &a));
	ck_assert(!hg_blobs_has(l.blobs, &b));
	ck_assert(hg_blobs_has(l.blobs, &c));
	lab_reopen(&l, 4);
	ck_assert(!hg_blobs_has(l.blobs, &a) || !hg_blobs_has(l.blobs, &c));
	lab_close(&l);
}
END_TEST

START_TEST(what_another_process_dropped_is_missed_in_time)
{
	struct hg_content_id id;
	struct lab l;
	char *path;

	lab_open(&l, 0);
	id = put(&l, "content");
	path = file_of(&l, &id);
	ck_assert_int_eq(unlink(path), 0);
	ck_assert_int_eq(get(&l, &id, ""), -HG_NOTFOUND);
	ck_assert(!hg_blobs_has(l.blobs, &id));
	put(&l, "content");
	ck_assert_int_eq(get(&l, &id, "content"), 0);
	free(path);
	lab_close(&l);
}
END_TEST

START_TEST(a_copy_is_a_new_file_and_replaces_none)
{
	struct hg_content_id id;
	struct hg_strbuf sb = HG_STRBUF_INIT;
	struct lab l;
	struct stat st;
	int dir;

	lab_open(&l, 0);
	id = put(&l, "content");
	dir = open(l.dir, O_RDONLY | O_DIRECTORY);
	ck_assert_int_eq(
	    hg_blobs_copy(l.blobs, &id, dir, "copy", 0640, NULL), 0);
	ck_assert_int_eq(fstatat(dir, "copy", &st, 0), 0);
	ck_assert_uint_eq(st.st_mode & 0777, 0640);
	ck_assert_uint_eq(st.st_nlink, 1);
	ck_assert_int_eq(hg_blobs_copy(l.blobs, &id, dir, "copy", 0640, NULL),
	    -HG_DENIED);
	close(dir);
	hg_strbuf_release(&sb);
	lab_close(&l);
}
END_TEST

START_TEST(bundles_carry_contents_from_one_to_another)
{
	struct hg_strbuf bundle = HG_STRBUF_INIT;
	struct hg_content_id ids[3];
	struct lab from, to;

	lab_open(&from, 0);
	lab_open(&to, 0);
	ids[0] = put(&from, "one");
	ids[1] = id_of("nowhere");
	ids[2] = put(&from, "");
	ck_assert_int_eq(
	    hg_bundle_make(from.blobs, ids, 3, &bundle, NULL), 0);
	ck_assert_int_eq(
	    hg_bundle_store(to.blobs, bundle.buf, bundle.len, NULL), 0);
	ck_assert_int_eq(get(&to, &ids[0], "one"), 0);
	ck_assert_int_eq(get(&to, &ids[2], ""), 0);
	ck_assert(!hg_blobs_has(to.blobs, &ids[1]));
	ck_assert_int_eq(hg_bundle_make(from.blobs, &ids[1], 1, &bundle, NULL),
	    -HG_NOTFOUND);
	/* cut off, and not an archive at all */
	ck_assert_int_eq(
	    hg_bundle_store(to.blobs, bundle.buf, bundle.len / 2, NULL),
	    -HG_CORRUPT);
	ck_assert_int_eq(
	    hg_bundle_store(to.blobs, "no archive", 10, NULL), -HG_CORRUPT);
	hg_strbuf_release(&bundle);
	lab_close(&from);
	lab_close(&to);
}
END_TEST

START_TEST(a_bundle_of_anything_else_is_refused)
{
	struct hg_strbuf bundle = HG_STRBUF_INIT;
	struct hg_pack_writer *w = hg_pack_writer_new(NULL);
	struct lab l;

	lab_open(&l, 0);
	ck_assert_int_eq(
	    hg_pack_add_file(w, "/etc/passwd", 0644, "x", 1, NULL), 0);
	ck_assert_int_eq(hg_pack_writer_finish(w, &bundle, NULL), 0);
	ck_assert_int_eq(
	    hg_bundle_store(l.blobs, bundle.buf, bundle.len, NULL),
	    -HG_DENIED);
	hg_pack_writer_free(w);
	hg_strbuf_release(&bundle);
	lab_close(&l);
}
END_TEST

UNIT_MAIN("blob", an_id_is_sha256_and_its_hex_is_read_back,
    what_is_put_comes_back_also_after_a_restart,
    bytes_under_a_wrong_name_are_refused,
    a_file_that_was_damaged_is_not_given_out,
    the_least_recently_used_go_first,
    what_another_process_dropped_is_missed_in_time,
    a_copy_is_a_new_file_and_replaces_none,
    bundles_carry_contents_from_one_to_another,
    a_bundle_of_anything_else_is_refused)
