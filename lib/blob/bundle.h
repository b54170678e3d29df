/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Contents on their way: a tar archive, zstd-compressed, of files whose names
 * are the hex of their SHA-256. Any thread.
 */
#ifndef HG_BLOB_BUNDLE_H
#define HG_BLOB_BUNDLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/digest/content_id.h"

struct hg_blobs;
struct hg_error;
struct hg_pack_writer;
struct hg_strbuf;

/* Would a content of n bytes make the bundle too large for a message? */
bool hg_bundle_is_full(const struct hg_pack_writer *w, size_t n);

int hg_bundle_add(struct hg_pack_writer *w, const struct hg_content_id *id,
    const void *p, size_t n, struct hg_error *err);

/* Puts all contents of a bundle into b. Errors of hg_pack_each() and put. */
int hg_bundle_store(
    struct hg_blobs *b, const void *p, size_t n, struct hg_error *err);

/*
 * Appends a bundle of the contents in ids that b has, as many as fit.
 * -HG_NOTFOUND when it has none of them.
 */
int hg_bundle_make(struct hg_blobs *b, const struct hg_content_id *ids,
    size_t n, struct hg_strbuf *out, struct hg_error *err);

#endif
