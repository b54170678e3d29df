/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Manifests: for one key (compiler, arguments, environment, source) the sets of
 * inputs seen before and the result that each led to. A set holds when every
 * file in it still has its content and every look-up that failed still fails:
 * judged by one stat() a file, and one a folder for all that was missing in it;
 * contents are read again only where a stat signature differs.
 */
#ifndef HG_STORE_MANIFEST_H
#define HG_STORE_MANIFEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "lib/digest/digest.h"
#include "lib/store/sig.h"

struct hg_cache;
struct hg_error;
struct hg_memo;

/* Sets kept of one key; the least lately used goes first. */
#define HG_MANIFEST_MAX_SETS 16
/* A file that is larger is none of ours. */
#define HG_MANIFEST_MAX_BYTES ((size_t)64 << 20)

/* ---- making a set ------------------------------------------------------ */

struct hg_set_builder;

/*
 * started: hg_sig_now() from before the compile began; an input changed since
 * makes the set unusable.
 */
struct hg_set_builder *hg_set_builder_new(struct hg_memo *memo, int64_t started);
void hg_set_builder_free(struct hg_set_builder *b);
/* What is known of a file that the compiler read; either may be NULL. */
struct hg_set_proof {
	/* its signature when the compiler opened it */
	const struct hg_sig *opened;
	/* the digest of what the compiler read, which the file was compared
	 * with since the compile began */
	const struct hg_digest *digest;
};

/*
 * Each looks at the path as it is now. -HG_CORRUPT: it changed meanwhile, so
 * that nothing may be remembered; err names it. Without a proof a file that was
 * changed shortly before the compile counts as changed.
 */
int hg_set_add_file(struct hg_set_builder *b, const char *path,
    struct hg_set_proof proof, struct hg_error *err);
/* As a file, and also what its name leads to by PATH. */
int hg_set_add_program(struct hg_set_builder *b, const char *path,
    struct hg_set_proof proof, struct hg_error *err);
/* As a file, and also its time stamp. */
int hg_set_add_stamped(struct hg_set_builder *b, const char *path,
    struct hg_set_proof proof, struct hg_error *err);
/* The set holds on this day only; -HG_CORRUPT when another day has begun. */
int hg_set_add_day(struct hg_set_builder *b, struct hg_error *err);
int hg_set_add_absent(
    struct hg_set_builder *b, const char *path, struct hg_error *err);
int hg_set_add_folder(
    struct hg_set_builder *b, const char *path, struct hg_error *err);
int hg_set_add_listing(
    struct hg_set_builder *b, const char *path, struct hg_error *err);
/* The set is also to be found under key, by all checkouts. */
void hg_set_share(struct hg_set_builder *b, const struct hg_digest *key);
/*
 * Makes the set one of paths relative to root: for hg_manifest_add() under a key
 * that does not hold root, and hg_manifest_find().
 */
void hg_set_make_portable(struct hg_set_builder *b, const char *root);
/*
 * The result's key: of the manifest's key, all that the set holds, and names (as
 * below). Its first half is that of the manifest's key; its second half only has
 * to tell apart the results of one manifest.
 */
void hg_set_result_key(const struct hg_set_builder *b,
    const struct hg_digest *manifest_key, uint64_t names,
    struct hg_digest *ret);

/*
 * Puts the set in front of the manifest of key. names: checksum of the outputs'
 * names when the result is only good for those, else 0. compile_us is what a
 * hit saves.
 */
int hg_manifest_add(struct hg_cache *c, const struct hg_digest *key,
    struct hg_set_builder *b, const struct hg_digest *result,
    uint64_t names, uint64_t compile_us, struct hg_error *err);

/* ---- looking up -------------------------------------------------------- */

/* How a look-up ended. */
enum hg_lookup_end {
	/* there was none */
	HG_LOOKUP_OFF,
	/* nothing is known for the key */
	HG_LOOKUP_ABSENT,
	/* only of use for other names of the outputs */
	HG_LOOKUP_NAMES,
	/* no set holds */
	HG_LOOKUP_CHANGED,
	HG_LOOKUP_HIT,
};

struct hg_lookup {
	bool hit;
	enum hg_lookup_end end;
	struct hg_digest result;
	/* see hg_manifest_touch() */
	struct hg_digest shared;
	time_t used_s;
	uint64_t compile_us;
	/*
	 * A hit: unless NULL, the dependency file names files below from, which
	 * here are below to; owned
	 */
	char *from;
	char *to;
	/* a miss: what did not fit in the set that fits best; "" if none is */
	char why[256];
};

/*
 * Never an error: a damaged or missing manifest is a miss. names as in
 * hg_manifest_add(). A set whose signatures had to be brought up to date with
 * some effort is written back.
 */
void hg_manifest_lookup(struct hg_cache *c, const struct hg_digest *key,
    uint64_t names, struct hg_memo *memo, struct hg_lookup *ret);

/*
 * The same among portable sets, for a checkout in root. A set that holds is put
 * into the manifest of own_key, bound to own_names if it was bound to names, so
 * that it is found there the next time.
 */
struct hg_manifest_place {
	const char *root;
	/* NULL: not to be kept */
	const struct hg_digest *own_key;
	uint64_t own_names;
};
void hg_manifest_find(struct hg_cache *c, const struct hg_digest *key,
    uint64_t names, const struct hg_manifest_place *place,
    struct hg_memo *memo, struct hg_lookup *ret);

/*
 * Says that the hit was of use: notes it for the manifest of key, where the hit
 * was or would be, and for the one that checkouts share. See hg_cache_touch().
 */
void hg_manifest_touch(struct hg_cache *c, const struct hg_digest *key,
    const struct hg_lookup *l);
void hg_lookup_release(struct hg_lookup *l);

#endif
