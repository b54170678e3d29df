/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writing bundles. Entries carry a name, a mode and content; times, owners and
 * anything else that differs between two machines stay zero, so that the same
 * inputs always give the same bytes. The GNU tar format is used, as it takes
 * names of any bytes and any length.
 */
#include "config.h"

#include <archive.h>
#include <archive_entry.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "lib/base/alloc.h"
#include "lib/base/error.h"
#include "lib/base/path.h"
#include "lib/base/strbuf.h"
#include "lib/pack/pack.h"

/* Bundles live for one message on a fast network: cheap to make counts most. */
#define ZSTD_LEVEL "1"

struct hg_pack_writer {
	struct archive *archive;
	struct archive_entry *entry;
	struct hg_strbuf bytes;
};

static la_ssize_t
on_write(struct archive *a, void *ctx, const void *p, size_t n)
{
	struct hg_pack_writer *w = ctx;

	(void)a;
	hg_strbuf_add(&w->bytes, p, n);
	return (la_ssize_t)n;
}

static int
failed(struct hg_pack_writer *w, const char *what, struct hg_error *err)
{
	const char *why = archive_error_string(w->archive);

	return hg_fail(err, HG_INTERNAL, "cannot bundle %s: %s", what,
	    why ? why : "libarchive does not say why");
}

static int
configure(struct hg_pack_writer *w)
{
	struct archive *a = w->archive;

	if (archive_write_set_format_gnutar(a) != ARCHIVE_OK ||
	    archive_write_add_filter_zstd(a) != ARCHIVE_OK ||
	    archive_write_set_filter_option(
		a, "zstd", "compression-level", ZSTD_LEVEL) != ARCHIVE_OK ||
	    archive_write_set_bytes_in_last_block(a, 1) != ARCHIVE_OK)
		return -1;
	return archive_write_open(a, w, NULL, on_write, NULL);
}

struct hg_pack_writer *
hg_pack_writer_new(struct hg_error *err)
{
	struct hg_pack_writer *w = hg_xcalloc(1, sizeof(*w));

	hg_strbuf_init(&w->bytes);
	w->archive = archive_write_new();
	w->entry = archive_entry_new();
	if (!w->archive || !w->entry) {
		hg_fail(err, HG_NOMEM, "cannot set up libarchive");
		goto fail;
	}
	if (configure(w) != ARCHIVE_OK) {
		failed(w, "anything", err);
		goto fail;
	}
	return w;
fail:
	hg_pack_writer_free(w);
	return NULL;
}

/* The name inside the archive, or NULL and err. */
static const char *
inner_name(const char *path, struct hg_error *err)
{
	if (*path == '/' && hg_path_is_beneath(path + 1))
		return path + 1;
	hg_fail(err, HG_INVALID,
	    "cannot bundle '%.150s': not a plain absolute path", path);
	return NULL;
}

static int
put_header(struct hg_pack_writer *w, const char *name, struct hg_error *err)
{
	archive_entry_copy_pathname(w->entry, name);
	if (archive_write_header(w->archive, w->entry) != ARCHIVE_OK)
		return failed(w, name, err);
	return 0;
}

int
hg_pack_add_file(struct hg_pack_writer *w, const char *path, uint32_t mode,
    const void *p, size_t n, struct hg_error *err)
{
	const char *name = inner_name(path, err);
	int rc;

	if (!name)
		return -HG_INVALID;
	archive_entry_clear(w->entry);
	archive_entry_set_filetype(w->entry, AE_IFREG);
	archive_entry_set_perm(w->entry, mode & 0777);
	archive_entry_set_size(w->entry, (la_int64_t)n);
	rc = put_header(w, name, err);
	if (rc == 0 && n > 0 &&
	    archive_write_data(w->archive, p, n) != (la_ssize_t)n)
		rc = failed(w, name, err);
	return rc;
}

size_t
hg_pack_writer_bytes(const struct hg_pack_writer *w)
{
	return w->bytes.len;
}

int
hg_pack_writer_finish(
    struct hg_pack_writer *w, struct hg_strbuf *out, struct hg_error *err)
{
	if (archive_write_close(w->archive) != ARCHIVE_OK)
		return failed(w, "the last block", err);
	hg_strbuf_add(out, w->bytes.buf, w->bytes.len);
	return 0;
}

void
hg_pack_writer_free(struct hg_pack_writer *w)
{
	if (!w)
		return;
	archive_entry_free(w->entry);
	archive_write_free(w->archive);
	hg_strbuf_release(&w->bytes);
	free(w);
}
