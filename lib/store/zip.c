/* SPDX-License-Identifier: Apache-2.0 */
/* Compression with zstd: whole when written, in pieces when read. */
#include "config.h"

#include <stdlib.h>
#include <zstd.h>

#include "lib/base/alloc.h"
#include "lib/base/error.h"
#include "lib/base/strbuf.h"
#include "lib/store/zip.h"

enum {
	/* below this the frame's own bytes eat what is saved */
	MIN_BYTES = 512,
	PIECE_BYTES = 64 << 10,
};

struct hg_unzip {
	ZSTD_DStream *stream;
	uint64_t left;
	hg_sink_fn *sink;
	void *arg;
	bool ended;
	char piece[PIECE_BYTES];
};

bool
hg_zip(const void *p, size_t n, int level, struct hg_strbuf *ret)
{
	size_t k, start = ret->len;

	if (n < MIN_BYTES)
		return false;
	hg_strbuf_grow(ret, ZSTD_compressBound(n));
	k = ZSTD_compress(
	    ret->buf + start, ZSTD_compressBound(n), p, n, level);
	if (ZSTD_isError(k) || k > n - n / 8)
		return false;
	hg_strbuf_setlen(ret, start + k);
	return true;
}

struct hg_unzip *
hg_unzip_new(uint64_t size, hg_sink_fn *sink, void *arg)
{
	struct hg_unzip *u = hg_xmalloc(sizeof(*u));

	u->stream = ZSTD_createDStream();
	hg_assert(u->stream != NULL);
	u->left = size;
	u->sink = sink;
	u->arg = arg;
	u->ended = false;
	return u;
}

static int
damaged(struct hg_error *err)
{
	return hg_fail(err, HG_CORRUPT, "compressed data is damaged");
}

int
hg_unzip_add(void *arg, const void *p, size_t n, struct hg_error *err)
{
	struct hg_unzip *u = arg;
	ZSTD_inBuffer in = { p, n, 0 };

	for (;;) {
		ZSTD_outBuffer out = { u->piece, sizeof(u->piece), 0 };
		size_t rest = ZSTD_decompressStream(u->stream, &out, &in);
		int rc;

		if (ZSTD_isError(rest) || out.pos > u->left)
			return damaged(err);
		u->left -= out.pos;
		u->ended = rest == 0;
		rc = u->sink(u->arg, u->piece, out.pos, err);
		if (rc)
			return rc;
		/* done with this input, and nothing is held back */
		if (in.pos == in.size && out.pos < out.size)
			return 0;
		if (u->ended)
			return in.pos == in.size ? 0 : damaged(err);
	}
}

int
hg_unzip_done(struct hg_unzip *u, struct hg_error *err)
{
	bool whole = u->ended && u->left == 0;

	ZSTD_freeDStream(u->stream);
	free(u);
	return whole ? 0 : damaged(err);
}
