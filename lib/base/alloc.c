/* SPDX-License-Identifier: Apache-2.0 */
/* Allocation that aborts rather than fails. */
#include "config.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/alloc.h"

static void *
checked(void *p)
{
	if (!p) {
		fputs("hybridgrid: out of memory\n", stderr);
		abort();
	}
	return p;
}

void *
hg_xmalloc(size_t n)
{
	return checked(malloc(n ? n : 1));
}

void *
hg_xcalloc(size_t n, size_t size)
{
	return checked(calloc(n ? n : 1, size ? size : 1));
}

void *
hg_xrealloc(void *p, size_t n)
{
	return checked(realloc(p, n ? n : 1));
}

char *
hg_xstrdup(const char *s)
{
	return hg_xstrndup(s, strlen(s));
}

char *
hg_xstrndup(const char *s, size_t n)
{
	char *p;

	n = strnlen(s, n);
	p = hg_xmalloc(n + 1);
	memcpy(p, s, n);
	p[n] = '\0';
	return p;
}

void *
hg_xmemdup(const void *p, size_t n)
{
	void *q = hg_xmalloc(n);

	if (n > 0)
		memcpy(q, p, n);
	return q;
}

char *
hg_xasprintf(const char *fmt, ...)
{
	char *s = NULL;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&s, fmt, ap) < 0)
		s = NULL;
	va_end(ap);
	return checked(s);
}
