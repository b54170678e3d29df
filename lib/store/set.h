/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The bytes of one set of inputs, as they stand in a manifest: this head, then
 * files, folders, offsets of names, and the pool of NUL-ended strings that all
 * offsets point into. Private to this folder.
 */
#ifndef HG_STORE_SET_H
#define HG_STORE_SET_H

#include <stddef.h>
#include <stdint.h>

#include "lib/base/strbuf.h"
#include "lib/digest/digest.h"
#include "lib/store/sig.h"

#define HG_SET_MAGIC UINT32_C(0x32736768)

struct hg_set_head {
	uint32_t magic;
	/* of the whole set, a multiple of 8 */
	uint32_t size;
	/* over everything behind this field */
	uint64_t check;
	struct hg_digest result;
	/* the manifest where other checkouts find the same; 0: none */
	struct hg_digest shared;
	uint64_t names;
	uint64_t compile_us;
	uint32_t n_files;
	uint32_t n_folders;
	uint32_t n_names;
	uint32_t pool_bytes;
};

enum hg_set_kind {
	/* content counts */
	HG_SET_FILE,
	/* the names in a folder count */
	HG_SET_LISTING,
	/* that it is a folder counts */
	HG_SET_EXISTS,
	/* content counts, and that PATH leads to it */
	HG_SET_PROGRAM,
	/* content counts, and the time of the last change */
	HG_SET_STAMPED,
	/* the rest are no files. The local date counts */
	HG_SET_DAY,
	/* the folder whose name the dependency file has, and what it is here */
	HG_SET_FROM,
	HG_SET_TO,
};

/*
 * In a set that any checkout can use: stands for the checkout's folder in the
 * beginning of a path.
 */
#define HG_SET_ROOT '\1'

struct hg_set_file {
	struct hg_sig sig;
	struct hg_digest digest;
	uint32_t path;
	uint32_t kind;
};

/* A folder in which look-ups failed: the first missing name of each. */
struct hg_set_folder {
	struct hg_sig sig;
	uint32_t path;
	uint32_t first_name;
	uint32_t n_names;
	uint32_t unused;
};

/* Where the parts of a set are. */
struct hg_set_view {
	struct hg_set_head *head;
	struct hg_set_file *files;
	struct hg_set_folder *folders;
	const uint32_t *names;
	const char *pool;
};

/*
 * Checks the set at p, of at most n bytes, whole: checksum, counts, offsets.
 * 0, or -1 when it is damaged.
 */
int hg_set_view(void *p, size_t n, struct hg_set_view *ret);
/* The checksum to be written into head. */
uint64_t hg_set_check(const struct hg_set_head *head);

/* The parts of a set, to be joined. Counts and checksum of head are set then. */
struct hg_set_parts {
	struct hg_set_head head;
	struct hg_strbuf files;
	struct hg_strbuf folders;
	struct hg_strbuf names;
	struct hg_strbuf pool;
};

#define HG_SET_PARTS_INIT \
 { { 0 }, HG_STRBUF_INIT, HG_STRBUF_INIT, HG_STRBUF_INIT, HG_STRBUF_INIT }

/* Appends the bytes of the set that the parts make. */
void hg_set_join(const struct hg_set_parts *p, struct hg_strbuf *out);
void hg_set_parts_release(struct hg_set_parts *p);

/*
 * Appends the bytes of a set with root in place of HG_SET_ROOT, which is noted
 * in it as HG_SET_TO.
 */
void hg_set_expand(const struct hg_set_view *v, const char *root,
    struct hg_strbuf *out);

/* The local date, as a digest. */
void hg_set_today(struct hg_digest *ret);

/* Makes a digest of content one of content and time of last change. */
void hg_set_stamp(struct hg_digest *digest, const struct hg_sig *sig);

/* Digest of the sorted names in a folder; -1 when it cannot be read. */
int hg_set_list_folder(const char *path, struct hg_digest *ret);

#endif
