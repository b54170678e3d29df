/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bundles of plain contents, read in memory: libarchive decodes, and what an
 * entry says of its own size is not believed.
 */
#include "config.h"

#include <archive.h>
#include <archive_entry.h>
#include <inttypes.h>

#include "lib/base/error.h"
#include "lib/base/strbuf.h"
#include "lib/pack/pack.h"

struct each {
	struct archive *archive;
	const struct hg_pack_limits *limits;
	size_t entries;
	uint64_t bytes;
	struct hg_strbuf content;
	hg_pack_fn fn;
	void *arg;
};

static int
damaged(struct each *x, struct hg_error *err)
{
	const char *why = archive_error_string(x->archive);

	return hg_fail(err, HG_CORRUPT, "the bundle is damaged: %s",
	    why ? why : "libarchive does not say why");
}

static int
read_content(struct each *x, struct hg_error *err)
{
	la_int64_t offset;
	const void *p;
	size_t n;

	hg_strbuf_reset(&x->content);
	for (;;) {
		int r = archive_read_data_block(x->archive, &p, &n, &offset);

		if (r == ARCHIVE_EOF)
			return 0;
		if (r != ARCHIVE_OK)
			return damaged(x, err);
		if (offset != (la_int64_t)x->content.len)
			return hg_fail(err, HG_DENIED,
			    "refused a file with holes in the bundle");
		if (n > x->limits->max_bytes - x->bytes)
			return hg_fail(err, HG_TOOBIG,
			    "the bundle holds more than %" PRIu64 " bytes",
			    x->limits->max_bytes);
		x->bytes += n;
		hg_strbuf_add(&x->content, p, n);
	}
}

static int
take_entry(struct each *x, struct archive_entry *e, struct hg_error *err)
{
	const char *name = archive_entry_pathname(e);
	int rc;

	if (++x->entries > x->limits->max_entries)
		return hg_fail(err, HG_TOOBIG,
		    "the bundle has more than %zu entries",
		    x->limits->max_entries);
	if (!name || archive_entry_filetype(e) != AE_IFREG ||
	    archive_entry_hardlink(e))
		return hg_fail(err, HG_DENIED,
		    "refused %.150s of the bundle: not a regular file",
		    name ? name : "an entry");
	rc = read_content(x, err);
	return rc ? rc : x->fn(x->arg, name, x->content.buf, x->content.len, err);
}

static int
take_all(struct each *x, struct hg_error *err)
{
	struct archive_entry *e;
	int rc = 0;

	while (rc == 0) {
		int r = archive_read_next_header(x->archive, &e);

		if (r == ARCHIVE_EOF)
			return 0;
		if (r != ARCHIVE_OK)
			return damaged(x, err);
		rc = take_entry(x, e, err);
	}
	return rc;
}

int
hg_pack_each(const void *p, size_t n, const struct hg_pack_limits *limits,
    hg_pack_fn fn, void *arg, struct hg_error *err)
{
	struct each x = {
		.archive = archive_read_new(),
		.limits = limits,
		.content = HG_STRBUF_INIT,
		.fn = fn,
		.arg = arg,
	};
	int rc;

	if (!x.archive)
		return hg_fail(err, HG_NOMEM, "cannot set up libarchive");
	if (archive_read_support_format_tar(x.archive) != ARCHIVE_OK ||
	    archive_read_support_filter_zstd(x.archive) != ARCHIVE_OK ||
	    archive_read_open_memory(x.archive, p, n) != ARCHIVE_OK)
		rc = damaged(&x, err);
	else
		rc = take_all(&x, err);
	archive_read_free(x.archive);
	hg_strbuf_release(&x.content);
	return rc;
}
