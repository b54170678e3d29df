/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Digests of this machine's own files, computed once for each state of a file.
 * Any thread.
 */
#ifndef HG_WORKER_MEMO_H
#define HG_WORKER_MEMO_H

#include "lib/digest/digest.h"

struct hg_error;
struct hg_memo;

struct hg_memo *hg_memo_new(void);
void hg_memo_free(struct hg_memo *m);
/* -HG_NOTFOUND when path is not a regular file. */
int hg_memo_digest(struct hg_memo *m, const char *path, struct hg_digest *ret,
    struct hg_error *err);

#endif
