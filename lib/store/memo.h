/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The digest memo: content digests by stat signature, so that a file that did
 * not change is not read again. One file of fixed size in the cache's folder,
 * shared by all processes without a lock: a slot carries its own checksum, and
 * one that was torn by two writers simply does not count.
 */
#ifndef HG_STORE_MEMO_H
#define HG_STORE_MEMO_H

#include <sys/stat.h>

#include "lib/digest/digest.h"
#include "lib/store/sig.h"

struct hg_error;
struct hg_memo;

/* Opens nothing yet. cache_dir is borrowed until free. */
struct hg_memo *hg_memo_new(const char *cache_dir);
void hg_memo_free(struct hg_memo *m);

/*
 * Digest of the file at path, of which st is the stat; read only when the memo
 * does not know it.
 */
int hg_memo_digest(struct hg_memo *m, const char *path, const struct stat *st,
    struct hg_digest *ret, struct hg_error *err);

#endif
