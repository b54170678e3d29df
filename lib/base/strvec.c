/* SPDX-License-Identifier: Apache-2.0 */
/* A growing vector of owned strings. */
#include "config.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/alloc.h"
#include "lib/base/strvec.h"

void
hg_strvec_init(struct hg_strvec *sv)
{
	*sv = (struct hg_strvec)HG_STRVEC_INIT;
}

void
hg_strvec_release(struct hg_strvec *sv)
{
	if (!sv)
		return;
	for (size_t i = 0; i < sv->n; i++)
		free(sv->v[i]);
	free(sv->v);
	hg_strvec_init(sv);
}

void
hg_strvec_add_take(struct hg_strvec *sv, char *s)
{
	if (sv->n + 2 > sv->cap) {
		sv->cap = sv->cap ? sv->cap * 2 : 16;
		sv->v = hg_xrealloc(sv->v, sv->cap * sizeof(*sv->v));
	}
	sv->v[sv->n++] = s;
	sv->v[sv->n] = NULL;
}

void
hg_strvec_add(struct hg_strvec *sv, const char *s)
{
	hg_strvec_add_take(sv, hg_xstrdup(s));
}

void
hg_strvec_addf(struct hg_strvec *sv, const char *fmt, ...)
{
	char *s = NULL;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&s, fmt, ap) < 0)
		s = hg_xstrdup("");
	va_end(ap);
	hg_strvec_add_take(sv, s);
}

void
hg_strvec_add_all(struct hg_strvec *sv, const char *const *v)
{
	for (; *v; v++)
		hg_strvec_add(sv, *v);
}

long
hg_strvec_find(const struct hg_strvec *sv, const char *s)
{
	for (size_t i = 0; i < sv->n; i++)
		if (strcmp(sv->v[i], s) == 0)
			return (long)i;
	return -1;
}

static int
by_bytes(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

void
hg_strvec_sort(struct hg_strvec *sv)
{
	if (sv->n > 1)
		qsort(sv->v, sv->n, sizeof(*sv->v), by_bytes);
}
