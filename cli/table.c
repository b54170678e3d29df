/* SPDX-License-Identifier: Apache-2.0 */
/* Columns of text, each as wide as its widest cell. */
#include "config.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/table.h"
#include "cli/text.h"
#include "lib/base/alloc.h"
#include "lib/base/error.h"

void
hg_table_init(struct hg_table *t, const char *const *title)
{
	memset(t, 0, sizeof(*t));
	for (; title[t->columns]; t->columns++)
		hg_strvec_add(&t->cells, title[t->columns]);
}

void
hg_table_release(struct hg_table *t)
{
	hg_strvec_release(&t->cells);
}

void
hg_table_add(struct hg_table *t, const char *fmt, ...)
{
	char *cell;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&cell, fmt, ap);
	va_end(ap);
	hg_assert(n >= 0);
	hg_text_defuse(cell);
	hg_strvec_add_take(&t->cells, cell);
}

static size_t
width(const struct hg_table *t, size_t column)
{
	size_t w = 0;

	for (size_t i = column; i < t->cells.n; i += t->columns) {
		size_t n = strlen(t->cells.v[i]);

		w = n > w ? n : w;
	}
	return w;
}

void
hg_table_print(const struct hg_table *t)
{
	for (size_t i = 0; i < t->cells.n; i++) {
		size_t column = i % t->columns;

		if (column + 1 == t->columns)
			printf("%s\n", t->cells.v[i]);
		else
			printf("%-*s  ", (int)width(t, column), t->cells.v[i]);
	}
}
