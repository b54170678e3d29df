/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Result entries: a fixed head, one record an output, their paths, stdout,
 * stderr (all under the head's checksum), then the contents, each under its own
 * checksum and copied piece by piece, so that a hit needs little memory. What
 * trees may link to is a file beside it, whose checksum is here: whoever writes
 * to it in a tree makes the result damaged, not wrong.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/alloc.h"
#include "lib/base/error.h"
#include "lib/base/fd.h"
#include "lib/base/limits.h"
#include "lib/base/strbuf.h"
#include "lib/store/cache.h"
#include "lib/store/result.h"
#include "lib/store/zip.h"

#define RESULT_MAGIC UINT64_C(0x34726768)

enum {
	MAX_OUTPUTS = 1000,
	MAX_HEAD_BYTES = 64 << 20,
	COPY_BYTES = 128 << 10,
	/* file systems share blocks of this size */
	CLONE_BYTES = 4096,
};

struct head {
	uint64_t magic;
	/* over the rest of the head, records, paths, stdout, stderr */
	uint64_t check;
	/* the entry's own: a copy under another name does not count */
	struct hg_digest key;
	/* of head, records, paths, stdout and stderr */
	uint64_t head_bytes;
	uint64_t total_bytes;
	uint64_t out_bytes;
	uint64_t err_bytes;
	uint32_t n_outputs;
	uint32_t paths_bytes;
	int64_t exit_code;
};

/* How an output's content is stored. */
enum codec {
	CODEC_PLAIN,
	CODEC_ZSTD,
	/* plain, in the file beside the entry */
	CODEC_LINKED,
};

struct record {
	uint32_t role;
	uint32_t mode;
	uint32_t codec;
	uint32_t unused;
	uint64_t offset;
	/* bytes in the entry, and of the output */
	uint64_t stored;
	uint64_t size;
	/* over the bytes in the entry */
	uint64_t check;
	uint64_t path;
};

struct hg_result_reader {
	struct hg_cache *cache;
	int fd;
	/* the file beside the entry, once it was of use */
	int linked;
	time_t used_s;
	/* the entry from its start: the head, and often all */
	struct hg_strbuf head;
	struct hg_result view;
	struct hg_output *outputs;
	const struct record *records;
};

static uint64_t
head_check(const void *head, size_t n)
{
	size_t skip = offsetof(struct head, key);

	return hg_checksum((const char *)head + skip, n - skip);
}

/* ---- writing ----------------------------------------------------------- */

/* An output as it is stored. */
struct stored {
	enum codec codec;
	const void *p;
	size_t n;
	/* zeros in front of it */
	size_t padding;
	/* holds p when it was compressed */
	struct hg_strbuf zipped;
};

static void
store_outputs(const struct hg_result *r, struct stored *stored)
{
	for (size_t i = 0; i < r->n_outputs; i++) {
		const struct hg_output *o = &r->outputs[i];
		struct stored *s = &stored[i];

		hg_strbuf_init(&s->zipped);
		s->codec = o->linked ? CODEC_LINKED : CODEC_PLAIN;
		s->p = o->p;
		s->n = o->n;
		s->padding = 0;
		if (r->zip_level > 0 && !o->linked &&
		    hg_zip(o->p, o->n, r->zip_level, &s->zipped)) {
			s->codec = CODEC_ZSTD;
			s->p = s->zipped.buf;
			s->n = s->zipped.len;
		}
	}
}

/* Gives each output its place; returns the size of the entry. */
static uint64_t
place_outputs(const struct hg_result *r, struct stored *stored,
    struct record *records, uint64_t at)
{
	for (size_t i = 0; i < r->n_outputs; i++) {
		struct record *rec = &records[i];
		bool linked = stored[i].codec == CODEC_LINKED;

		if (r->for_clones && stored[i].n >= CLONE_BYTES && !linked)
			stored[i].padding = -at % CLONE_BYTES;
		rec->role = r->outputs[i].role;
		rec->mode = r->outputs[i].mode;
		rec->codec = stored[i].codec;
		rec->offset = linked ? 0 : at + stored[i].padding;
		rec->stored = stored[i].n;
		rec->size = r->outputs[i].n;
		rec->check = hg_checksum(stored[i].p, stored[i].n);
		if (!linked)
			at = rec->offset + rec->stored;
	}
	return at;
}

static void
pack_head(const struct hg_digest *key, const struct hg_result *r,
    struct stored *stored, struct hg_strbuf *out)
{
	struct head h = { .magic = RESULT_MAGIC,
		.key = *key,
		.exit_code = r->exit_code,
		.out_bytes = r->out_n,
		.err_bytes = r->err_n,
		.n_outputs = (uint32_t)r->n_outputs };
	struct hg_strbuf paths = HG_STRBUF_INIT;
	struct record *records = hg_xcalloc(r->n_outputs, sizeof(*records));

	for (size_t i = 0; i < r->n_outputs; i++) {
		const char *path = r->outputs[i].path;

		records[i].path = paths.len;
		hg_strbuf_add(&paths, path, strlen(path) + 1);
	}
	h.paths_bytes = (uint32_t)paths.len;
	h.head_bytes = sizeof(h) + r->n_outputs * sizeof(*records) +
	    paths.len + r->out_n + r->err_n;
	h.total_bytes = place_outputs(r, stored, records, h.head_bytes);
	hg_strbuf_add(out, &h, sizeof(h));
	hg_strbuf_add(out, records, r->n_outputs * sizeof(*records));
	hg_strbuf_add(out, paths.buf, paths.len);
	hg_strbuf_add(out, r->out, r->out_n);
	hg_strbuf_add(out, r->err, r->err_n);
	h.check = head_check(out->buf, out->len);
	memcpy(out->buf, &h, sizeof(h));
	hg_strbuf_release(&paths);
	free(records);
}

/* Publishes what stands beside the entry: first, as the entry leads to it. */
static int
write_linked(struct hg_cache *c, const struct hg_digest *key,
    const struct hg_result *r, struct hg_error *err)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < r->n_outputs; i++) {
		struct hg_piece all = { r->outputs[i].p, r->outputs[i].n };

		if (r->outputs[i].linked)
			rc = hg_cache_publish(
			    c, key, HG_ENTRY_LINK, &all, 1, err);
	}
	return rc;
}

int
hg_result_write(struct hg_cache *c, const struct hg_digest *key,
    const struct hg_result *r, struct hg_error *err)
{
	static const char zeros[CLONE_BYTES];
	struct hg_strbuf head = HG_STRBUF_INIT;
	struct stored *stored;
	struct hg_piece *pieces;
	size_t n = 0;
	int rc;

	if (r->n_outputs > MAX_OUTPUTS)
		return hg_fail(
		    err, HG_TOOBIG, "the compile wrote too many files");
	stored = hg_xcalloc(r->n_outputs, sizeof(*stored));
	pieces = hg_xcalloc(2 * r->n_outputs + 1, sizeof(*pieces));
	store_outputs(r, stored);
	pack_head(key, r, stored, &head);
	pieces[n++] = (struct hg_piece){ head.buf, head.len };
	for (size_t i = 0; i < r->n_outputs; i++) {
		if (stored[i].codec == CODEC_LINKED)
			continue;
		pieces[n++] = (struct hg_piece){ zeros, stored[i].padding };
		pieces[n++] = (struct hg_piece){ stored[i].p, stored[i].n };
	}
	rc = write_linked(c, key, r, err);
	if (rc == 0)
		rc = hg_cache_publish(
		    c, key, HG_ENTRY_RESULT, pieces, n, err);
	for (size_t i = 0; i < r->n_outputs; i++)
		hg_strbuf_release(&stored[i].zipped);
	hg_strbuf_release(&head);
	free(stored);
	free(pieces);
	return rc;
}

/* ---- reading ----------------------------------------------------------- */

/* Appends the next n bytes of the entry. */
static int
read_more(struct hg_result_reader *r, size_t n)
{
	size_t at = r->head.len;

	hg_strbuf_grow(&r->head, n);
	if (pread(r->fd, r->head.buf + at, n, (off_t)at) != (ssize_t)n)
		return -1;
	hg_strbuf_setlen(&r->head, at + n);
	return 0;
}

static const struct head *
head_of(const struct hg_result_reader *r)
{
	return (const struct head *)r->head.buf;
}

/* Reads the head; false when it is damaged. */
static bool
read_head(struct hg_result_reader *r, const struct stat *st)
{
	size_t first = (size_t)st->st_size < 16384 ? (size_t)st->st_size : 16384;
	const struct head *h;
	uint64_t want;

	if (read_more(r, first) < 0 || first < sizeof(*h))
		return false;
	h = head_of(r);
	want = h->head_bytes;
	if (h->magic != RESULT_MAGIC || h->total_bytes != (uint64_t)st->st_size ||
	    want > h->total_bytes || want > MAX_HEAD_BYTES ||
	    h->n_outputs > MAX_OUTPUTS || want < sizeof(*h))
		return false;
	if (want > first && read_more(r, want - first) < 0)
		return false;
	return head_of(r)->check == head_check(head_of(r), want);
}

static bool
is_sound(const struct record *rec, const struct head *h)
{
	if (rec->codec == CODEC_LINKED)
		return rec->offset == 0 && rec->stored == rec->size;
	return rec->offset <= h->total_bytes &&
	    rec->stored <= h->total_bytes - rec->offset &&
	    (rec->codec != CODEC_PLAIN || rec->stored == rec->size);
}

static bool
view_head(struct hg_result_reader *r)
{
	const struct head *h = head_of(r);
	const char *paths, *at;

	r->records = (const struct record *)(h + 1);
	paths = (const char *)(r->records + h->n_outputs);
	at = paths + h->paths_bytes;
	if (sizeof(*h) + h->n_outputs * sizeof(*r->records) + h->paths_bytes +
		h->out_bytes + h->err_bytes !=
	    h->head_bytes ||
	    (h->n_outputs > 0 &&
		(h->paths_bytes == 0 || at[-1] != '\0')))
		return false;
	r->outputs = hg_xcalloc(h->n_outputs, sizeof(*r->outputs));
	for (uint32_t i = 0; i < h->n_outputs; i++) {
		const struct record *rec = &r->records[i];

		if (rec->path >= h->paths_bytes || !is_sound(rec, h))
			return false;
		r->outputs[i].role = rec->role;
		r->outputs[i].mode = rec->mode;
		r->outputs[i].path = paths + rec->path;
		r->outputs[i].n = rec->size;
		r->outputs[i].linked = rec->codec == CODEC_LINKED;
	}
	r->view = (struct hg_result){ .exit_code = (int)h->exit_code,
		.out = at,
		.out_n = h->out_bytes,
		.err = at + h->out_bytes,
		.err_n = h->err_bytes,
		.outputs = r->outputs,
		.n_outputs = h->n_outputs };
	return true;
}

struct hg_result_reader *
hg_result_open(struct hg_cache *c, const struct hg_digest *key,
    struct hg_error *err)
{
	struct hg_result_reader *r = hg_xcalloc(1, sizeof(*r));
	struct stat st;

	hg_strbuf_init(&r->head);
	r->cache = c;
	r->linked = -1;
	r->fd = hg_cache_open(c, key, HG_ENTRY_RESULT);
	if (r->fd < 0 && errno == ENOENT) {
		hg_fail(err, HG_NOTFOUND,
		    "the result is no longer in the cache");
		goto fail;
	}
	if (r->fd < 0 || fstat(r->fd, &st) < 0) {
		hg_fail_errno(err, HG_IO, "cannot open the cached result");
		goto fail;
	}
	if (!read_head(r, &st) || !view_head(r)) {
		hg_fail(err, HG_CORRUPT, "the cached result is damaged");
		goto fail;
	}
	if (!hg_digest_equal(&head_of(r)->key, key)) {
		hg_fail(err, HG_CORRUPT, "it is a copy of another result");
		goto fail;
	}
	r->used_s = st.st_mtim.tv_sec;
	return r;
fail:
	hg_result_close(r);
	return NULL;
}

void
hg_result_touch(struct hg_result_reader *r)
{
	if (hg_cache_touch_is_due(r->used_s))
		futimens(r->fd, NULL);
}

void
hg_result_close(struct hg_result_reader *r)
{
	if (!r)
		return;
	hg_fd_close(&r->fd);
	hg_fd_close(&r->linked);
	hg_strbuf_release(&r->head);
	free(r->outputs);
	free(r);
}

const struct hg_result *
hg_result_head(const struct hg_result_reader *r)
{
	return &r->view;
}

static int
damaged(struct hg_error *err)
{
	return hg_fail(err, HG_CORRUPT, "the cache entry is damaged");
}

/* Reads what is stored piece by piece for sink, then checks it. */
static int
stream_file(int fd, const struct record *rec, hg_sink_fn *sink, void *arg,
    struct hg_error *err)
{
	struct hg_checksum_state *sum = hg_checksum_new();
	char *buf = hg_xmalloc(COPY_BYTES);
	uint64_t left = rec->stored;
	int rc = 0;

	while (rc == 0 && left > 0) {
		ssize_t k = pread(fd, buf, left < COPY_BYTES ? left : COPY_BYTES,
		    (off_t)(rec->offset + rec->stored - left));

		if (k < 0 && errno == EINTR)
			continue;
		if (k <= 0) {
			rc = damaged(err);
			break;
		}
		hg_checksum_add(sum, buf, (size_t)k);
		rc = sink(arg, buf, (size_t)k, err);
		left -= (uint64_t)k;
	}
	if (hg_checksum_done(sum) != rec->check && rc == 0)
		rc = damaged(err);
	free(buf);
	return rc;
}

static int
stream_stored(struct hg_result_reader *r, const struct record *rec,
    hg_sink_fn *sink, void *arg, struct hg_error *err)
{
	const char *at = r->head.buf + rec->offset;

	/* small enough to have come along with the head */
	if (rec->offset + rec->stored > r->head.len)
		return stream_file(r->fd, rec, sink, arg, err);
	if (hg_checksum(at, rec->stored) != rec->check)
		return damaged(err);
	return sink(arg, at, rec->stored, err);
}

/* Opens the file beside the entry, if it may still be what it was. */
static int
open_linked(struct hg_result_reader *r, const struct record *rec,
    struct hg_error *err)
{
	struct stat st;

	if (r->linked < 0)
		r->linked = hg_cache_open(
		    r->cache, &head_of(r)->key, HG_ENTRY_LINK);
	if (r->linked < 0)
		return hg_fail(err, HG_CORRUPT,
		    "the object beside the cached result is gone");
	if (fstat(r->linked, &st) < 0 || (uint64_t)st.st_size != rec->stored)
		return damaged(err);
	return 0;
}

static int
stream_linked(struct hg_result_reader *r, const struct record *rec,
    hg_sink_fn *sink, void *arg, struct hg_error *err)
{
	int rc = open_linked(r, rec, err);

	return rc ? rc : stream_file(r->linked, rec, sink, arg, err);
}

static int
stream(struct hg_result_reader *r, size_t i, hg_sink_fn *sink, void *arg,
    struct hg_error *err)
{
	const struct record *rec = &r->records[i];
	struct hg_unzip *unzip;
	int rc, whole;

	if (rec->codec == CODEC_PLAIN)
		return stream_stored(r, rec, sink, arg, err);
	if (rec->codec == CODEC_LINKED)
		return stream_linked(r, rec, sink, arg, err);
	if (rec->codec != CODEC_ZSTD)
		return damaged(err);
	unzip = hg_unzip_new(rec->size, sink, arg);
	rc = stream_stored(r, rec, hg_unzip_add, unzip, err);
	whole = hg_unzip_done(unzip, rc ? NULL : err);
	return rc ? rc : whole;
}

static int
to_strbuf(void *arg, const void *p, size_t n, struct hg_error *err)
{
	(void)err;
	hg_strbuf_add(arg, p, n);
	return 0;
}

static int
to_nowhere(void *arg, const void *p, size_t n, struct hg_error *err)
{
	(void)arg;
	(void)p;
	(void)n;
	(void)err;
	return 0;
}

int
hg_result_copy(struct hg_result_reader *r, size_t i, hg_sink_fn *sink,
    void *arg, struct hg_error *err)
{
	return stream(r, i, sink, arg, err);
}

int
hg_result_clone(
    struct hg_result_reader *r, size_t i, int fd, struct hg_error *err)
{
	const struct record *rec = &r->records[i];
	struct file_clone_range range = { .src_fd = r->fd,
		.src_offset = rec->offset,
		.src_length = rec->stored };
	int rc;

	if (rec->codec == CODEC_ZSTD || rec->offset % CLONE_BYTES)
		return hg_fail(err, HG_UNSUPPORTED, "not stored for clones");
	rc = stream(r, i, to_nowhere, NULL, err);
	if (rec->codec == CODEC_LINKED)
		range.src_fd = r->linked;
	/* the end of the file may be shared although it ends amid a block */
	if (rec->codec == CODEC_LINKED ||
	    rec->offset + rec->stored == head_of(r)->total_bytes)
		range.src_length = 0;
	if (rc == 0 && ioctl(fd, FICLONERANGE, &range) < 0)
		rc = hg_fail_errno(
		    err, HG_UNSUPPORTED, "the file system cannot clone");
	return rc;
}

/* A link would be ours, as the others, and have the mode. */
static bool
can_link(int fd, mode_t mode)
{
	struct stat st;

	return fstat(fd, &st) == 0 && S_ISREG(st.st_mode) &&
	    st.st_uid == geteuid() && (st.st_mode & 07777) == mode;
}

int
hg_result_link(struct hg_result_reader *r, size_t i, const char *path,
    mode_t mode, struct hg_error *err)
{
	const struct record *rec = &r->records[i];
	char opened[32];
	int rc;

	if (rec->codec != CODEC_LINKED)
		return hg_fail(err, HG_UNSUPPORTED, "not stored for links");
	rc = open_linked(r, rec, err);
	if (rc)
		return rc;
	/* the very file that is checked, whatever has its name meanwhile */
	snprintf(opened, sizeof(opened), "/proc/self/fd/%d", r->linked);
	if (!can_link(r->linked, mode) ||
	    linkat(AT_FDCWD, opened, AT_FDCWD, path, AT_SYMLINK_FOLLOW) < 0)
		return hg_fail(err, HG_UNSUPPORTED, "it cannot be linked");
	rc = stream(r, i, to_nowhere, NULL, err);
	if (rc == 0 && futimens(r->linked, NULL) < 0)
		rc = hg_fail_errno(
		    err, HG_UNSUPPORTED, "cannot set the time of %s", path);
	if (rc)
		unlink(path);
	return rc;
}

bool
hg_result_remove(struct hg_cache *c, const struct hg_digest *key)
{
	bool removed = hg_cache_remove(c, key, HG_ENTRY_RESULT);

	(void)hg_cache_remove(c, key, HG_ENTRY_LINK);
	return removed;
}

int
hg_result_read(struct hg_result_reader *r, size_t i, struct hg_strbuf *ret,
    struct hg_error *err)
{
	return stream(r, i, to_strbuf, ret, err);
}
