/* SPDX-License-Identifier: Apache-2.0 */
/* Bundles: what is packed comes back, and hostile archives stay harmless. */
#include "config.h"

#include <archive.h>
#include <archive_entry.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/alloc.h"
#include "lib/base/error.h"
#include "lib/base/fd.h"
#include "lib/base/path.h"
#include "lib/base/strbuf.h"
#include "lib/pack/pack.h"
#include "tests/lib/unit.h"

static const struct hg_pack_limits roomy = { 1000, (uint64_t)8 << 20 };

static char *
scratch(void)
{
	char *dir = hg_xstrdup("/tmp/hgpackXXXXXX");

	ck_assert_ptr_nonnull(mkdtemp(dir));
	return dir;
}

static void
drop(char *dir)
{
	ck_assert_int_eq(hg_remove_tree(dir, NULL), 0);
	free(dir);
}

/* True when dir/name is a file with that content. */
static bool
holds(const char *dir, const char *name, const char *want)
{
	char *path = hg_path_join(dir, name);
	struct hg_strbuf sb = HG_STRBUF_INIT;
	bool same = hg_read_file(path, 1 << 20, &sb, NULL) == 0 &&
		    strcmp(sb.buf, want) == 0;

	hg_strbuf_release(&sb);
	free(path);
	return same;
}

static bool
there(const char *dir, const char *name)
{
	char *path = hg_path_join(dir, name);
	struct stat st;
	bool yes = lstat(path, &st) == 0;

	free(path);
	return yes;
}

static void
make_bundle(struct hg_strbuf *out)
{
	struct hg_error err;
	struct hg_pack_writer *w = hg_pack_writer_new(&err);

	ck_assert_msg(w != NULL, "%s", err.text);
	ck_assert_int_eq(hg_pack_add_folder(w, "/home/u/inc", &err), 0);
	ck_assert_int_eq(
	    hg_pack_add_file(w, "/home/u/a.c", 0640, "int a;\n", 7, &err), 0);
	ck_assert_int_eq(hg_pack_add_file(w, "/e", 04755, "", 0, &err), 0);
	ck_assert_int_eq(
	    hg_pack_add_symlink(w, "/home/l", "u/inc/../x", &err), 0);
	ck_assert_int_eq(
	    hg_pack_add_file(w, "/home/\xff\xc3", 0644, "b", 1, &err), 0);
	ck_assert_int_eq(hg_pack_writer_finish(w, out, &err), 0);
	hg_pack_writer_free(w);
}

START_TEST(what_is_packed_comes_back)
{
	struct hg_strbuf b = HG_STRBUF_INIT;
	struct hg_error err = { 0 };
	char *dir = scratch(), *path, target[64] = "";
	struct stat st;

	make_bundle(&b);
	ck_assert_msg(hg_pack_extract(b.buf, b.len, dir, &roomy, &err) == 0,
	    "%s", err.text);
	ck_assert(holds(dir, "home/u/a.c", "int a;\n"));
	ck_assert(holds(dir, "e", ""));
	ck_assert(holds(dir, "home/\xff\xc3", "b"));
	path = hg_path_join(dir, "home/u/a.c");
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0640);
	free(path);
	path = hg_path_join(dir, "e");
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0755);
	free(path);
	path = hg_path_join(dir, "home/l");
	ck_assert_int_gt(readlink(path, target, sizeof(target) - 1), 0);
	ck_assert_str_eq(target, "u/inc/../x");
	free(path);
	path = hg_path_join(dir, "home/u/inc");
	ck_assert(stat(path, &st) == 0 && S_ISDIR(st.st_mode));
	free(path);
	hg_strbuf_release(&b);
	drop(dir);
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
	struct hg_pack_writer *w = hg_pack_writer_new(NULL);
	char *dir = scratch();

	for (int i = 0; i < 20; i++)
		hg_strbuf_addf(&name, "/a-folder-with-a-long-name-%d", i);
	ck_assert_int_eq(hg_pack_add_file(w, name.buf, 0644, "x", 1, NULL), 0);
	ck_assert_int_eq(hg_pack_writer_finish(w, &b, NULL), 0);
	ck_assert_int_eq(hg_pack_extract(b.buf, b.len, dir, &roomy, NULL), 0);
	ck_assert(holds(dir, name.buf + 1, "x"));
	hg_pack_writer_free(w);
	hg_strbuf_release(&name);
	hg_strbuf_release(&b);
	drop(dir);
}
END_TEST

START_TEST(writer_refuses_names_that_are_not_plain)
{
	static const char *const bad[] = { "", "a", "/", "/a/../b", "//a",
		"/a/./b", "/a/" };
	struct hg_pack_writer *w = hg_pack_writer_new(NULL);

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		ck_assert_int_eq(
		    hg_pack_add_file(w, bad[i], 0644, "x", 1, NULL),
		    -HG_INVALID);
		ck_assert_int_eq(
		    hg_pack_add_folder(w, bad[i], NULL), -HG_INVALID);
		ck_assert_int_eq(
		    hg_pack_add_symlink(w, bad[i], "x", NULL), -HG_INVALID);
	}
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

/* Extracts below dir/root an archive of these; what comes back is the code. */
static int
extract_hostile(const char *dir, const struct hostile *h, size_t n)
{
	struct hg_strbuf b = HG_STRBUF_INIT;
	struct archive *a = open_hostile(&b);
	char *root = hg_path_join(dir, "root");
	int rc;

	for (size_t i = 0; i < n; i++)
		put_hostile(a, &h[i]);
	archive_write_free(a);
	mkdir(root, 0755);
	rc = hg_pack_extract(b.buf, b.len, root, &roomy, NULL);
	free(root);
	hg_strbuf_release(&b);
	return rc;
}

START_TEST(refuses_paths_out_of_the_root)
{
	static const struct hostile bad[] = {
		{ "../out", AE_IFREG, NULL, false },
		{ "a/../../out", AE_IFREG, NULL, false },
		{ "/tmp/hgpack-out", AE_IFREG, NULL, false },
		{ "..", AE_IFDIR, NULL, false },
		{ "../out", AE_IFDIR, NULL, false },
		{ "../out", AE_IFLNK, "x", false },
		{ "./a", AE_IFREG, NULL, false },
	};
	char *dir = scratch();

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		ck_assert_msg(extract_hostile(dir, &bad[i], 1) == -HG_DENIED,
		    "%s", bad[i].path);
		ck_assert(!there(dir, "out"));
	}
	ck_assert(!there("/tmp", "hgpack-out"));
	drop(dir);
}
END_TEST

START_TEST(never_writes_through_a_symlink)
{
	static const struct hostile below[] = {
		{ "l", AE_IFLNK, "..", false },
		{ "l/out", AE_IFREG, NULL, false },
	};
	static const struct hostile over[] = {
		{ "m", AE_IFLNK, "../out", false },
		{ "m", AE_IFREG, NULL, false },
	};
	static const struct hostile folder[] = {
		{ "n", AE_IFLNK, "..", false },
		{ "n", AE_IFDIR, NULL, false },
		{ "n/out", AE_IFREG, NULL, false },
	};
	char *dir = scratch();

	ck_assert_int_eq(extract_hostile(dir, below, 2), -HG_DENIED);
	ck_assert_int_eq(extract_hostile(dir, over, 2), -HG_DENIED);
	ck_assert_int_eq(extract_hostile(dir, folder, 3), -HG_DENIED);
	ck_assert(!there(dir, "out"));
	drop(dir);
}
END_TEST

START_TEST(refuses_devices_hard_links_and_files_twice)
{
	static const struct hostile special[] = {
		{ "c", AE_IFCHR, NULL, false },
		{ "b", AE_IFBLK, NULL, false },
		{ "f", AE_IFIFO, NULL, false },
		{ "h", AE_IFREG, "/etc/passwd", true },
		{ "h", AE_IFREG, "../secret", true },
	};
	static const struct hostile twice[] = {
		{ "t", AE_IFREG, NULL, false },
		{ "t", AE_IFREG, NULL, false },
	};
	char *dir = scratch();

	for (size_t i = 0; i < sizeof(special) / sizeof(*special); i++) {
		ck_assert_int_eq(
		    extract_hostile(dir, &special[i], 1), -HG_DENIED);
		ck_assert(!there(dir, "root/h"));
	}
	ck_assert_int_eq(extract_hostile(dir, twice, 2), -HG_DENIED);
	drop(dir);
}
END_TEST

/* Extracts into a fresh folder; *ret_z tells if z was made. */
static int
extract_fresh(
    const struct hg_strbuf *b, const struct hg_pack_limits *limits, bool *ret_z)
{
	char *dir = scratch();
	int rc = hg_pack_extract(b->buf, b->len, dir, limits, NULL);

	*ret_z = there(dir, "z");
	drop(dir);
	return rc;
}

START_TEST(a_bomb_stops_at_the_limit)
{
	size_t n = (size_t)64 << 20;
	char *zeros = hg_xcalloc(1, n);
	bool z;
	struct hg_pack_writer *w = hg_pack_writer_new(NULL);
	struct hg_strbuf b = HG_STRBUF_INIT;
	const struct hg_pack_limits many = { 1000, (uint64_t)n * 3 };
	const struct hg_pack_limits few = { 1, UINT64_MAX };

	ck_assert_int_eq(hg_pack_add_file(w, "/a", 0644, "x", 1, NULL), 0);
	ck_assert_int_eq(hg_pack_add_file(w, "/z", 0644, zeros, n, NULL), 0);
	ck_assert_int_eq(hg_pack_writer_finish(w, &b, NULL), 0);
	ck_assert_uint_lt(b.len, 1 << 16);
	ck_assert_int_eq(extract_fresh(&b, &roomy, &z), -HG_TOOBIG);
	ck_assert(!z);
	ck_assert_int_eq(extract_fresh(&b, &few, &z), -HG_TOOBIG);
	ck_assert_int_eq(extract_fresh(&b, &many, &z), 0);
	ck_assert(z);
	hg_pack_writer_free(w);
	hg_strbuf_release(&b);
	free(zeros);
}
END_TEST

START_TEST(cut_and_garbled_bundles_are_errors)
{
	struct hg_strbuf b = HG_STRBUF_INIT;
	struct hg_error err;
	int failed = 0;

	make_bundle(&b);
	for (size_t n = 0; n < b.len; n++) {
		char *dir = scratch();
		int rc = hg_pack_extract(b.buf, n, dir, &roomy, &err);

		/* the last bytes are tar's own padding */
		if (rc == 0)
			ck_assert(holds(dir, "home/\xff\xc3", "b"));
		else
			failed++;
		drop(dir);
	}
	ck_assert_int_gt(failed, 0);
	for (size_t i = 0; i < b.len; i++) {
		char *dir = scratch();

		b.buf[i] ^= 0x55;
		hg_pack_extract(b.buf, b.len, dir, &roomy, &err);
		b.buf[i] ^= 0x55;
		drop(dir);
	}
	ck_assert_int_eq(
	    hg_pack_extract("garbage", 7, "/tmp", &roomy, &err), -HG_CORRUPT);
	ck_assert_int_eq(
	    hg_pack_extract(b.buf, b.len, "/nowhere/at/all", &roomy, &err),
	    -HG_IO);
	hg_strbuf_release(&b);
}
END_TEST

UNIT_MAIN("pack", what_is_packed_comes_back, same_inputs_give_same_bytes,
    keeps_names_longer_than_a_tar_header,
    writer_refuses_names_that_are_not_plain, refuses_paths_out_of_the_root,
    never_writes_through_a_symlink, refuses_devices_hard_links_and_files_twice,
    a_bomb_stops_at_the_limit, cut_and_garbled_bundles_are_errors)
