/* SPDX-License-Identifier: Apache-2.0 */
/* SHA-256 by libcrypto, which uses the processor's own instructions for it. */
#include "config.h"

#include <errno.h>
#include <openssl/evp.h>
#include <openssl/sha.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/alloc.h"
#include "lib/base/error.h"
#include "lib/digest/content_id.h"

void
hg_content_id_bytes(const void *p, size_t n, struct hg_content_id *ret)
{
	SHA256(p, n, ret->b);
}

int
hg_content_id_fd(int fd, struct hg_content_id *ret, struct hg_error *err)
{
	enum { CHUNK = 1 << 18 };
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	char *buf = hg_xmalloc(CHUNK);
	off_t at = 0;
	int rc = 0;

	if (!ctx || !EVP_DigestInit_ex(ctx, EVP_sha256(), NULL))
		rc = hg_fail(err, HG_NOMEM, "cannot set up SHA-256");
	while (rc == 0) {
		ssize_t k = pread(fd, buf, CHUNK, at);

		if (k < 0 && errno == EINTR)
			continue;
		if (k < 0)
			rc = hg_fail_errno(err, HG_IO, "cannot read");
		if (k <= 0)
			break;
		EVP_DigestUpdate(ctx, buf, (size_t)k);
		at += k;
	}
	if (rc == 0)
		EVP_DigestFinal_ex(ctx, ret->b, NULL);
	free(buf);
	EVP_MD_CTX_free(ctx);
	return rc;
}

bool
hg_content_id_equal(
    const struct hg_content_id *a, const struct hg_content_id *b)
{
	return memcmp(a->b, b->b, sizeof(a->b)) == 0;
}

bool
hg_content_id_is_set(const struct hg_content_id *id)
{
	static const struct hg_content_id none;

	return !hg_content_id_equal(id, &none);
}

void
hg_content_id_hex(
    const struct hg_content_id *id, char ret[HG_CONTENT_ID_HEX_BYTES])
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < sizeof(id->b); i++) {
		ret[2 * i] = digits[id->b[i] >> 4];
		ret[2 * i + 1] = digits[id->b[i] & 15];
	}
	ret[2 * sizeof(id->b)] = '\0';
}

static int
digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool
hg_content_id_parse(const char *hex, struct hg_content_id *ret)
{
	if (strlen(hex) != 2 * sizeof(ret->b))
		return false;
	for (size_t i = 0; i < sizeof(ret->b); i++) {
		int high = digit(hex[2 * i]), low = digit(hex[2 * i + 1]);

		if (high < 0 || low < 0)
			return false;
		ret->b[i] = (unsigned char)(high << 4 | low);
	}
	return true;
}
