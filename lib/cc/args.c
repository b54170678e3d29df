/* SPDX-License-Identifier: Apache-2.0 */
/* Finding an argument's row: the longest spelling that fits. */
#include "config.h"

#include <stdbool.h>
#include <string.h>

#include "lib/cc/args.h"

static const struct hg_arg_row rows[] = {
#define HG_ARG(s, a, h, f) \
	{ s, sizeof(s) - 1, HG_ARITY_##a, HG_HANDLER_##h, f },
#include "lib/cc/args.def"
};

enum { N_ROWS = sizeof(rows) / sizeof(*rows) };

const struct hg_arg_row *
hg_arg_table(size_t *ret_n)
{
	*ret_n = N_ROWS;
	return rows;
}

/* As strcmp() of the first n bytes of word with a spelling. */
static int
compare(const char *word, size_t n, const struct hg_arg_row *row)
{
	int c = memcmp(word, row->spelling, n < row->len ? n : row->len);

	return c ? c : (n > row->len) - (n < row->len);
}

/* The last row that is not after the first n bytes of word, or NULL. */
static const struct hg_arg_row *
not_after(const char *word, size_t n)
{
	size_t lo = 0, hi = N_ROWS;

	while (lo < hi) {
		size_t mid = (lo + hi) / 2;

		if (compare(word, n, &rows[mid]) < 0)
			hi = mid;
		else
			lo = mid + 1;
	}
	return lo > 0 ? &rows[lo - 1] : NULL;
}

static bool
fits(const struct hg_arg_row *row, size_t n)
{
	switch (row->arity) {
	case HG_ARITY_EXACT:
	case HG_ARITY_SEPARATE:
		return n == row->len;
	case HG_ARITY_JOINED:
		return n > row->len;
	case HG_ARITY_JOINED_OR_SEPARATE:
	case HG_ARITY_PREFIX:
		return true;
	}
	return false;
}

static size_t
common_length(const char *a, size_t na, const char *b, size_t nb)
{
	size_t n = na < nb ? na : nb, i = 0;

	while (i < n && a[i] == b[i])
		i++;
	return i;
}

const struct hg_arg_row *
hg_arg_find(const char *word)
{
	size_t len = strlen(word), n = len;

	/* each round looks among spellings that share a shorter beginning */
	while (n > 0) {
		const struct hg_arg_row *row = not_after(word, n);
		size_t common;

		if (!row)
			return NULL;
		common = common_length(word, n, row->spelling, row->len);
		if (common == row->len) {
			if (fits(row, len))
				return row;
			n = row->len - 1;
		} else {
			n = common;
		}
	}
	return NULL;
}

bool
hg_arg_value(const struct hg_arg_row *row, const char *word, const char *next,
    const char **ret, bool *ret_joined)
{
	bool joined = row->arity == HG_ARITY_JOINED ||
	    (row->arity == HG_ARITY_JOINED_OR_SEPARATE && word[row->len]);

	*ret_joined = joined;
	*ret = joined ? word + row->len : NULL;
	if (joined || (row->arity != HG_ARITY_SEPARATE &&
			  row->arity != HG_ARITY_JOINED_OR_SEPARATE))
		return true;
	*ret = next;
	return next;
}
