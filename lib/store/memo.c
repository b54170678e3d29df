/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The digest memo: a hash table of buckets. A file has its place in any slot of
 * its bucket, so that files whose buckets are the same do not push each other
 * out for ever: with one slot each, one compile in two had such a pair, and one
 * of them could be the compiler.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/alloc.h"
#include "lib/base/error.h"
#include "lib/base/fd.h"
#include "lib/base/path.h"
#include "lib/store/memo.h"

enum { BUCKETS = 16384, WAYS = 4 };

struct slot {
	struct hg_sig sig;
	struct hg_digest digest;
	uint64_t dev;
	uint64_t check;
};

struct bucket {
	struct slot slots[WAYS];
};

struct hg_memo {
	const char *cache_dir;
	int fd;
	bool tried;
};

struct hg_memo *
hg_memo_new(const char *cache_dir)
{
	struct hg_memo *m = hg_xcalloc(1, sizeof(*m));

	m->cache_dir = cache_dir;
	m->fd = -1;
	return m;
}

void
hg_memo_free(struct hg_memo *m)
{
	if (!m)
		return;
	hg_fd_close(&m->fd);
	free(m);
}

static int
memo_fd(struct hg_memo *m)
{
	char *path;

	if (m->tried)
		return m->fd;
	m->tried = true;
	path = hg_path_join(m->cache_dir, "digests");
	m->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
	if (m->fd < 0)
		m->fd = open(path, O_RDONLY | O_CLOEXEC);
	free(path);
	return m->fd;
}

static uint64_t
slot_check(const struct slot *s)
{
	return hg_checksum(s, offsetof(struct slot, check)) | 1;
}

static off_t
bucket_offset(const struct hg_sig *sig, uint64_t dev)
{
	struct {
		struct hg_sig sig;
		uint64_t dev;
	} id = { *sig, dev };

	return (off_t)(hg_checksum(&id, sizeof(id)) % BUCKETS *
	    sizeof(struct bucket));
}

/* The bucket as far as there is one, and what it says. */
static bool
recall(struct hg_memo *m, const struct hg_sig *sig, uint64_t dev,
    struct bucket *ret, struct hg_digest *ret_digest)
{
	int fd = memo_fd(m);
	ssize_t n = fd < 0
	    ? 0
	    : pread(fd, ret, sizeof(*ret), bucket_offset(sig, dev));

	n = n < 0 ? 0 : n;
	memset((char *)ret + n, 0, sizeof(*ret) - (size_t)n);
	for (size_t i = 0; i < WAYS; i++) {
		const struct slot *s = &ret->slots[i];

		if (s->dev == dev && hg_sig_equal(&s->sig, sig) &&
		    s->check == slot_check(s)) {
			*ret_digest = s->digest;
			return true;
		}
	}
	return false;
}

/* Where in its bucket: a free slot, else any. */
static size_t
choose_slot(const struct bucket *b, int64_t now)
{
	for (size_t i = 0; i < WAYS; i++)
		if (b->slots[i].check == 0)
			return i;
	return (size_t)(now / 1000) % WAYS;
}

static void
remember(struct hg_memo *m, struct slot *s, size_t i)
{
	ssize_t ignored;

	s->check = slot_check(s);
	ignored = pwrite(memo_fd(m), s, sizeof(*s),
	    bucket_offset(&s->sig, s->dev) + (off_t)(i * sizeof(*s)));
	(void)ignored;
}

int
hg_memo_digest(struct hg_memo *m, const char *path, const struct stat *st,
    struct hg_digest *ret, struct hg_error *err)
{
	struct slot s = { .dev = st->st_dev };
	struct bucket bucket;
	int64_t now;
	int rc;

	hg_sig_of(st, &s.sig);
	if (recall(m, &s.sig, s.dev, &bucket, ret))
		return 0;
	now = hg_sig_now();
	rc = hg_digest_file(path, &s.digest, err);
	if (rc)
		return rc;
	if (hg_sig_is_settled(&s.sig, now))
		remember(m, &s, choose_slot(&bucket, now));
	*ret = s.digest;
	return 0;
}
