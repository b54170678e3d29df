/* SPDX-License-Identifier: Apache-2.0 */
/* Compression of what results hold, with zstd. Private to this folder. */
#ifndef HG_STORE_ZIP_H
#define HG_STORE_ZIP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct hg_error;
struct hg_strbuf;

/* Takes a piece of an output; 0 or -code. */
typedef int hg_sink_fn(
    void *arg, const void *p, size_t n, struct hg_error *err);

/* Appends p compressed, if that saves at least an eighth; else false. */
bool hg_zip(const void *p, size_t n, int level, struct hg_strbuf *ret);

/* Decompresses pieces as they come, for a sink, to exactly size bytes. */
struct hg_unzip;
struct hg_unzip *hg_unzip_new(uint64_t size, hg_sink_fn *sink, void *arg);
/* A sink itself: arg is the struct hg_unzip. -HG_CORRUPT: not what was zipped. */
int hg_unzip_add(void *arg, const void *p, size_t n, struct hg_error *err);
/* Whether all came. Frees. */
int hg_unzip_done(struct hg_unzip *u, struct hg_error *err);

#endif
