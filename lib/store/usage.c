/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a cache holds. One cell a folder, so that processes that publish at the
 * same time rarely touch the same one; their sum is the whole.
 *
 * Counts are wrong after a process was killed between a change and its count.
 * They are put right by whoever looks at a folder anyway, and that must not take
 * a change that is half done for an error: a change holds a shared lock on the
 * folder's byte of the file, marks are taken under an exclusive one, and a
 * number of changes tells whether there was one in between.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/alloc.h"
#include "lib/base/error.h"
#include "lib/base/fd.h"
#include "lib/store/mapped.h"
#include "lib/store/usage.h"

enum {
	FILE_BYTES = 8192,
	/* what file systems round sizes up to */
	BLOCK_BYTES = 4096,
	/* the byte whose lock is for the one that cleans */
	CLEANER = HG_FANOUT,
	LOCK_TICK_MS = 1,
	/* nobody holds a folder's lock for longer, unless he was stopped */
	PATIENCE_MS = 5,
};

struct cell {
	_Atomic int64_t files;
	_Atomic int64_t bytes;
	_Atomic uint64_t changes;
};

struct layout {
	_Atomic int64_t due;
	_Atomic uint64_t turn;
	struct cell folder[HG_FANOUT];
};

_Static_assert(sizeof(struct layout) <= FILE_BYTES, "the file is too small");

struct hg_usage {
	struct layout *at;
	int fd;
};

struct hg_usage *
hg_usage_open(const char *dir, struct hg_error *err)
{
	struct hg_usage *u;
	int fd;
	void *p = hg_mapped_open(dir, "usage", FILE_BYTES, &fd, err);

	if (!p)
		return NULL;
	u = hg_xmalloc(sizeof(*u));
	u->at = p;
	u->fd = fd;
	return u;
}

void
hg_usage_close(struct hg_usage *u)
{
	if (!u)
		return;
	hg_mapped_close(u->at, FILE_BYTES);
	hg_fd_close(&u->fd);
	free(u);
}

int64_t
hg_usage_room(int64_t size)
{
	return (size + BLOCK_BYTES - 1) / BLOCK_BYTES * BLOCK_BYTES;
}

struct hg_usage_count
hg_usage_of(const struct hg_usage *u, unsigned folder)
{
	const struct cell *c = &u->at->folder[folder];
	struct hg_usage_count now = { atomic_load(&c->files),
		atomic_load(&c->bytes) };

	return now;
}

struct hg_usage_count
hg_usage_total(const struct hg_usage *u)
{
	struct hg_usage_count sum = { 0, 0 };

	for (unsigned i = 0; i < HG_FANOUT; i++) {
		struct hg_usage_count one = hg_usage_of(u, i);

		sum.files += one.files;
		sum.bytes += one.bytes;
	}
	return sum;
}

/* ---- locks ------------------------------------------------------------- */

static int
set_lock(const struct hg_usage *u, short type, unsigned byte)
{
	struct flock l = { .l_type = type,
		.l_whence = SEEK_SET,
		.l_start = (off_t)byte,
		.l_len = 1 };

	return fcntl(u->fd, F_OFD_SETLK, &l);
}

static int
lock(const struct hg_usage *u, short type, unsigned byte, unsigned wait_ms)
{
	const struct timespec tick = { 0, LOCK_TICK_MS * 1000 * 1000 };

	for (unsigned waited = 0;; waited += LOCK_TICK_MS) {
		if (set_lock(u, type, byte) == 0)
			return 0;
		if ((errno != EAGAIN && errno != EACCES && errno != EINTR) ||
		    waited >= wait_ms)
			return -1;
		nanosleep(&tick, NULL);
	}
}

int
hg_usage_lock(struct hg_usage *u, unsigned wait_ms, struct hg_error *err)
{
	if (lock(u, F_WRLCK, CLEANER, wait_ms) == 0)
		return 0;
	if (errno != EAGAIN && errno != EACCES && errno != EINTR)
		return hg_fail_errno(
		    err, HG_IO, "cannot lock the cache's file 'usage'");
	return hg_fail(err, HG_EXHAUSTED,
	    "another process is cleaning the cache: try again later");
}

int
hg_usage_fd(const struct hg_usage *u)
{
	return u->fd;
}

/* ---- counting ---------------------------------------------------------- */

void
hg_usage_begin(struct hg_usage *u, unsigned folder)
{
	/* without the lock a count may go wrong, which is mended later */
	if (u)
		(void)lock(u, F_RDLCK, folder, PATIENCE_MS);
}

void
hg_usage_end(struct hg_usage *u, unsigned folder, struct hg_usage_count grown)
{
	struct cell *c;

	if (!u)
		return;
	c = &u->at->folder[folder];
	atomic_fetch_add(&c->files, grown.files);
	atomic_fetch_add(&c->bytes, grown.bytes);
	atomic_fetch_add(&c->changes, 1);
	set_lock(u, F_UNLCK, folder);
}

bool
hg_usage_mark(struct hg_usage *u, unsigned folder, struct hg_usage_mark *ret)
{
	if (lock(u, F_WRLCK, folder, PATIENCE_MS) < 0)
		return false;
	ret->folder = folder;
	ret->changes = atomic_load(&u->at->folder[folder].changes);
	ret->count = hg_usage_of(u, folder);
	set_lock(u, F_UNLCK, folder);
	return true;
}

bool
hg_usage_correct(struct hg_usage *u, const struct hg_usage_mark *mark,
    struct hg_usage_count found)
{
	struct cell *c = &u->at->folder[mark->folder];
	bool same;

	if (lock(u, F_WRLCK, mark->folder, PATIENCE_MS) < 0)
		return false;
	same = atomic_load(&c->changes) == mark->changes;
	if (same) {
		atomic_store(&c->files, found.files);
		atomic_store(&c->bytes, found.bytes);
	}
	set_lock(u, F_UNLCK, mark->folder);
	return same;
}

/* ---- cleaning ---------------------------------------------------------- */

unsigned
hg_usage_turn(struct hg_usage *u, unsigned n)
{
	return (unsigned)(atomic_fetch_add(&u->at->turn, n) % HG_FANOUT);
}

int64_t
hg_usage_due(const struct hg_usage *u)
{
	return atomic_load(&u->at->due);
}

void
hg_usage_set_due(struct hg_usage *u, int64_t when)
{
	atomic_store(&u->at->due, when);
}
