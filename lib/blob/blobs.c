/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One file a content, DIR/ab/cdef..., written beside its place and renamed. What
 * is there is known from a table in memory, read from the folder at the start in
 * order of the files' times, which is why a use now and then sets the time.
 */
#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/alloc.h"
#include "lib/base/error.h"
#include "lib/base/fd.h"
#include "lib/base/hmap.h"
#include "lib/base/limits.h"
#include "lib/base/path.h"
#include "lib/base/strbuf.h"
#include "lib/base/time.h"
#include "lib/blob/blobs.h"

/* How old a file's time may be before a use renews it. */
#define RENEW_NS (600 * HG_NS_PER_SEC)

struct entry {
	/* towards the less and the more recently used */
	struct entry *older;
	struct entry *newer;
	uint64_t bytes;
	/* of the file, as far as we know */
	uint64_t time_ns;
	/* read or written by this process: its content is what it should be */
	bool is_checked;
	char hex[HG_CONTENT_ID_HEX_BYTES];
};

struct hg_blobs {
	char *dir;
	int fd;
	uint64_t max_bytes;
	pthread_mutex_t lock;
	/* the rest under the lock */
	struct hg_hmap table;
	struct entry *oldest;
	struct entry *newest;
	unsigned last_temporary;
	struct hg_blobs_stats stats;
};

/* "ab/cdef..." */
static void
file_name(const char *hex, char ret[HG_CONTENT_ID_HEX_BYTES + 1])
{
	snprintf(ret, HG_CONTENT_ID_HEX_BYTES + 1, "%.2s/%s", hex, hex + 2);
}

/* ---- the table, under the lock ------------------------------------------ */

static void
unlist(struct hg_blobs *b, struct entry *e)
{
	*(e->older ? &e->older->newer : &b->oldest) = e->newer;
	*(e->newer ? &e->newer->older : &b->newest) = e->older;
	e->older = e->newer = NULL;
}

static void
list_newest(struct hg_blobs *b, struct entry *e)
{
	e->older = b->newest;
	*(b->newest ? &b->newest->newer : &b->oldest) = e;
	b->newest = e;
}

static struct entry *
enter(struct hg_blobs *b, const char *hex, uint64_t bytes, uint64_t time_ns)
{
	struct entry *e = hg_hmap_get(&b->table, hex);

	if (e)
		return e;
	e = hg_xcalloc(1, sizeof(*e));
	snprintf(e->hex, sizeof(e->hex), "%s", hex);
	e->bytes = bytes;
	e->time_ns = time_ns;
	hg_hmap_set(&b->table, hex, e);
	list_newest(b, e);
	b->stats.entries++;
	b->stats.bytes += bytes;
	return e;
}

static void
forget(struct hg_blobs *b, struct entry *e)
{
	hg_hmap_del(&b->table, e->hex);
	unlist(b, e);
	b->stats.entries--;
	b->stats.bytes -= e->bytes;
	free(e);
}

static void
evict(struct hg_blobs *b)
{
	char name[HG_CONTENT_ID_HEX_BYTES + 1];

	while (b->max_bytes > 0 && b->stats.bytes > b->max_bytes && b->oldest) {
		file_name(b->oldest->hex, name);
		unlinkat(b->fd, name, 0);
		forget(b, b->oldest);
		b->stats.evicted++;
	}
}

/* Notes a use. Has the content been checked? False too when it is unknown. */
static bool
use(struct hg_blobs *b, const char *hex)
{
	uint64_t now = hg_wall_ns();
	char name[HG_CONTENT_ID_HEX_BYTES + 1];
	struct entry *e;
	bool checked;

	pthread_mutex_lock(&b->lock);
	e = hg_hmap_get(&b->table, hex);
	checked = e && e->is_checked;
	if (e) {
		unlist(b, e);
		list_newest(b, e);
		if (now > e->time_ns + RENEW_NS) {
			file_name(hex, name);
			utimensat(b->fd, name, NULL, 0);
			e->time_ns = now;
		}
	}
	pthread_mutex_unlock(&b->lock);
	return checked;
}

static void
note_checked(struct hg_blobs *b, const char *hex, uint64_t bytes)
{
	pthread_mutex_lock(&b->lock);
	enter(b, hex, bytes, hg_wall_ns())->is_checked = true;
	evict(b);
	pthread_mutex_unlock(&b->lock);
}

static void
note_gone(struct hg_blobs *b, const char *hex)
{
	struct entry *e;

	pthread_mutex_lock(&b->lock);
	e = hg_hmap_get(&b->table, hex);
	if (e)
		forget(b, e);
	pthread_mutex_unlock(&b->lock);
}

/* ---- at the start -------------------------------------------------------- */

struct found {
	char hex[HG_CONTENT_ID_HEX_BYTES];
	uint64_t bytes;
	uint64_t time_ns;
};

struct scan {
	struct found *v;
	size_t n;
	size_t cap;
};

static void
look_at(struct scan *s, int dir, const char *prefix, const char *name)
{
	struct hg_content_id id;
	struct found f;
	struct stat st;

	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
	    !S_ISREG(st.st_mode))
		return;
	snprintf(f.hex, sizeof(f.hex), "%s%.62s", prefix, name);
	if (strlen(name) != 62 || !hg_content_id_parse(f.hex, &id)) {
		/* what a killed process did not finish */
		if (strstr(name, ".tmp"))
			unlinkat(dir, name, 0);
		return;
	}
	f.bytes = (uint64_t)st.st_size;
	f.time_ns = (uint64_t)st.st_mtim.tv_sec * HG_NS_PER_SEC +
	    (uint64_t)st.st_mtim.tv_nsec;
	if (s->n == s->cap) {
		s->cap = s->cap ? 2 * s->cap : 256;
		s->v = hg_xrealloc(s->v, s->cap * sizeof(*s->v));
	}
	s->v[s->n++] = f;
}

static void
look_through(struct hg_blobs *b, struct scan *s, const char *prefix)
{
	int fd = openat(b->fd, prefix, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *e;

	if (!d) {
		hg_fd_close(&fd);
		return;
	}
	while ((e = readdir(d)))
		if (e->d_name[0] != '.')
			look_at(s, dirfd(d), prefix, e->d_name);
	closedir(d);
}

static int
by_time(const void *a, const void *b)
{
	const struct found *x = a, *y = b;

	return (x->time_ns > y->time_ns) - (x->time_ns < y->time_ns);
}

static void
load(struct hg_blobs *b)
{
	struct scan s = { NULL, 0, 0 };
	char prefix[3];

	for (unsigned i = 0; i < 256; i++) {
		snprintf(prefix, sizeof(prefix), "%02x", i);
		look_through(b, &s, prefix);
	}
	if (s.n > 0)
		qsort(s.v, s.n, sizeof(*s.v), by_time);
	for (size_t i = 0; i < s.n; i++)
		enter(b, s.v[i].hex, s.v[i].bytes, s.v[i].time_ns);
	free(s.v);
	evict(b);
}

struct hg_blobs *
hg_blobs_open(const char *dir, uint64_t max_bytes, struct hg_error *err)
{
	struct hg_blobs *b;
	int fd;

	if (hg_mkdir_p(dir, err))
		return NULL;
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0) {
		hg_fail_errno(err, HG_IO, "cannot open folder %s", dir);
		return NULL;
	}
	b = hg_xcalloc(1, sizeof(*b));
	b->dir = hg_xstrdup(dir);
	b->fd = fd;
	b->max_bytes = max_bytes;
	pthread_mutex_init(&b->lock, NULL);
	load(b);
	return b;
}

void
hg_blobs_close(struct hg_blobs *b)
{
	if (!b)
		return;
	hg_hmap_release(&b->table, free);
	pthread_mutex_destroy(&b->lock);
	hg_fd_close(&b->fd);
	free(b->dir);
	free(b);
}

/* ---- putting -------------------------------------------------------------- */

bool
hg_blobs_has(struct hg_blobs *b, const struct hg_content_id *id)
{
	char hex[HG_CONTENT_ID_HEX_BYTES];
	bool has;

	hg_content_id_hex(id, hex);
	pthread_mutex_lock(&b->lock);
	has = hg_hmap_get(&b->table, hex) != NULL;
	pthread_mutex_unlock(&b->lock);
	return has;
}

static int
write_file(struct hg_blobs *b, const char *hex, const void *p, size_t n,
    struct hg_error *err)
{
	char name[HG_CONTENT_ID_HEX_BYTES + 1], tmp[128];
	unsigned serial;
	int fd, rc;

	file_name(hex, name);
	pthread_mutex_lock(&b->lock);
	serial = ++b->last_temporary;
	pthread_mutex_unlock(&b->lock);
	snprintf(tmp, sizeof(tmp), "%s.%ld.%u.tmp", name, (long)getpid(),
	    serial);
	fd = openat(b->fd, tmp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0 && errno == ENOENT) {
		char folder[3] = { hex[0], hex[1], '\0' };

		mkdirat(b->fd, folder, 0700);
		fd = openat(b->fd, tmp,
		    O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	}
	if (fd < 0)
		return hg_fail_errno(
		    err, HG_IO, "cannot make %s in %s", tmp, b->dir);
	rc = hg_write_all(fd, p, n, err);
	hg_fd_close(&fd);
	if (rc == 0 && renameat(b->fd, tmp, b->fd, name) < 0)
		rc = hg_fail_errno(
		    err, HG_IO, "cannot make %s in %s", name, b->dir);
	if (rc)
		unlinkat(b->fd, tmp, 0);
	return rc;
}

int
hg_blobs_put(struct hg_blobs *b, const struct hg_content_id *id, const void *p,
    size_t n, struct hg_error *err)
{
	char hex[HG_CONTENT_ID_HEX_BYTES];
	struct hg_content_id real;
	int rc;

	hg_content_id_bytes(p, n, &real);
	hg_content_id_hex(id, hex);
	if (!hg_content_id_equal(&real, id))
		return hg_fail(
		    err, HG_CORRUPT, "content %s is not what it says", hex);
	if (hg_blobs_has(b, id)) {
		use(b, hex);
		return 0;
	}
	rc = write_file(b, hex, p, n, err);
	if (rc)
		return rc;
	pthread_mutex_lock(&b->lock);
	b->stats.stored++;
	b->stats.stored_bytes += n;
	pthread_mutex_unlock(&b->lock);
	note_checked(b, hex, n);
	return 0;
}

/* ---- getting -------------------------------------------------------------- */

/* A descriptor on what is known to be the content, or an error. */
static int
open_checked(struct hg_blobs *b, const struct hg_content_id *id, int *ret_fd,
    struct hg_error *err)
{
	char hex[HG_CONTENT_ID_HEX_BYTES], name[HG_CONTENT_ID_HEX_BYTES + 1];
	struct hg_content_id real;
	bool checked;
	struct stat st;
	int fd, rc;

	hg_content_id_hex(id, hex);
	file_name(hex, name);
	checked = use(b, hex);
	fd = openat(b->fd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0) {
		note_gone(b, hex);
		return hg_fail(err, HG_NOTFOUND, "content %s is not here", hex);
	}
	*ret_fd = fd;
	if (checked)
		return 0;
	rc = fstat(fd, &st) < 0 ? hg_fail_errno(err, HG_IO, "cannot look at %s", hex)
				: hg_content_id_fd(fd, &real, err);
	if (rc == 0 && hg_content_id_equal(&real, id)) {
		note_checked(b, hex, (uint64_t)st.st_size);
		return 0;
	}
	if (rc == 0) {
		unlinkat(b->fd, name, 0);
		note_gone(b, hex);
		rc = hg_fail(err, HG_NOTFOUND, "content %s was damaged", hex);
	}
	hg_fd_close(ret_fd);
	return rc;
}

int
hg_blobs_get(struct hg_blobs *b, const struct hg_content_id *id,
    struct hg_strbuf *ret, struct hg_error *err)
{
	int fd = -1;
	int rc = open_checked(b, id, &fd, err);

	if (rc == 0)
		rc = hg_read_fd(fd, HG_MAX_FILE_BYTES, ret, err);
	hg_fd_close(&fd);
	return rc;
}

/* The kernel copies, without the bytes passing through us. */
static int
copy_all(int from, int to, struct hg_error *err)
{
	for (;;) {
		ssize_t k = copy_file_range(
		    from, NULL, to, NULL, HG_MAX_FILE_BYTES, 0);

		if (k == 0)
			return 0;
		if (k < 0 && errno != EINTR)
			break;
	}
	struct hg_strbuf rest = HG_STRBUF_INIT;
	int rc = hg_read_fd(from, HG_MAX_FILE_BYTES, &rest, err);

	if (rc == 0)
		rc = hg_write_all(to, rest.buf, rest.len, err);
	hg_strbuf_release(&rest);
	return rc;
}

int
hg_blobs_copy(struct hg_blobs *b, const struct hg_content_id *id, int dir,
    const char *name, mode_t mode, struct hg_error *err)
{
	int from = -1, to = -1;
	int rc = open_checked(b, id, &from, err);

	if (rc)
		return rc;
	to = openat(dir, name,
	    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (to < 0)
		rc = hg_fail_errno(err, errno == EEXIST ? HG_DENIED : HG_IO,
		    "cannot make %s", name);
	if (rc == 0)
		rc = copy_all(from, to, err);
	if (rc == 0 && fchmod(to, mode) < 0)
		rc = hg_fail_errno(err, HG_IO, "cannot set the mode of %s", name);
	hg_fd_close(&to);
	hg_fd_close(&from);
	return rc;
}

int
hg_blobs_link(struct hg_blobs *b, const struct hg_content_id *id, int dir,
    const char *name, mode_t mode, struct hg_error *err)
{
	char hex[HG_CONTENT_ID_HEX_BYTES], from[HG_CONTENT_ID_HEX_BYTES + 1];
	struct stat st;
	int fd = -1;
	int rc = open_checked(b, id, &fd, err);

	if (rc)
		return rc;
	hg_content_id_hex(id, hex);
	file_name(hex, from);
	if (fstat(fd, &st) == 0 && fchmod(fd, st.st_mode | mode) == 0 &&
	    linkat(b->fd, from, dir, name, 0) == 0) {
		hg_fd_close(&fd);
		return 0;
	}
	hg_fd_close(&fd);
	return hg_blobs_copy(b, id, dir, name, mode, err);
}

void
hg_blobs_stats(struct hg_blobs *b, struct hg_blobs_stats *ret)
{
	pthread_mutex_lock(&b->lock);
	*ret = b->stats;
	pthread_mutex_unlock(&b->lock);
}
