/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An entry is found by path and is good while device, inode, size, mtime and
 * ctime are what they were. A file that changed within the last moment is read
 * but not remembered, as a second change within the clock's tick would not show
 * in its times.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/alloc.h"
#include "lib/base/error.h"
#include "lib/base/fd.h"
#include "lib/base/file_sig.h"
#include "lib/base/hmap.h"
#include "lib/base/limits.h"
#include "lib/base/strbuf.h"
#include "lib/base/time.h"
#include "services/agent/contents.h"

struct entry {
	struct hg_content content;
	char *bytes;
	char *path;
	struct hg_file_sig sig;
	/* holders, the contents being one of them while the entry is kept */
	int refs;
	bool is_kept;
	/* least recently used first */
	struct entry *prev;
	struct entry *next;
};

struct hg_contents {
	pthread_mutex_t lock;
	uint64_t max_bytes;
	/* the rest under the lock, and entries' refs, is_kept, prev, next */
	uint64_t bytes;
	struct hg_hmap table;
	struct entry *oldest;
	struct entry *newest;
};

static uint64_t
cost(const struct entry *e)
{
	return sizeof(*e) + 2 * strlen(e->path) + (e->bytes ? e->content.n : 0);
}

static void
entry_free(struct entry *e)
{
	free(e->bytes);
	free(e->path);
	free(e);
}

/* ---- under the lock ----------------------------------------------------- */

static void
unref(struct entry *e)
{
	if (--e->refs == 0)
		entry_free(e);
}

static void
unlist(struct hg_contents *m, struct entry *e)
{
	*(e->prev ? &e->prev->next : &m->oldest) = e->next;
	*(e->next ? &e->next->prev : &m->newest) = e->prev;
	e->prev = NULL;
	e->next = NULL;
}

static void
list_newest(struct hg_contents *m, struct entry *e)
{
	e->prev = m->newest;
	*(m->newest ? &m->newest->next : &m->oldest) = e;
	m->newest = e;
}

static void
forget(struct hg_contents *m, struct entry *e)
{
	hg_hmap_del(&m->table, e->path);
	unlist(m, e);
	m->bytes -= cost(e);
	e->is_kept = false;
	unref(e);
}

static void
keep(struct hg_contents *m, struct entry *e)
{
	struct entry *old = hg_hmap_get(&m->table, e->path);

	if (cost(e) > m->max_bytes)
		return;
	if (old)
		forget(m, old);
	hg_hmap_set(&m->table, e->path, e);
	list_newest(m, e);
	m->bytes += cost(e);
	e->is_kept = true;
	e->refs++;
	while (m->bytes > m->max_bytes)
		forget(m, m->oldest);
}

/* The entry, held for the caller, or NULL. */
static struct entry *
look_up(struct hg_contents *m, const char *path, const struct hg_file_sig *sig,
    unsigned want)
{
	struct entry *e = hg_hmap_get(&m->table, path);

	if (!e || !hg_file_sig_equal(&e->sig, sig) ||
	    ((want & HG_WANT_BYTES) && !e->bytes) ||
	    ((want & HG_WANT_ID) && !hg_content_id_is_set(&e->content.id)))
		return NULL;
	unlist(m, e);
	list_newest(m, e);
	e->refs++;
	return e;
}

/* ---- reading ------------------------------------------------------------ */

static int
read_digests(int fd, struct entry *e, unsigned want, struct hg_error *err)
{
	int rc = hg_digest_fd(fd, &e->content.digest, err);

	e->content.n = (size_t)e->sig.size;
	if (rc == 0 && (want & HG_WANT_ID))
		rc = hg_content_id_fd(fd, &e->content.id, err);
	return rc;
}

static int
read_bytes(int fd, struct entry *e, unsigned want, struct hg_error *err)
{
	struct hg_strbuf sb = HG_STRBUF_INIT;
	int rc;

	if ((uint64_t)e->sig.size > HG_MAX_MESSAGE_BYTES)
		return hg_fail(
		    err, HG_TOOBIG, "the file is larger than a message may be");
	rc = hg_read_fd(fd, HG_MAX_MESSAGE_BYTES, &sb, err);
	if (rc) {
		hg_strbuf_release(&sb);
		return rc;
	}
	e->bytes = hg_strbuf_detach(&sb, &e->content.n);
	e->content.p = e->bytes;
	hg_digest_bytes(e->bytes, e->content.n, &e->content.digest);
	if (want & HG_WANT_ID)
		hg_content_id_bytes(
		    e->bytes, e->content.n, &e->content.id);
	return 0;
}

/* Reads an open file that must stay the same meanwhile. */
static int
read_stable(int fd, struct entry *e, unsigned want, struct hg_error *err)
{
	struct hg_file_sig after;
	struct stat st;
	int rc;

	if (fstat(fd, &st) < 0)
		return hg_fail_errno(err, HG_IO, "cannot look at it");
	if (!S_ISREG(st.st_mode))
		return hg_fail(err, HG_INVALID, "not a regular file");
	hg_file_sig_of(&st, &e->sig);
	e->content.mode = st.st_mode & 0777;
	rc = want & HG_WANT_BYTES ? read_bytes(fd, e, want, err)
				  : read_digests(fd, e, want, err);
	if (rc)
		return rc;
	if (fstat(fd, &st) < 0)
		return hg_fail_errno(err, HG_IO, "cannot look at it");
	hg_file_sig_of(&st, &after);
	if (!hg_file_sig_equal(&e->sig, &after))
		return hg_fail(err, HG_IO, "it is being changed");
	return 0;
}

static struct entry *
read_entry(const char *path, unsigned want, struct hg_error *err)
{
	/* a pipe must not keep us waiting */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct entry *e;

	if (fd < 0) {
		hg_fail_errno(err,
		    errno == ENOENT || errno == ENOTDIR ? HG_NOTFOUND : HG_IO,
		    "cannot open %.150s", path);
		return NULL;
	}
	e = hg_xcalloc(1, sizeof(*e));
	e->path = hg_xstrdup(path);
	e->refs = 1;
	if (read_stable(fd, e, want, err)) {
		hg_wrap(err, "%.150s", path);
		entry_free(e);
		e = NULL;
	}
	hg_fd_close(&fd);
	return e;
}

/* ---- the contents ----------------------------------------------------------- */

struct hg_contents *
hg_contents_new(uint64_t max_bytes)
{
	struct hg_contents *m = hg_xcalloc(1, sizeof(*m));

	pthread_mutex_init(&m->lock, NULL);
	m->max_bytes = max_bytes;
	return m;
}

void
hg_contents_free(struct hg_contents *m)
{
	if (!m)
		return;
	while (m->oldest)
		forget(m, m->oldest);
	hg_hmap_release(&m->table, NULL);
	pthread_mutex_destroy(&m->lock);
	free(m);
}

int
hg_contents_get(struct hg_contents *m, const char *path, unsigned want,
    const struct hg_content **ret, struct hg_error *err)
{
	uint64_t started = hg_wall_ns();
	struct hg_file_sig sig;
	struct hg_error mine;
	struct entry *e;
	struct stat st;

	if (stat(path, &st) < 0)
		return hg_fail_errno(err,
		    errno == ENOENT || errno == ENOTDIR ? HG_NOTFOUND : HG_IO,
		    "cannot find %.150s", path);
	hg_file_sig_of(&st, &sig);
	pthread_mutex_lock(&m->lock);
	e = look_up(m, path, &sig, want);
	pthread_mutex_unlock(&m->lock);
	if (!e) {
		err = err ? err : &mine;
		e = read_entry(path, want, err);
		if (!e)
			return -(int)err->code;
		if (hg_file_sig_is_settled(&e->sig, started)) {
			pthread_mutex_lock(&m->lock);
			keep(m, e);
			pthread_mutex_unlock(&m->lock);
		}
	}
	*ret = &e->content;
	return 0;
}

void
hg_contents_drop(struct hg_contents *m, const struct hg_content *c)
{
	struct entry *e;

	if (!c)
		return;
	/* content is its entry's first member */
	e = (struct entry *)(uintptr_t)c;
	pthread_mutex_lock(&m->lock);
	unref(e);
	pthread_mutex_unlock(&m->lock);
}

uint64_t
hg_contents_bytes(struct hg_contents *m)
{
	uint64_t n;

	pthread_mutex_lock(&m->lock);
	n = m->bytes;
	pthread_mutex_unlock(&m->lock);
	return n;
}
