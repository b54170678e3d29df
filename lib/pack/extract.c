/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Unpacking bundles that others made. libarchive only decodes here; nothing is
 * written by it. Each entry is created by walking from the root's descriptor
 * one component at a time, never following a symbolic link and never opening
 * what is already there, so that no archive can reach outside its root,
 * whatever it holds, and no change of the working folder is needed (this runs
 * in threads).
 */
#include "config.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/alloc.h"
#include "lib/base/error.h"
#include "lib/base/fd.h"
#include "lib/base/limits.h"
#include "lib/base/path.h"
#include "lib/base/tree.h"
#include "lib/pack/pack.h"

struct extract {
	struct archive *archive;
	const struct hg_pack_limits *limits;
	size_t entries;
	/* decoded content, and what the names of entries took */
	uint64_t bytes;
	struct hg_tree tree;
};

static int
damaged(struct extract *x, struct hg_error *err)
{
	const char *why = archive_error_string(x->archive);

	return hg_fail(err, HG_CORRUPT, "the bundle is damaged: %s",
	    why ? why : "libarchive does not say why");
}

static int
cannot_create(const char *path, struct hg_error *err)
{
	if (errno == EEXIST || errno == ELOOP)
		return hg_fail(err, HG_DENIED,
		    "refused %.150s of the bundle: it exists already", path);
	return hg_fail_errno(
	    err, HG_IO, "cannot create %s of the bundle", path);
}

/* Fails when n more decoded bytes would be too many. */
static int
have_room(const struct extract *x, uint64_t n, struct hg_error *err)
{
	if (n > x->limits->max_bytes - x->bytes)
		return hg_fail(err, HG_TOOBIG,
		    "the bundle holds more than %" PRIu64 " bytes",
		    x->limits->max_bytes);
	return 0;
}

/* Counts n more decoded bytes. */
static int
charge(struct extract *x, uint64_t n, struct hg_error *err)
{
	int rc = have_room(x, n, err);

	if (rc == 0)
		x->bytes += n;
	return rc;
}

/* Copies the content of the entry, believing the data and not its size field.
 */
static int
copy_content(struct extract *x, int fd, struct hg_error *err)
{
	la_int64_t at = 0, offset;
	const void *p;
	size_t n;
	int rc;

	for (;;) {
		int r = archive_read_data_block(x->archive, &p, &n, &offset);

		if (r == ARCHIVE_EOF)
			return 0;
		if (r != ARCHIVE_OK)
			return damaged(x, err);
		if (offset != at)
			return hg_fail(err, HG_DENIED,
			    "refused a file with holes in the bundle");
		rc = charge(x, n, err);
		if (rc == 0)
			rc = hg_write_all(fd, p, n, err);
		if (rc)
			return rc;
		at += (la_int64_t)n;
	}
}

static int
put_file(struct extract *x, struct archive_entry *e, const char *path,
    const char *name, struct hg_error *err)
{
	int flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
	/* a negative size is refused as a huge one */
	int rc = have_room(x, (uint64_t)archive_entry_size(e), err);
	int fd;

	if (rc)
		return rc;
	fd = openat(x->tree.dir, name, flags, 0600);
	if (fd < 0)
		return cannot_create(path, err);
	rc = copy_content(x, fd, err);
	if (rc == 0 && fchmod(fd, archive_entry_perm(e) & 0777) < 0)
		rc = hg_fail_errno(
		    err, HG_IO, "cannot set the mode of %s", path);
	hg_fd_close(&fd);
	return rc;
}

static int
put_symlink(struct extract *x, struct archive_entry *e, const char *path,
    const char *name, struct hg_error *err)
{
	const char *target = archive_entry_symlink(e);

	if (!target || *target == '\0' || strlen(target) >= HG_MAX_PATH_BYTES)
		return hg_fail(err, HG_DENIED,
		    "refused the link %.150s of the bundle: bad target", path);
	if (symlinkat(target, x->tree.dir, name) < 0)
		return cannot_create(path, err);
	return 0;
}

/* A folder's name may end in slashes: tar spells it so. Owned. */
static char *
entry_path(struct archive_entry *e, struct hg_error *err)
{
	const char *name = archive_entry_pathname(e);
	size_t n = name ? strlen(name) : 0;
	char *path;

	if (archive_entry_filetype(e) == AE_IFDIR)
		while (n > 1 && name[n - 1] == '/')
			n--;
	path = n > 0 ? hg_xstrndup(name, n) : NULL;
	if (path && hg_path_is_beneath(path))
		return path;
	hg_fail(err, HG_DENIED,
	    "refused '%.150s' of the bundle: not a plain relative path",
	    path ? path : "");
	free(path);
	return NULL;
}

static int
put_entry(struct extract *x, struct archive_entry *e, struct hg_error *err)
{
	char *path = entry_path(e, err);
	const char *name;
	int rc;

	if (!path)
		return -HG_DENIED;
	name = hg_path_base(path);
	rc = charge(x, strlen(path), err);
	if (rc == 0)
		rc = hg_tree_parent(&x->tree, path, err);
	if (rc)
		goto out;
	if (archive_entry_hardlink(e))
		rc = hg_fail(err, HG_DENIED,
		    "refused the hard link %.150s of the bundle", path);
	else if (archive_entry_filetype(e) == AE_IFREG)
		rc = put_file(x, e, path, name, err);
	else if (archive_entry_filetype(e) == AE_IFLNK)
		rc = put_symlink(x, e, path, name, err);
	else if (archive_entry_filetype(e) == AE_IFDIR)
		rc = hg_tree_folder(&x->tree, path, err);
	else
		rc = hg_fail(err, HG_DENIED,
		    "refused %.150s of the bundle: a special file", path);
out:
	free(path);
	return rc;
}

static int
put_all(struct extract *x, struct hg_error *err)
{
	struct archive_entry *e;
	int rc = 0;

	while (rc == 0) {
		int r = archive_read_next_header(x->archive, &e);

		if (r == ARCHIVE_EOF)
			return 0;
		if (r != ARCHIVE_OK)
			return damaged(x, err);
		if (++x->entries > x->limits->max_entries)
			return hg_fail(err, HG_TOOBIG,
			    "the bundle has more than %zu entries",
			    x->limits->max_entries);
		rc = put_entry(x, e, err);
	}
	return rc;
}

int
hg_pack_extract(const void *p, size_t n, const char *root,
    const struct hg_pack_limits *limits, struct hg_error *err)
{
	struct extract x = { .limits = limits, .tree = HG_TREE_INIT };
	int rc;

	x.archive = archive_read_new();
	if (!x.archive)
		return hg_fail(err, HG_NOMEM, "cannot set up libarchive");
	rc = hg_tree_open(&x.tree, root, err);
	if (rc)
		goto out;
	if (archive_read_support_format_tar(x.archive) != ARCHIVE_OK ||
	    archive_read_support_filter_zstd(x.archive) != ARCHIVE_OK ||
	    archive_read_open_memory(x.archive, p, n) != ARCHIVE_OK)
		rc = damaged(&x, err);
	else
		rc = put_all(&x, err);
out:
	archive_read_free(x.archive);
	hg_tree_close(&x.tree);
	return rc;
}
