/* SPDX-License-Identifier: Apache-2.0 */
/* What is remembered of a file, and how it is compared. */
#include "config.h"

#include <string.h>

#include "lib/base/file_sig.h"
#include "lib/base/time.h"

/* Well over the tick of any file system's clock on Linux. */
#define SETTLED_NS (100 * HG_NS_PER_MS)

void
hg_file_sig_of(const struct stat *st, struct hg_file_sig *ret)
{
	/* compared as bytes, so no padding may be left to chance */
	memset(ret, 0, sizeof(*ret));
	ret->dev = st->st_dev;
	ret->ino = st->st_ino;
	ret->size = st->st_size;
	ret->mtime = st->st_mtim;
	ret->ctime = st->st_ctim;
}

bool
hg_file_sig_equal(const struct hg_file_sig *a, const struct hg_file_sig *b)
{
	return memcmp(a, b, sizeof(*a)) == 0;
}

bool
hg_file_sig_is_settled(const struct hg_file_sig *sig, uint64_t now_ns)
{
	const struct timespec *times[] = { &sig->mtime, &sig->ctime };

	for (int i = 0; i < 2; i++) {
		uint64_t t = (uint64_t)times[i]->tv_sec * HG_NS_PER_SEC +
		    (uint64_t)times[i]->tv_nsec;

		/* an mtime to come is set by hand; the ctime tells then */
		if (t <= now_ns && now_ns - t < SETTLED_NS)
			return false;
	}
	return true;
}
