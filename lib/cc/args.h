/* SPDX-License-Identifier: Apache-2.0 */
/* The table of compiler arguments (args.def) and its look-up. */
#ifndef HG_CC_ARGS_H
#define HG_CC_ARGS_H

#include <stdbool.h>
#include <stddef.h>

enum hg_arg_arity {
	HG_ARITY_EXACT,
	HG_ARITY_SEPARATE,
	HG_ARITY_JOINED,
	HG_ARITY_JOINED_OR_SEPARATE,
	HG_ARITY_PREFIX,
};

enum hg_arg_handler {
#define HG_HANDLER(name, class, key) HG_HANDLER_##name,
#include "lib/cc/handlers.def"
};

enum hg_arg_flag {
	HG_ARG_CWD = 1 << 0,
	HG_ARG_OUTNAME = 1 << 1,
	HG_ARG_LOCAL = 1 << 2,
	HG_ARG_COVERAGE = 1 << 3,
	HG_ARG_PATH = 1 << 5,
	HG_ARG_MAP = 1 << 6,
};

struct hg_arg_row {
	const char *spelling;
	size_t len;
	enum hg_arg_arity arity;
	enum hg_arg_handler handler;
	int flags;
};

/* The row that word belongs to, or NULL when it is not known. */
const struct hg_arg_row *hg_arg_find(const char *word);

/*
 * The value of a word of that row, next being the word behind it or NULL: *ret,
 * which points into word when it is joined to it (*ret_joined), or is NULL when
 * the row takes none here. False when the value is missing.
 */
bool hg_arg_value(const struct hg_arg_row *row, const char *word,
    const char *next, const char **ret, bool *ret_joined);

/* The whole table, for tests and documentation. */
const struct hg_arg_row *hg_arg_table(size_t *ret_n);

#endif
