/* SPDX-License-Identifier: Apache-2.0 */
/* The cache's folder. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib/base/alloc.h"
#include "lib/base/error.h"
#include "lib/base/fd.h"
#include "lib/base/path.h"
#include "lib/base/strbuf.h"
#include "lib/base/time.h"
#include "lib/store/cache.h"
#include "lib/store/usage.h"

enum {
	/* of renameat2(2), which not every libc knows */
	NOREPLACE = 1 << 0,
	EXCHANGE = 1 << 1,

	MAX_TRIES = 100,
	TOUCH_AFTER_S = 3600,
};

struct hg_cache {
	char *dir;
	bool trusts_mtime;
	const char *namespace;
	struct hg_usage *usage;
	bool tried_usage;
};

struct hg_cache *
hg_cache_new(const char *dir)
{
	struct hg_cache *c = hg_xcalloc(1, sizeof(*c));

	c->dir = hg_xstrdup(dir);
	c->namespace = "";
	return c;
}

void
hg_cache_trust_mtime(struct hg_cache *c)
{
	c->trusts_mtime = true;
}

bool
hg_cache_trusts_mtime(const struct hg_cache *c)
{
	return c->trusts_mtime;
}

void
hg_cache_free(struct hg_cache *c)
{
	if (!c)
		return;
	hg_usage_close(c->usage);
	free(c->dir);
	free(c);
}

const char *
hg_cache_dir(const struct hg_cache *c)
{
	return c->dir;
}

void
hg_cache_set_namespace(struct hg_cache *c, const char *name)
{
	c->namespace = name;
}

const char *
hg_cache_namespace(const struct hg_cache *c)
{
	return c->namespace;
}

struct hg_usage *
hg_cache_usage(struct hg_cache *c, struct hg_error *err)
{
	if (c->tried_usage && !c->usage)
		hg_fail(err, HG_IO, "cannot use %s/usage", c->dir);
	if (!c->tried_usage)
		c->usage = hg_usage_open(c->dir, err);
	c->tried_usage = true;
	return c->usage;
}

/* DIR/ab/ab12….ending; owned. */
static char *
entry_path(
    const struct hg_cache *c, const struct hg_digest *key, const char *ending)
{
	struct hg_strbuf path = HG_STRBUF_INIT;
	char hex[HG_DIGEST_HEX_BYTES];

	hg_digest_hex(key, hex);
	hg_strbuf_grow(&path, strlen(c->dir) + sizeof(hex) + 16);
	hg_strbuf_adds(&path, c->dir);
	hg_strbuf_addc(&path, '/');
	hg_strbuf_add(&path, hex, 2);
	hg_strbuf_addc(&path, '/');
	hg_strbuf_add(&path, hex, sizeof(hex) - 1);
	hg_strbuf_addc(&path, '.');
	hg_strbuf_adds(&path, ending);
	return hg_strbuf_detach(&path, NULL);
}

int
hg_cache_open(
    const struct hg_cache *c, const struct hg_digest *key, const char *ending)
{
	char *path = entry_path(c, key, ending);
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	free(path);
	return fd;
}

bool
hg_cache_touch_is_due(time_t used_s)
{
	time_t ago = time(NULL) - used_s;

	/* a time that lies ahead is of a clock that was wrong */
	return ago > TOUCH_AFTER_S || ago < -TOUCH_AFTER_S;
}

void
hg_cache_touch(
    struct hg_cache *c, const struct hg_digest *key, const char *ending)
{
	char *path = entry_path(c, key, ending);

	(void)utimensat(AT_FDCWD, path, NULL, 0);
	free(path);
}

/* Beside path, of no other process even where process numbers are not shared. */
static char *
temporary_name(const char *path)
{
	return hg_xasprintf(
	    "%s.%ld.%" PRIx64 ".tmp", path, (long)getpid(), hg_now_ns());
}

static struct hg_usage_count
less(struct hg_usage_count n, const struct stat *st)
{
	n.files--;
	n.bytes -= hg_usage_room(st->st_size);
	return n;
}

/* A file that says to backup programs: not worth keeping. */
static void
tag_folder(const struct hg_cache *c)
{
	static const char tag[] =
	    "Signature: 8a477f597d28d172789f06886806bc55\n"
	    "# This folder is a cache made by hybridgrid.\n";
	char *path = hg_path_join(c->dir, "CACHEDIR.TAG");

	hg_write_file_atomic(path, tag, sizeof(tag) - 1, 0644, NULL);
	free(path);
}

/* What trees share nobody is to write to. */
static mode_t
mode_of(const char *ending)
{
	return strcmp(ending, HG_ENTRY_LINK) == 0 ? 0444 : 0666;
}

/* A new file beside path; makes the folders when they are missing. */
static int
create_beside(const struct hg_cache *c, const char *path, mode_t mode,
    char **ret_tmp, struct hg_error *err)
{
	char *tmp = temporary_name(path);
	int flags = O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC;
	int fd = open(tmp, flags, mode);

	if (fd < 0 && errno == ENOENT) {
		char *dir = hg_path_dir(path);
		struct stat st;
		bool fresh = stat(c->dir, &st) < 0;

		if (hg_mkdir_p(dir, NULL) == 0)
			fd = open(tmp, flags, mode);
		if (fresh && fd >= 0)
			tag_folder(c);
		free(dir);
	}
	if (fd < 0) {
		hg_fail_errno(err, HG_IO, "cannot create %s", tmp);
		free(tmp);
		return -1;
	}
	*ret_tmp = tmp;
	return fd;
}

static int
rename_with(const char *from, const char *to, unsigned flags)
{
	return (int)syscall(
	    SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, flags);
}

/*
 * Gives tmp, of size bytes, the name path. What it takes the place of is known
 * for certain (others may publish or remove it at this moment): either there is
 * nothing, or the two are exchanged.
 */
static int
take_name(const char *tmp, const char *path, int64_t size,
    struct hg_usage_count *ret_grown)
{
	struct hg_usage_count new = { 1, hg_usage_room(size) };
	struct stat old;

	for (int tries = 0; tries < MAX_TRIES; tries++) {
		if (rename_with(tmp, path, NOREPLACE) == 0) {
			*ret_grown = new;
			return 0;
		}
		if (errno != EEXIST)
			break;
		if (rename_with(tmp, path, EXCHANGE) == 0) {
			if (stat(tmp, &old) == 0)
				*ret_grown = less(new, &old);
			return unlink(tmp);
		}
		if (errno != ENOENT)
			break;
	}
	/* a file system that cannot do this */
	*ret_grown = stat(path, &old) == 0 ? less(new, &old) : new;
	return rename(tmp, path);
}

int
hg_cache_publish(struct hg_cache *c, const struct hg_digest *key,
    const char *ending, const struct hg_piece *pieces, size_t n_pieces,
    struct hg_error *err)
{
	char *path = entry_path(c, key, ending), *tmp = NULL;
	struct hg_usage *u = hg_cache_usage(c, NULL);
	struct hg_usage_count grown = { 0, 0 };
	int64_t size = 0;
	int fd = create_beside(c, path, mode_of(ending), &tmp, err), rc = 0;

	if (fd < 0) {
		rc = -HG_IO;
		goto out;
	}
	for (size_t i = 0; rc == 0 && i < n_pieces; i++) {
		rc = hg_write_all(fd, pieces[i].p, pieces[i].n, err);
		size += (int64_t)pieces[i].n;
	}
	hg_fd_close(&fd);
	hg_usage_begin(u, key->b[0]);
	if (rc == 0 && take_name(tmp, path, size, &grown) < 0)
		rc = hg_fail_errno(err, HG_IO, "cannot rename to %s", path);
	hg_usage_end(u, key->b[0], grown);
	if (rc)
		unlink(tmp);
out:
	free(tmp);
	free(path);
	return rc;
}

bool
hg_cache_remove(
    struct hg_cache *c, const struct hg_digest *key, const char *ending)
{
	static const struct hg_usage_count nothing;
	char *path = entry_path(c, key, ending), *tmp = temporary_name(path);
	struct hg_usage *u = hg_cache_usage(c, NULL);
	struct hg_usage_count grown = nothing;
	struct stat st;
	bool removed;

	hg_usage_begin(u, key->b[0]);
	removed = rename(path, tmp) == 0;
	/* only now nobody else can remove or replace it */
	if (removed && stat(tmp, &st) == 0)
		grown = less(nothing, &st);
	hg_usage_end(u, key->b[0], grown);
	if (removed)
		unlink(tmp);
	free(tmp);
	free(path);
	return removed;
}
