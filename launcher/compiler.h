/* SPDX-License-Identifier: Apache-2.0 */
/* Which program the command really means, behind any number of our names. */
#ifndef HG_LAUNCHER_COMPILER_H
#define HG_LAUNCHER_COMPILER_H

#include <stdbool.h>
#include <sys/stat.h>

struct hg_compiler {
	/* absolute, or with a slash as given; owned */
	char *path;
	struct stat st;
	/* a name that hg_cc_family() knows; borrowed */
	const char *family;
	bool is_clang;
	/*
	 * The name alone leads to us: the compiler must be called by its path,
	 * or it would look for its parts beside us.
	 */
	bool hidden;
};

/*
 * name: as the user wrote it. Names of ourselves are skipped on PATH, so that a
 * folder of links to the launcher can stand in front of it. 0, or -1 when there
 * is no such program.
 */
int hg_compiler_find(struct hg_compiler *c, const char *name);
void hg_compiler_release(struct hg_compiler *c);

#endif
