/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Enough of stat() to notice that a file was replaced or changed: for memory of
 * what a file was, within one process. (The cache's own, on disk, is lib/store.)
 */
#ifndef HG_BASE_FILE_SIG_H
#define HG_BASE_FILE_SIG_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

struct hg_file_sig {
	dev_t dev;
	ino_t ino;
	off_t size;
	struct timespec mtime;
	struct timespec ctime;
};

void hg_file_sig_of(const struct stat *st, struct hg_file_sig *ret);
bool hg_file_sig_equal(
    const struct hg_file_sig *a, const struct hg_file_sig *b);

/*
 * Was the last change well before now_ns (hg_wall_ns())? A second one within the
 * tick of the file system's clock would not show.
 */
bool hg_file_sig_is_settled(const struct hg_file_sig *sig, uint64_t now_ns);

#endif
