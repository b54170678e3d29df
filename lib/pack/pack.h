/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bundles: tar archives, zstd-compressed, made and read with libarchive. The
 * same inputs in the same order give the same bytes (no times, no owners).
 */
#ifndef HG_PACK_PACK_H
#define HG_PACK_PACK_H

#include <stddef.h>
#include <stdint.h>

struct hg_error;
struct hg_pack_writer;
struct hg_strbuf;

struct hg_pack_writer *hg_pack_writer_new(struct hg_error *err);
/* path is absolute; its leading slash is left out of the archive. */
int hg_pack_add_file(struct hg_pack_writer *w, const char *path, uint32_t mode,
    const void *p, size_t n, struct hg_error *err);
/* Packed bytes so far, of which the compressor may still hold some back. */
size_t hg_pack_writer_bytes(const struct hg_pack_writer *w);
/* Ends the archive and appends it to out. */
int hg_pack_writer_finish(
    struct hg_pack_writer *w, struct hg_strbuf *out, struct hg_error *err);
void hg_pack_writer_free(struct hg_pack_writer *w);

struct hg_pack_limits {
	size_t max_entries;
	/* decoded content; checked while decoding */
	uint64_t max_bytes;
};

/*
 * Calls fn for each entry of a bundle that holds nothing but regular files, with
 * the file's name and content (valid during the call); ends with the first error
 * of fn's. Anything else in it is refused (-HG_DENIED); more than the limits is
 * -HG_TOOBIG, a damaged or cut archive -HG_CORRUPT. Any thread.
 */
typedef int (*hg_pack_fn)(void *arg, const char *name, const void *p, size_t n,
    struct hg_error *err);
int hg_pack_each(const void *p, size_t n, const struct hg_pack_limits *limits,
    hg_pack_fn fn, void *arg, struct hg_error *err);

#endif
