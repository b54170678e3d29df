/* SPDX-License-Identifier: Apache-2.0 */
/* Columns of text. */
#ifndef HG_CLI_TABLE_H
#define HG_CLI_TABLE_H

#include <stddef.h>

#include "lib/base/strvec.h"

struct hg_table {
	size_t columns;
	struct hg_strvec cells;
};

/* title is a NULL-ended list of the columns' names. */
void hg_table_init(struct hg_table *t, const char *const *title);
void hg_table_release(struct hg_table *t);
/* Cells come row by row; bytes that a terminal would obey become '?'. */
void hg_table_add(struct hg_table *t, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/* To stdout. */
void hg_table_print(const struct hg_table *t);

#endif
