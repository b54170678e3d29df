/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The head of a manifest's file. With the key in it, a file that was copied or
 * restored under another name is not taken for what its name says.
 */
#include "config.h"

#include <string.h>

#include "lib/base/strbuf.h"
#include "lib/store/manifest_head.h"

static uint64_t
head_check(const struct hg_manifest_head *h)
{
	size_t skip = offsetof(struct hg_manifest_head, key);

	return hg_checksum((const char *)h + skip, h->size - skip);
}

void
hg_manifest_head_add(
    const struct hg_digest *key, const char *namespace, struct hg_strbuf *out)
{
	struct hg_manifest_head h = { .magic = HG_MANIFEST_MAGIC,
		.key = *key,
		.namespace_bytes = (uint32_t)strlen(namespace) + 1 };
	size_t start = out->len;
	static const char zeros[8];

	hg_strbuf_add(out, &h, sizeof(h));
	hg_strbuf_add(out, namespace, h.namespace_bytes);
	hg_strbuf_add(out, zeros, -(out->len - start) % 8);
	h.size = (uint32_t)(out->len - start);
	memcpy(out->buf + start, &h, sizeof(h));
	h.check = head_check((struct hg_manifest_head *)(out->buf + start));
	memcpy(out->buf + start, &h, sizeof(h));
}

const struct hg_manifest_head *
hg_manifest_head_view(const void *p, size_t n, const struct hg_digest *key)
{
	const struct hg_manifest_head *h = p;
	const char *name = (const char *)(h + 1);

	if (n < sizeof(*h) || h->magic != HG_MANIFEST_MAGIC || h->size > n ||
	    h->size < sizeof(*h) || h->size % 8 || h->namespace_bytes == 0 ||
	    h->namespace_bytes > h->size - sizeof(*h) ||
	    h->check != head_check(h) ||
	    name[h->namespace_bytes - 1] != '\0')
		return NULL;
	if (key && !hg_digest_equal(key, &h->key))
		return NULL;
	return h;
}

const char *
hg_manifest_head_namespace(const struct hg_manifest_head *h)
{
	return (const char *)(h + 1);
}
