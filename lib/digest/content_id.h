/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SHA-256 of a content: its name between machines that need not trust each
 * other, which XXH3 cannot be. All zero stands for none.
 */
#ifndef HG_DIGEST_CONTENT_ID_H
#define HG_DIGEST_CONTENT_ID_H

#include <stdbool.h>
#include <stddef.h>

struct hg_error;

#define HG_CONTENT_ID_BYTES 32
#define HG_CONTENT_ID_HEX_BYTES 65

struct hg_content_id {
	unsigned char b[HG_CONTENT_ID_BYTES];
};

void hg_content_id_bytes(const void *p, size_t n, struct hg_content_id *ret);
/* Whole content of an open file, from its start. */
int hg_content_id_fd(int fd, struct hg_content_id *ret, struct hg_error *err);
bool hg_content_id_equal(
    const struct hg_content_id *a, const struct hg_content_id *b);
bool hg_content_id_is_set(const struct hg_content_id *id);
/* Lower-case hex with a NUL. */
void hg_content_id_hex(
    const struct hg_content_id *id, char ret[HG_CONTENT_ID_HEX_BYTES]);
/* False when the text is anything but such hex. */
bool hg_content_id_parse(const char *hex, struct hg_content_id *ret);

#endif
