/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Contents on disk, by their SHA-256: headers, sources, lists of inputs, parts
 * of toolchains. Bounded in size, the least recently used go first; what is kept
 * is there after a restart. A content is checked when it comes in and when it is
 * first read after a start, so that neither a sender nor a disk can put one in
 * another's place. Several processes may share a folder: what one has dropped is
 * not found by the others, and they take note of it. Any thread.
 */
#ifndef HG_BLOB_BLOBS_H
#define HG_BLOB_BLOBS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "lib/digest/content_id.h"

struct hg_blobs;
struct hg_error;
struct hg_strbuf;

struct hg_blobs_stats {
	uint64_t entries;
	uint64_t bytes;
	/* contents and bytes that came in since the start */
	uint64_t stored;
	uint64_t stored_bytes;
	uint64_t evicted;
};

/* Makes the folder when it is missing. max_bytes 0: without limit. */
struct hg_blobs *hg_blobs_open(
    const char *dir, uint64_t max_bytes, struct hg_error *err);
void hg_blobs_close(struct hg_blobs *b);

/* It may still be gone when it is asked for. */
bool hg_blobs_has(struct hg_blobs *b, const struct hg_content_id *id);
/* -HG_CORRUPT when the bytes are not what id says; -HG_IO. */
int hg_blobs_put(struct hg_blobs *b, const struct hg_content_id *id,
    const void *p, size_t n, struct hg_error *err);
/* Appends it. -HG_NOTFOUND: it is not here (any more). */
int hg_blobs_get(struct hg_blobs *b, const struct hg_content_id *id,
    struct hg_strbuf *ret, struct hg_error *err);
/*
 * A new file with that content; what exists is left alone (-HG_DENIED). Errors
 * as of hg_blobs_get().
 */
int hg_blobs_copy(struct hg_blobs *b, const struct hg_content_id *id, int dir,
    const char *name, mode_t mode, struct hg_error *err);

/*
 * The content itself under a further name, for those who only read it: a link
 * where that is possible, else a copy. mode is added to what others gave it.
 */
int hg_blobs_link(struct hg_blobs *b, const struct hg_content_id *id, int dir,
    const char *name, mode_t mode, struct hg_error *err);

void hg_blobs_stats(struct hg_blobs *b, struct hg_blobs_stats *ret);

#endif
