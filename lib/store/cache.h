/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The cache's folder: entries are files named by their key, fanned out by the
 * first two hex digits (DIR/ab/ab12….m), published by rename. Every file that
 * comes or goes is counted (usage.h).
 *
 * The keys of all that was made of one source begin alike, and a result's like
 * its manifest's: all stand in one folder, and one listing tells whether there
 * are results for the manifests and manifests for the results.
 */
#ifndef HG_STORE_CACHE_H
#define HG_STORE_CACHE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "lib/digest/digest.h"

struct hg_error;
struct hg_usage;

/* Endings of entries. */
#define HG_ENTRY_MANIFEST "m"
#define HG_ENTRY_RESULT "o"
/* an object of a result, as a file that trees may have hard links to */
#define HG_ENTRY_LINK "l"
/* Bytes that the keys of a manifest and its results have in common. */
#define HG_PAIR_BYTES (HG_DIGEST_BYTES / 2)

struct hg_cache;

/* Touches nothing on disk. dir is copied. */
struct hg_cache *hg_cache_new(const char *dir);
void hg_cache_free(struct hg_cache *c);
/* A file of the same size and mtime is to count as unchanged. */
void hg_cache_trust_mtime(struct hg_cache *c);
bool hg_cache_trusts_mtime(const struct hg_cache *c);
const char *hg_cache_dir(const struct hg_cache *c);
/* What new manifests are marked with; "" at first. Borrowed. */
void hg_cache_set_namespace(struct hg_cache *c, const char *name);
const char *hg_cache_namespace(const struct hg_cache *c);
/* Opened when first asked for; NULL when it cannot be. Owned by c. */
struct hg_usage *hg_cache_usage(struct hg_cache *c, struct hg_error *err);

/* Opens an entry for reading; -1 and errno when it cannot be. */
int hg_cache_open(
    const struct hg_cache *c, const struct hg_digest *key, const char *ending);

/* Publishes an entry made of pieces, in place of an older one. */
struct hg_piece {
	const void *p;
	size_t n;
};
int hg_cache_publish(struct hg_cache *c, const struct hg_digest *key,
    const char *ending, const struct hg_piece *pieces, size_t n_pieces,
    struct hg_error *err);

/*
 * How recently an entry was of use is its file's time, good to an hour: is it
 * due to be noted again, for one whose time is used_s?
 */
bool hg_cache_touch_is_due(time_t used_s);
/* Notes that an entry is of use now, if it is there and ours. */
void hg_cache_touch(
    struct hg_cache *c, const struct hg_digest *key, const char *ending);

/* True when there was one, and it was removed by us. */
bool hg_cache_remove(
    struct hg_cache *c, const struct hg_digest *key, const char *ending);

#endif
