/* SPDX-License-Identifier: Apache-2.0 */
/* The digest memo. */
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

enum { SLOTS = 65536 };

struct slot {
	struct hg_sig sig;
	struct hg_digest digest;
	uint64_t dev;
	uint64_t check;
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
slot_offset(const struct hg_sig *sig, uint64_t dev)
{
	struct {
		struct hg_sig sig;
		uint64_t dev;
	} id = { *sig, dev };

	return (off_t)(hg_checksum(&id, sizeof(id)) % SLOTS * sizeof(struct slot));
}

static bool
recall(struct hg_memo *m, const struct hg_sig *sig, uint64_t dev,
    struct slot *ret)
{
	int fd = memo_fd(m);

	return fd >= 0 &&
	    pread(fd, ret, sizeof(*ret), slot_offset(sig, dev)) ==
	    sizeof(*ret) &&
	    ret->check == slot_check(ret) && ret->dev == dev &&
	    hg_sig_equal(&ret->sig, sig);
}

static void
remember(struct hg_memo *m, struct slot *s)
{
	ssize_t ignored;

	s->check = slot_check(s);
	ignored = pwrite(memo_fd(m), s, sizeof(*s),
	    slot_offset(&s->sig, s->dev));
	(void)ignored;
}

int
hg_memo_digest(struct hg_memo *m, const char *path, const struct stat *st,
    struct hg_digest *ret, struct hg_error *err)
{
	int64_t now = hg_sig_now();
	struct slot s;
	struct hg_sig sig;
	int rc;

	hg_sig_of(st, &sig);
	if (!recall(m, &sig, st->st_dev, &s)) {
		memset(&s, 0, sizeof(s));
		rc = hg_digest_file(path, &s.digest, err);
		if (rc)
			return rc;
		s.sig = sig;
		s.dev = st->st_dev;
		if (hg_sig_is_settled(&sig, now))
			remember(m, &s);
	}
	*ret = s.digest;
	return 0;
}
