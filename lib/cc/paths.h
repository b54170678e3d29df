/* SPDX-License-Identifier: Apache-2.0 */
/* Paths among the words of a command. */
#ifndef HG_CC_PATHS_H
#define HG_CC_PATHS_H

#include <stdbool.h>
#include <stddef.h>

struct hg_strvec;

/*
 * For each word of a command's key (struct hg_cc_command): where in it a path
 * begins that only says where something is, or NULL. ret has room for key->n.
 */
void hg_cc_key_paths(const struct hg_strvec *key, const char **ret);

/* One of the options that change how files are named in the output. */
struct hg_cc_map {
	/* OLD=NEW, both within a word of the command */
	const char *old;
	size_t old_n;
	const char *new;
	/* in debug information; by __FILE__ */
	bool in_debug;
	bool in_macros;
};

/* The map that word asks for: true. */
bool hg_cc_map_of(const char *word, struct hg_cc_map *ret);

#endif
