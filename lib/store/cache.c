/* SPDX-License-Identifier: Apache-2.0 */
/* The cache's folder. */
#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/alloc.h"
#include "lib/base/error.h"
#include "lib/base/fd.h"
#include "lib/base/path.h"
#include "lib/base/strbuf.h"
#include "lib/store/cache.h"

enum { FANOUT = 256 };

struct hg_cache {
	char *dir;
	bool trusts_mtime;
};

struct hg_cache *
hg_cache_new(const char *dir)
{
	struct hg_cache *c = hg_xmalloc(sizeof(*c));

	c->dir = hg_xstrdup(dir);
	c->trusts_mtime = false;
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
	free(c->dir);
	free(c);
}

const char *
hg_cache_dir(const struct hg_cache *c)
{
	return c->dir;
}

/* DIR/ab/ab12….ending; owned. */
static char *
entry_path(
    const struct hg_cache *c, const struct hg_digest *key, const char *ending)
{
	char hex[HG_DIGEST_HEX_BYTES];

	hg_digest_hex(key, hex);
	return hg_xasprintf("%s/%.2s/%s.%s", c->dir, hex, hex, ending);
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

/* A new file beside path; makes the folders when they are missing. */
static int
create_beside(const struct hg_cache *c, const char *path, char **ret_tmp,
    struct hg_error *err)
{
	char *tmp = hg_xasprintf("%s.%ld.tmp", path, (long)getpid());
	int flags = O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC;
	int fd = open(tmp, flags, 0666);

	if (fd < 0 && errno == ENOENT) {
		char *dir = hg_path_dir(path);
		struct stat st;
		bool fresh = stat(c->dir, &st) < 0;

		if (hg_mkdir_p(dir, NULL) == 0)
			fd = open(tmp, flags, 0666);
		if (fresh && fd >= 0)
			tag_folder(c);
		free(dir);
	}
	/* left by a killed process that had our number */
	if (fd < 0 && errno == EEXIST && unlink(tmp) == 0)
		fd = open(tmp, flags, 0666);
	if (fd < 0) {
		hg_fail_errno(err, HG_IO, "cannot create %s", tmp);
		free(tmp);
		return -1;
	}
	*ret_tmp = tmp;
	return fd;
}

int
hg_cache_publish(const struct hg_cache *c, const struct hg_digest *key,
    const char *ending, const struct hg_piece *pieces, size_t n_pieces,
    int64_t *ret_grown, struct hg_error *err)
{
	char *path = entry_path(c, key, ending), *tmp = NULL;
	struct stat old;
	int64_t grown = 0;
	int fd = create_beside(c, path, &tmp, err), rc = 0;

	if (fd < 0) {
		rc = -HG_IO;
		goto out;
	}
	for (size_t i = 0; rc == 0 && i < n_pieces; i++) {
		rc = hg_write_all(fd, pieces[i].p, pieces[i].n, err);
		grown += (int64_t)pieces[i].n;
	}
	hg_fd_close(&fd);
	if (rc == 0 && stat(path, &old) == 0)
		grown -= old.st_size;
	if (rc == 0 && rename(tmp, path) < 0)
		rc = hg_fail_errno(err, HG_IO, "cannot rename to %s", path);
	if (rc)
		unlink(tmp);
	else if (ret_grown)
		*ret_grown = grown;
out:
	free(tmp);
	free(path);
	return rc;
}

void
hg_cache_remove(
    const struct hg_cache *c, const struct hg_digest *key, const char *ending)
{
	char *path = entry_path(c, key, ending);

	unlink(path);
	free(path);
}

/* Calls fn on each entry of each fan-out folder. */
static int
each_entry(const struct hg_cache *c,
    void (*fn)(int dirfd, const char *name, void *arg), void *arg,
    struct hg_error *err)
{
	for (int i = 0; i < FANOUT; i++) {
		char *path = hg_xasprintf("%s/%02x", c->dir, i);
		DIR *d = opendir(path);
		struct dirent *e;

		if (!d && errno != ENOENT) {
			int rc = hg_fail_errno(
			    err, HG_IO, "cannot list %s", path);

			free(path);
			return rc;
		}
		free(path);
		if (!d)
			continue;
		while ((e = readdir(d)))
			if (e->d_name[0] != '.')
				fn(dirfd(d), e->d_name, arg);
		closedir(d);
	}
	return 0;
}

static void
remove_entry(int dirfd, const char *name, void *arg)
{
	uint64_t *removed = arg;

	if (unlinkat(dirfd, name, 0) == 0)
		(*removed)++;
}

int
hg_cache_clear(struct hg_cache *c, uint64_t *ret_removed, struct hg_error *err)
{
	*ret_removed = 0;
	return each_entry(c, remove_entry, ret_removed, err);
}

struct measure {
	uint64_t entries;
	uint64_t bytes;
};

static void
measure_entry(int dirfd, const char *name, void *arg)
{
	struct measure *m = arg;
	struct stat st;

	if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	    S_ISREG(st.st_mode)) {
		m->entries++;
		m->bytes += (uint64_t)st.st_size;
	}
}

int
hg_cache_measure(const struct hg_cache *c, uint64_t *ret_entries,
    uint64_t *ret_bytes, struct hg_error *err)
{
	struct measure m = { 0, 0 };
	int rc = each_entry(c, measure_entry, &m, err);

	*ret_entries = m.entries;
	*ret_bytes = m.bytes;
	return rc;
}
