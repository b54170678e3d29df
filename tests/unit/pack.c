/* SPDX-License-Identifier: Apache-2.0 */
/* Bundles: what is packed comes back, and hostile archives stay harmless. */
#include "config.h"

#include <archive.h>
#include <archive_entry.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/alloc.h"
#include "lib/base/error.h"
#include "lib/base/strbuf.h"
#include "lib/pack/pack.h"
#include "tests/lib/unit.h"

static const struct hg_pack_limits roomy = { 1000, (uint64_t)8 << 20 };

/* What has come out: "name=content;" of each file. */
static int
take(void *arg, const char *name, const void *p, size_t n, struct hg_error *err)
{
	struct hg_strbuf *got = arg;

	(void)err;
	hg_strbuf_addf(got, "%s=", name);
	hg_strbuf_add(got, p, n < 100 ? n : 0);
	hg_strbuf_addc(got, ';');
	return 0;
}

static int
unpack(const void *p, size_t n, const struct hg_pack_limits *limits,
    struct hg_strbuf *got)
{
	hg_strbuf_reset(got);
	return hg_pack_each(p, n, limits, take, got, NULL);
}

static void
make_bundle(struct hg_strbuf *out)
{
	struct hg_error err;
	struct hg_pack_writer *w = hg_pack_writer_new(&err);

	ck_assert_msg(w != NULL, "%s", err.text);
	ck_assert_int_eq(
	    hg_pack_add_file(w, "/home/u/a.c", 0640, "int a;\n", 7, &err), 0);
	ck_assert_int_eq(hg_pack_add_file(w, "/e", 04755, "", 0, &err), 0);
	ck_assert_int_eq(
	    hg_pack_add_file(w, "/home/\xff\xc3", 0644, "b", 1, &err), 0);
	ck_assert_int_eq(hg_pack_writer_finish(w, out, &err), 0);
	hg_pack_writer_free(w);
}

START_TEST(what_is_packed_comes_back)
{
	struct hg_strbuf b = HG_STRBUF_INIT, got = HG_STRBUF_INIT;

	make_bundle(&b);
	ck_assert_int_eq(unpack(b.buf, b.len, &roomy, &got), 0);
	ck_assert_str_eq(
	    got.buf, "home/u/a.c=int a;\n;e=;home/\xff\xc3=b;");
	hg_strbuf_release(&b);
	hg_strbuf_release(&got);
}
END_TEST

START_TEST(same_inputs_give_same_bytes)
{
	struct hg_strbuf a = HG_STRBUF_INIT, b = HG_STRBUF_INIT;

	make_bundle(&a);
	make_bundle(&b);
	ck_assert_uint_eq(a.len, b.len);
	ck_assert_mem_eq(a.buf, b.buf, a.len);
	hg_strbuf_release(&a);
	hg_strbuf_release(&b);
}
END_TEST

START_TEST(keeps_names_longer_than_a_tar_header)
{
	struct hg_strbuf b = HG_STRBUF_INIT, name = HG_STRBUF_INIT;
	struct hg_strbuf got = HG_STRBUF_INIT;
	struct hg_pack_writer *w = hg_pack_writer_new(NULL);

	for (int i = 0; i < 20; i++)
		hg_strbuf_addf(&name, "/a-folder-with-a-long-name-%d", i);
	ck_assert_int_eq(hg_pack_add_file(w, name.buf, 0644, "x", 1, NULL), 0);
	ck_assert_int_eq(hg_pack_writer_finish(w, &b, NULL), 0);
	ck_assert_int_eq(unpack(b.buf, b.len, &roomy, &got), 0);
	hg_strbuf_adds(&name, "=x;");
	ck_assert_str_eq(got.buf, name.buf + 1);
	hg_pack_writer_free(w);
	hg_strbuf_release(&name);
	hg_strbuf_release(&got);
	hg_strbuf_release(&b);
}
END_TEST

START_TEST(writer_refuses_names_that_are_not_plain)
{
	static const char *const bad[] = { "", "a", "/", "/a/../b", "//a",
		"/a/./b", "/a/" };
	struct hg_pack_writer *w = hg_pack_writer_new(NULL);

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		ck_assert_int_eq(
		    hg_pack_add_file(w, bad[i], 0644, "x", 1, NULL),
		    -HG_INVALID);
	hg_pack_writer_free(w);
}
END_TEST

/* ---- archives that our writer would never make -------------------------- */

struct hostile {
	const char *path;
	unsigned type;
	/* target of a link */
	const char *target;
	bool hard;
};

static la_ssize_t
on_write(struct archive *a, void *ctx, const void *p, size_t n)
{
	(void)a;
	hg_strbuf_add(ctx, p, n);
	return (la_ssize_t)n;
}

static struct archive *
open_hostile(struct hg_strbuf *out)
{
	struct archive *a = archive_write_new();

	archive_write_set_format_pax_restricted(a);
	archive_write_add_filter_zstd(a);
	archive_write_set_bytes_in_last_block(a, 1);
	ck_assert_int_eq(archive_write_open(a, out, NULL, on_write, NULL), 0);
	return a;
}

static void
put_hostile(struct archive *a, const struct hostile *h)
{
	struct archive_entry *e = archive_entry_new();

	archive_entry_copy_pathname(e, h->path);
	archive_entry_set_filetype(e, h->type);
	archive_entry_set_perm(e, 0666);
	archive_entry_set_size(e, h->type == AE_IFREG && !h->hard ? 4 : 0);
	if (h->hard)
		archive_entry_copy_hardlink(e, h->target);
	else if (h->target)
		archive_entry_copy_symlink(e, h->target);
	ck_assert_int_eq(archive_write_header(a, e), ARCHIVE_OK);
	if (h->type == AE_IFREG && !h->hard)
		archive_write_data(a, "evil", 4);
	archive_entry_free(e);
}

START_TEST(refuses_all_but_regular_files)
{
	static const struct hostile special[] = {
		{ "..", AE_IFDIR, NULL, false },
		{ "d", AE_IFDIR, NULL, false },
		{ "l", AE_IFLNK, "..", false },
		{ "../out", AE_IFLNK, "x", false },
		{ "c", AE_IFCHR, NULL, false },
		{ "b", AE_IFBLK, NULL, false },
		{ "f", AE_IFIFO, NULL, false },
		{ "h", AE_IFREG, "/etc/passwd", true },
		{ "h", AE_IFREG, "../secret", true },
	};

	for (size_t i = 0; i < sizeof(special) / sizeof(*special); i++) {
		struct hg_strbuf b = HG_STRBUF_INIT, got = HG_STRBUF_INIT;
		struct archive *a = open_hostile(&b);

		put_hostile(a, &special[i]);
		archive_write_free(a);
		ck_assert_msg(unpack(b.buf, b.len, &roomy, &got) == -HG_DENIED,
		    "%s", special[i].path);
		ck_assert_str_eq(got.buf, "");
		hg_strbuf_release(&got);
		hg_strbuf_release(&b);
	}
}
END_TEST

static int
refuse(void *arg, const char *name, const void *p, size_t n,
    struct hg_error *err)
{
	(void)name;
	(void)p;
	(void)n;
	++*(int *)arg;
	return hg_fail(err, HG_IO, "no");
}

START_TEST(the_first_error_of_the_caller_ends_it)
{
	struct hg_strbuf b = HG_STRBUF_INIT;
	int calls = 0;

	make_bundle(&b);
	ck_assert_int_eq(
	    hg_pack_each(b.buf, b.len, &roomy, refuse, &calls, NULL), -HG_IO);
	ck_assert_int_eq(calls, 1);
	hg_strbuf_release(&b);
}
END_TEST

START_TEST(a_bomb_stops_at_the_limit)
{
	size_t n = (size_t)64 << 20;
	char *zeros = hg_xcalloc(1, n);
	struct hg_pack_writer *w = hg_pack_writer_new(NULL);
	struct hg_strbuf b = HG_STRBUF_INIT, got = HG_STRBUF_INIT;
	const struct hg_pack_limits many = { 1000, (uint64_t)n * 3 };
	const struct hg_pack_limits few = { 1, UINT64_MAX };

	ck_assert_int_eq(hg_pack_add_file(w, "/a", 0644, "x", 1, NULL), 0);
	ck_assert_int_eq(hg_pack_add_file(w, "/z", 0644, zeros, n, NULL), 0);
	ck_assert_int_eq(hg_pack_writer_finish(w, &b, NULL), 0);
	ck_assert_uint_lt(b.len, 1 << 16);
	ck_assert_int_eq(unpack(b.buf, b.len, &roomy, &got), -HG_TOOBIG);
	ck_assert_str_eq(got.buf, "a=x;");
	ck_assert_int_eq(unpack(b.buf, b.len, &few, &got), -HG_TOOBIG);
	ck_assert_str_eq(got.buf, "a=x;");
	ck_assert_int_eq(unpack(b.buf, b.len, &many, &got), 0);
	ck_assert_str_eq(got.buf, "a=x;z=;");
	hg_pack_writer_free(w);
	hg_strbuf_release(&got);
	hg_strbuf_release(&b);
	free(zeros);
}
END_TEST

START_TEST(cut_and_garbled_bundles_are_errors)
{
	struct hg_strbuf b = HG_STRBUF_INIT, got = HG_STRBUF_INIT;
	int failed = 0;

	make_bundle(&b);
	for (size_t n = 0; n < b.len; n++) {
		/* the last bytes are tar's own padding */
		if (unpack(b.buf, n, &roomy, &got) == 0)
			ck_assert_ptr_nonnull(strstr(got.buf, "\xff\xc3=b;"));
		else
			failed++;
	}
	ck_assert_int_gt(failed, 0);
	for (size_t i = 0; i < b.len; i++) {
		b.buf[i] ^= 0x55;
		unpack(b.buf, b.len, &roomy, &got);
		b.buf[i] ^= 0x55;
	}
	ck_assert_int_eq(unpack("garbage", 7, &roomy, &got), -HG_CORRUPT);
	hg_strbuf_release(&got);
	hg_strbuf_release(&b);
}
END_TEST

UNIT_MAIN("pack", what_is_packed_comes_back, same_inputs_give_same_bytes,
    keeps_names_longer_than_a_tar_header,
    writer_refuses_names_that_are_not_plain, refuses_all_but_regular_files,
    the_first_error_of_the_caller_ends_it, a_bomb_stops_at_the_limit,
    cut_and_garbled_bundles_are_errors)
