/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Digests of this machine's own files, computed once for each state of a file.
 * Any thread.
 */
#ifndef HG_WORKER_DIGESTS_H
#define HG_WORKER_DIGESTS_H

#include "lib/digest/digest.h"

struct hg_error;
struct hg_digests;

struct hg_digests *hg_digests_new(void);
void hg_digests_free(struct hg_digests *m);
/* -HG_NOTFOUND when path is not a regular file. */
int hg_digests_get(struct hg_digests *m, const char *path,
    struct hg_digest *ret,
    struct hg_error *err);

#endif
