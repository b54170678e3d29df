/* SPDX-License-Identifier: Apache-2.0 */
/* Bundles of contents, made and stored. */
#include "config.h"

#include "lib/base/error.h"
#include "lib/base/limits.h"
#include "lib/base/strbuf.h"
#include "lib/blob/blobs.h"
#include "lib/blob/bundle.h"
#include "lib/pack/pack.h"

/* Of packed bytes; a message may have 64 MiB. */
#define FULL_BYTES ((size_t)24 << 20)

/* Programs and sources shrink to a third at least. */
bool
hg_bundle_is_full(const struct hg_pack_writer *w, size_t n)
{
	return hg_pack_writer_bytes(w) + n / 3 > FULL_BYTES;
}

int
hg_bundle_add(struct hg_pack_writer *w, const struct hg_content_id *id,
    const void *p, size_t n, struct hg_error *err)
{
	/* the archive's writer wants an absolute name, and drops the slash */
	char name[HG_CONTENT_ID_HEX_BYTES + 1] = "/";

	hg_content_id_hex(id, name + 1);
	return hg_pack_add_file(w, name, 0600, p, n, err);
}

static int
store_one(void *arg, const char *name, const void *p, size_t n,
    struct hg_error *err)
{
	struct hg_content_id id;

	if (!hg_content_id_parse(name, &id))
		return hg_fail(err, HG_DENIED,
		    "refused %.100s of the bundle: not a content's name", name);
	return hg_blobs_put(arg, &id, p, n, err);
}

int
hg_bundle_store(
    struct hg_blobs *b, const void *p, size_t n, struct hg_error *err)
{
	const struct hg_pack_limits limits = {
		.max_entries = HG_MAX_INPUTS,
		.max_bytes = HG_MAX_FILE_BYTES,
	};

	return hg_pack_each(p, n, &limits, store_one, b, err);
}

int
hg_bundle_make(struct hg_blobs *b, const struct hg_content_id *ids, size_t n,
    struct hg_strbuf *out, struct hg_error *err)
{
	struct hg_pack_writer *w = hg_pack_writer_new(err);
	struct hg_strbuf content = HG_STRBUF_INIT;
	size_t taken = 0;
	int rc = 0;

	if (!w)
		return -HG_NOMEM;
	for (size_t i = 0; rc == 0 && i < n; i++) {
		hg_strbuf_reset(&content);
		rc = hg_blobs_get(b, &ids[i], &content, err);
		if (rc == 0 && taken > 0 && hg_bundle_is_full(w, content.len))
			break;
		if (rc == 0)
			rc = hg_bundle_add(
			    w, &ids[i], content.buf, content.len, err);
		taken += rc == 0;
		/* one that is gone keeps none of the others back */
		if (rc == -HG_NOTFOUND)
			rc = 0;
	}
	if (rc == 0 && taken == 0)
		rc = hg_fail(err, HG_NOTFOUND, "none of the contents is here");
	if (rc == 0)
		rc = hg_pack_writer_finish(w, out, err);
	hg_pack_writer_free(w);
	hg_strbuf_release(&content);
	return rc;
}
