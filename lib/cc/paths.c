/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which words of a command are paths that say where something is found, and not
 * what is made of it. What a macro stands for (-D) is never one.
 */
#include "config.h"

#include <string.h>

#include "lib/base/strvec.h"
#include "lib/cc/args.h"
#include "lib/cc/paths.h"

static bool
is_path(const struct hg_arg_row *row)
{
	return (row->flags & (HG_ARG_PATH | HG_ARG_MAP)) != 0 ||
	    row->handler == HG_HANDLER_DEP_TARGET;
}

/* The key has the words for these, but not their values. */
static bool
has_no_value(const struct hg_arg_row *row)
{
	return row->handler == HG_HANDLER_OUTPUT ||
	    row->handler == HG_HANDLER_DEP_FILE;
}

void
hg_cc_key_paths(const struct hg_strvec *key, const char **ret)
{
	for (size_t i = 0; i < key->n; i++) {
		const char *word = key->v[i];
		const char *next = i + 1 < key->n ? key->v[i + 1] : NULL;
		const struct hg_arg_row *row;
		const char *value;
		bool joined;

		ret[i] = word[0] == '-' ? NULL : word;
		if (word[0] != '-')
			continue;
		row = hg_arg_find(word);
		if (!row || has_no_value(row) ||
		    !hg_arg_value(row, word, next, &value, &joined) || !value)
			continue;
		if (!joined)
			i++;
		ret[i] = is_path(row) ? value : NULL;
	}
}

bool
hg_cc_map_of(const char *word, struct hg_cc_map *ret)
{
	const struct hg_arg_row *row = word[0] == '-' ? hg_arg_find(word) : NULL;
	const char *equals;

	if (!row || !(row->flags & HG_ARG_MAP))
		return false;
	ret->old = word + row->len;
	equals = strchr(ret->old, '=');
	if (!equals)
		return false;
	ret->old_n = (size_t)(equals - ret->old);
	ret->new = equals + 1;
	ret->in_debug = strncmp(word, "-fdebug", 7) == 0;
	ret->in_macros = strncmp(word, "-fmacro", 7) == 0;
	if (strncmp(word, "-ffile", 6) == 0)
		ret->in_debug = ret->in_macros = true;
	return true;
}
