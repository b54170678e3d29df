/* SPDX-License-Identifier: Apache-2.0 */
/* Stat signatures. */
#include "config.h"

#include <string.h>
#include <time.h>

#include "lib/store/sig.h"

/* Two ticks of the slowest usual clock (100 Hz). */
static const int64_t TICK_NS = 20 * 1000 * 1000;

static int64_t
ns_of(const struct timespec *ts)
{
	return (int64_t)ts->tv_sec * 1000000000 + ts->tv_nsec;
}

void
hg_sig_of(const struct stat *st, struct hg_sig *ret)
{
	ret->size = (uint64_t)st->st_size;
	ret->ino = st->st_ino;
	ret->mtime_ns = ns_of(&st->st_mtim);
	ret->ctime_ns = ns_of(&st->st_ctim);
}

bool
hg_sig_equal(const struct hg_sig *a, const struct hg_sig *b)
{
	return a->size == b->size && a->ino == b->ino &&
	    a->mtime_ns == b->mtime_ns && a->ctime_ns == b->ctime_ns;
}

int64_t
hg_sig_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return ns_of(&ts);
}

bool
hg_sig_is_settled(const struct hg_sig *s, int64_t now)
{
	return s->mtime_ns < now - TICK_NS && s->ctime_ns < now - TICK_NS;
}
