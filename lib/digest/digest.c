/* SPDX-License-Identifier: Apache-2.0 */
/* XXH3-128, compiled in from its header: no library call on the hit path. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A third fewer instructions a byte than by -O2: its loops are unrolled. */
#if defined(__GNUC__) && !defined(__clang__)
# pragma GCC optimize("O3")
#endif
#define XXH_INLINE_ALL
#include <xxhash.h>

#include "lib/base/alloc.h"
#include "lib/base/error.h"
#include "lib/base/fd.h"
#include "lib/base/strbuf.h"
#include "lib/digest/digest.h"

struct hg_key {
	struct hg_strbuf bytes;
};

static void
store(XXH128_hash_t h, struct hg_digest *ret)
{
	XXH128_canonical_t c;

	XXH128_canonicalFromHash(&c, h);
	memcpy(ret->b, c.digest, sizeof(ret->b));
}

void
hg_digest_bytes(const void *p, size_t n, struct hg_digest *ret)
{
	store(XXH3_128bits(p, n), ret);
}

int
hg_digest_fd(int fd, struct hg_digest *ret, struct hg_error *err)
{
	enum { CHUNK = 48 << 10 };
	XXH3_state_t *state = XXH3_createState();
	char *buf = hg_xmalloc(CHUNK);
	off_t at = 0;
	int rc = 0;

	XXH3_128bits_reset(state);
	for (;;) {
		ssize_t k = pread(fd, buf, CHUNK, at);

		if (k < 0 && errno == EINTR)
			continue;
		if (k < 0)
			rc = hg_fail_errno(err, HG_IO, "cannot read");
		if (k <= 0)
			break;
		XXH3_128bits_update(state, buf, (size_t)k);
		at += k;
	}
	if (rc == 0)
		store(XXH3_128bits_digest(state), ret);
	free(buf);
	XXH3_freeState(state);
	return rc;
}

int
hg_digest_file(const char *path, struct hg_digest *ret, struct hg_error *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	int rc;

	if (fd < 0)
		return hg_fail_errno(err,
		    errno == ENOENT || errno == ENOTDIR ? HG_NOTFOUND : HG_IO,
		    "cannot open %s", path);
	rc = hg_digest_fd(fd, ret, err);
	if (rc)
		hg_wrap(err, "%s", path);
	hg_fd_close(&fd);
	return rc;
}

bool
hg_digest_equal(const struct hg_digest *a, const struct hg_digest *b)
{
	return memcmp(a->b, b->b, sizeof(a->b)) == 0;
}

void
hg_digest_hex(const struct hg_digest *d, char ret[HG_DIGEST_HEX_BYTES])
{
	static const char hex[] = "0123456789abcdef";

	for (size_t i = 0; i < sizeof(d->b); i++) {
		ret[2 * i] = hex[d->b[i] >> 4];
		ret[2 * i + 1] = hex[d->b[i] & 15];
	}
	ret[2 * sizeof(d->b)] = '\0';
}

uint64_t
hg_checksum(const void *p, size_t n)
{
	return XXH3_64bits(p, n);
}

struct hg_checksum_state *
hg_checksum_new(void)
{
	XXH3_state_t *state = XXH3_createState();

	hg_assert(state != NULL);
	XXH3_64bits_reset(state);
	return (struct hg_checksum_state *)state;
}

void
hg_checksum_add(struct hg_checksum_state *s, const void *p, size_t n)
{
	XXH3_64bits_update((XXH3_state_t *)s, p, n);
}

uint64_t
hg_checksum_done(struct hg_checksum_state *s)
{
	uint64_t sum = XXH3_64bits_digest((XXH3_state_t *)s);

	XXH3_freeState((XXH3_state_t *)s);
	return sum;
}

struct hg_key *
hg_key_new(const char *version)
{
	struct hg_key *k = hg_xmalloc(sizeof(*k));

	hg_strbuf_init(&k->bytes);
	hg_strbuf_grow(&k->bytes, 4096);
	hg_key_adds(k, "version", version);
	return k;
}

void
hg_key_free(struct hg_key *k)
{
	if (!k)
		return;
	hg_strbuf_release(&k->bytes);
	free(k);
}

void
hg_key_add(struct hg_key *k, const char *field, const void *p, size_t n)
{
	uint64_t len = n;

	hg_strbuf_add(&k->bytes, field, strlen(field) + 1);
	hg_strbuf_add(&k->bytes, &len, sizeof(len));
	hg_strbuf_add(&k->bytes, p, n);
}

void
hg_key_adds(struct hg_key *k, const char *field, const char *s)
{
	hg_key_add(k, field, s, strlen(s));
}

void
hg_key_done(const struct hg_key *k, struct hg_digest *ret)
{
	hg_digest_bytes(k->bytes.buf, k->bytes.len, ret);
}

void
hg_key_each(const struct hg_key *k, hg_key_fn fn, void *arg)
{
	const char *p = k->bytes.buf, *end = p + k->bytes.len;

	while (p < end) {
		const char *field = p;
		uint64_t n;

		p += strlen(p) + 1;
		memcpy(&n, p, sizeof(n));
		p += sizeof(n);
		fn(field, p, n, arg);
		p += n;
	}
}
