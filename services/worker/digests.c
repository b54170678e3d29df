/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Digests of this machine's own files. The lock is not held while a file is read:
 * two threads that want the same one for the first time both read it.
 */
#include "config.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "lib/base/alloc.h"
#include "lib/base/error.h"
#include "lib/base/hmap.h"
#include "services/worker/digests.h"

/* Names come from what compiles did; beyond so many nothing is remembered. */
#define MAX_ENTRIES 100000

struct entry {
	struct stat st;
	struct hg_digest digest;
};

struct hg_digests {
	/* covers entries */
	pthread_mutex_t lock;
	struct hg_hmap entries;
};

struct hg_digests *
hg_digests_new(void)
{
	struct hg_digests *m = hg_xcalloc(1, sizeof(*m));

	pthread_mutex_init(&m->lock, NULL);
	return m;
}

void
hg_digests_free(struct hg_digests *m)
{
	if (!m)
		return;
	hg_hmap_release(&m->entries, free);
	pthread_mutex_destroy(&m->lock);
	free(m);
}

static bool
is_same(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino &&
	    a->st_size == b->st_size &&
	    a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
	    a->st_mtim.tv_nsec == b->st_mtim.tv_nsec &&
	    a->st_ctim.tv_sec == b->st_ctim.tv_sec &&
	    a->st_ctim.tv_nsec == b->st_ctim.tv_nsec;
}

static bool
recall(struct hg_digests *m, const char *path, const struct stat *st,
    struct hg_digest *ret)
{
	struct entry *e;
	bool found;

	pthread_mutex_lock(&m->lock);
	e = hg_hmap_get(&m->entries, path);
	found = e && is_same(&e->st, st);
	if (found)
		*ret = e->digest;
	pthread_mutex_unlock(&m->lock);
	return found;
}

static void
remember(struct hg_digests *m, const char *path, const struct stat *st,
    const struct hg_digest *digest)
{
	struct entry *e = hg_xcalloc(1, sizeof(*e));

	e->st = *st;
	e->digest = *digest;
	pthread_mutex_lock(&m->lock);
	if (m->entries.n < MAX_ENTRIES || hg_hmap_get(&m->entries, path))
		e = hg_hmap_set(&m->entries, path, e);
	pthread_mutex_unlock(&m->lock);
	free(e);
}

int
hg_digests_get(struct hg_digests *m, const char *path, struct hg_digest *ret,
    struct hg_error *err)
{
	struct stat st;
	int rc;

	if (stat(path, &st) < 0 || !S_ISREG(st.st_mode))
		return hg_fail(err, HG_NOTFOUND, "%s is not a file", path);
	if (recall(m, path, &st, ret))
		return 0;
	rc = hg_digest_file(path, ret, err);
	if (rc == 0)
		remember(m, path, &st, ret);
	return rc;
}
