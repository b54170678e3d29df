/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The cache's folder: entries are files named by their key, fanned out by the
 * first two hex digits (DIR/ab/ab12….m), published by rename.
 */
#ifndef HG_STORE_CACHE_H
#define HG_STORE_CACHE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/digest/digest.h"

struct hg_error;

/* Endings of entries. */
#define HG_ENTRY_MANIFEST "m"
#define HG_ENTRY_RESULT "o"

struct hg_cache;

/* Touches nothing on disk. dir is copied. */
struct hg_cache *hg_cache_new(const char *dir);
void hg_cache_free(struct hg_cache *c);
/* A file of the same size and mtime is to count as unchanged. */
void hg_cache_trust_mtime(struct hg_cache *c);
bool hg_cache_trusts_mtime(const struct hg_cache *c);
const char *hg_cache_dir(const struct hg_cache *c);

/* Opens an entry for reading; -1 and errno when it cannot be. */
int hg_cache_open(
    const struct hg_cache *c, const struct hg_digest *key, const char *ending);

/*
 * Publishes an entry made of pieces, in place of an older one.
 * *ret_grown (may be NULL) is by how many bytes the cache grew.
 */
struct hg_piece {
	const void *p;
	size_t n;
};
int hg_cache_publish(const struct hg_cache *c, const struct hg_digest *key,
    const char *ending, const struct hg_piece *pieces, size_t n_pieces,
    int64_t *ret_grown, struct hg_error *err);

void hg_cache_remove(
    const struct hg_cache *c, const struct hg_digest *key, const char *ending);

/* Removes all entries. *ret_removed is their number. */
int hg_cache_clear(
    struct hg_cache *c, uint64_t *ret_removed, struct hg_error *err);

/* Counts the entries and their bytes by looking at each. */
int hg_cache_measure(const struct hg_cache *c, uint64_t *ret_entries,
    uint64_t *ret_bytes, struct hg_error *err);

#endif
