/* SPDX-License-Identifier: Apache-2.0 */
/* A growing byte string. */
#include "config.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/alloc.h"
#include "lib/base/error.h"
#include "lib/base/strbuf.h"

/* What an unallocated strbuf points at; never written except with its NUL. */
char hg_strbuf_empty[1];

void
hg_strbuf_init(struct hg_strbuf *sb)
{
	*sb = (struct hg_strbuf)HG_STRBUF_INIT;
}

void
hg_strbuf_release(struct hg_strbuf *sb)
{
	if (!sb)
		return;
	if (sb->cap > 0)
		free(sb->buf);
	hg_strbuf_init(sb);
}

void
hg_strbuf_reset(struct hg_strbuf *sb)
{
	hg_strbuf_setlen(sb, 0);
}

void
hg_strbuf_grow(struct hg_strbuf *sb, size_t extra)
{
	size_t need, cap;

	hg_assert(!__builtin_add_overflow(sb->len, extra, &need));
	hg_assert(!__builtin_add_overflow(need, 1, &need));
	if (need <= sb->cap)
		return;
	cap = sb->cap < 64 ? 64 : sb->cap + sb->cap / 2;
	if (cap < need)
		cap = need;
	sb->buf = hg_xrealloc(sb->cap > 0 ? sb->buf : NULL, cap);
	sb->cap = cap;
	sb->buf[sb->len] = '\0';
}

void
hg_strbuf_add(struct hg_strbuf *sb, const void *p, size_t n)
{
	if (n == 0)
		return;
	hg_strbuf_grow(sb, n);
	memcpy(sb->buf + sb->len, p, n);
	hg_strbuf_setlen(sb, sb->len + n);
}

void
hg_strbuf_adds(struct hg_strbuf *sb, const char *s)
{
	hg_strbuf_add(sb, s, strlen(s));
}

void
hg_strbuf_addc(struct hg_strbuf *sb, char c)
{
	hg_strbuf_add(sb, &c, 1);
}

void
hg_strbuf_addf(struct hg_strbuf *sb, const char *fmt, ...)
{
	int n;
	va_list ap, again;

	va_start(ap, fmt);
	va_copy(again, ap);
	n = vsnprintf(NULL, 0, fmt, ap);
	hg_assert(n >= 0);
	hg_strbuf_grow(sb, (size_t)n);
	vsnprintf(sb->buf + sb->len, (size_t)n + 1, fmt, again);
	sb->len += (size_t)n;
	va_end(again);
	va_end(ap);
}

void
hg_strbuf_setlen(struct hg_strbuf *sb, size_t len)
{
	if (sb->cap == 0) {
		hg_assert(len == 0);
		return;
	}
	hg_assert(len < sb->cap);
	sb->len = len;
	sb->buf[len] = '\0';
}

char *
hg_strbuf_detach(struct hg_strbuf *sb, size_t *ret_len)
{
	char *p;

	hg_strbuf_grow(sb, 0);
	p = sb->buf;
	if (ret_len)
		*ret_len = sb->len;
	hg_strbuf_init(sb);
	return p;
}
