/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stat signatures: what stat() says of a file that cannot stay the same when
 * its content changes, provided that the file was not changed within the same
 * tick of the clock in which the signature was taken.
 */
#ifndef HG_STORE_SIG_H
#define HG_STORE_SIG_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

struct hg_sig {
	uint64_t size;
	uint64_t ino;
	int64_t mtime_ns;
	int64_t ctime_ns;
};

void hg_sig_of(const struct stat *st, struct hg_sig *ret);
bool hg_sig_equal(const struct hg_sig *a, const struct hg_sig *b);

/*
 * Now; ns since 1970. File systems stamp with a clock that may lag behind this
 * one by a tick, never run before it.
 */
int64_t hg_sig_now(void);
/*
 * May the signature stand for the content read at or after `now` (taken before
 * the reading)? Not when the file's times are within a tick of it, or later.
 */
bool hg_sig_is_settled(const struct hg_sig *s, int64_t now);

#endif
