/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A growing byte string. Always followed by a NUL that is not counted in len,
 * so that buf can be used as a C string when it holds text.
 */
#ifndef HG_BASE_STRBUF_H
#define HG_BASE_STRBUF_H

#include <stddef.h>
#include <sys/types.h>

struct hg_strbuf {
	char *buf;
	size_t len;
	size_t cap;
};

extern char hg_strbuf_empty[];
#define HG_STRBUF_INIT { hg_strbuf_empty, 0, 0 }

void hg_strbuf_init(struct hg_strbuf *sb);
/* Frees the memory; sb is as after init. NULL is allowed. */
void hg_strbuf_release(struct hg_strbuf *sb);
/* Keeps the memory, drops the contents. */
void hg_strbuf_reset(struct hg_strbuf *sb);
/* Makes room for extra more bytes. */
void hg_strbuf_grow(struct hg_strbuf *sb, size_t extra);
void hg_strbuf_add(struct hg_strbuf *sb, const void *p, size_t n);
void hg_strbuf_adds(struct hg_strbuf *sb, const char *s);
void hg_strbuf_addc(struct hg_strbuf *sb, char c);
void hg_strbuf_addf(struct hg_strbuf *sb, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/* Shortens to len, which must not be beyond the present length. */
void hg_strbuf_setlen(struct hg_strbuf *sb, size_t len);
/* Gives the buffer (length in *ret_len when not NULL) to the caller: free(). */
char *hg_strbuf_detach(struct hg_strbuf *sb, size_t *ret_len);

#endif
