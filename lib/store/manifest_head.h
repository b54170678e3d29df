/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What stands in front of the sets in a manifest's file: whose manifest it is
 * and which namespace it was made in.
 */
#ifndef HG_STORE_MANIFEST_HEAD_H
#define HG_STORE_MANIFEST_HEAD_H

#include <stddef.h>
#include <stdint.h>

#include "lib/digest/digest.h"

struct hg_strbuf;

#define HG_MANIFEST_MAGIC UINT32_C(0x326d6768)

struct hg_manifest_head {
	uint32_t magic;
	/* of the head with the namespace's name, a multiple of 8 */
	uint32_t size;
	/* over everything behind this field */
	uint64_t check;
	struct hg_digest key;
	/* of the name behind the head, with its NUL */
	uint32_t namespace_bytes;
	uint32_t unused;
};

/* Appends a head. */
void hg_manifest_head_add(
    const struct hg_digest *key, const char *namespace, struct hg_strbuf *out);
/*
 * The head at p, of at most n bytes; NULL when it is damaged, or of another key
 * (key may be NULL: any).
 */
const struct hg_manifest_head *hg_manifest_head_view(
    const void *p, size_t n, const struct hg_digest *key);
const char *hg_manifest_head_namespace(const struct hg_manifest_head *h);

#endif
