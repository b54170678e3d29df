/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Records: what is remembered of the last compile of a source that was not
 * found in the cache, so that "hgbuild why" can tell the reason. A record is a
 * list of named values. Records lie below the cache's folder, in a fixed number
 * of slots that the hash of their identity picks: a newer one may push out that
 * of another compile, and there are never too many.
 */
#ifndef HG_STORE_RECORD_H
#define HG_STORE_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/strbuf.h"
#include "lib/digest/digest.h"

struct hg_error;

/* The largest record that is read; writers keep well below it. */
#define HG_MAX_RECORD_BYTES ((size_t)1 << 20)

struct hg_record {
	struct hg_strbuf bytes;
};
#define HG_RECORD_INIT { HG_STRBUF_INIT }

void hg_record_release(struct hg_record *r);
void hg_record_add(
    struct hg_record *r, const char *name, const void *p, size_t n);
void hg_record_adds(struct hg_record *r, const char *name, const char *text);
void hg_record_addu(struct hg_record *r, const char *name, uint64_t number);

/* One value; p is followed by a NUL that n does not count. Borrowed. */
struct hg_record_field {
	const char *name;
	const char *p;
	size_t n;
};

/*
 * The field at *at, an offset that starts at 0 and is moved on; false at the
 * end, or where the bytes make no sense.
 */
bool hg_record_next(const struct hg_record *r, size_t *at,
    struct hg_record_field *ret);
/* The first field of that name; false when there is none. */
bool hg_record_find(const struct hg_record *r, const char *name,
    struct hg_record_field *ret);
/* As text ("" when there is none) and as a number (0). Borrowed. */
const char *hg_record_text(const struct hg_record *r, const char *name);
uint64_t hg_record_number(const struct hg_record *r, const char *name);

/* Puts it in its slot below the cache's folder, all at once. */
int hg_record_write(const char *cache_dir, const struct hg_digest *id,
    const struct hg_record *r, struct hg_error *err);
/* -HG_NOTFOUND when the slot is empty or another's; -HG_CORRUPT. */
int hg_record_read(const char *cache_dir, const struct hg_digest *id,
    struct hg_record *ret, struct hg_error *err);
/* Calls fn on each record there is; those that are damaged are passed over. */
void hg_record_scan(const char *cache_dir,
    void (*fn)(const struct hg_record *r, void *arg), void *arg);

#endif
