/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A folder of links named like the compilers on PATH, all to hg-launcher. Put
 * in front of PATH, it sends every compile that names its compiler without a
 * folder through the launcher.
 */
#ifndef HG_CLI_MASQUERADE_H
#define HG_CLI_MASQUERADE_H

#include <stdbool.h>

struct hg_error;

/* Whether name is gcc, g++, cc, c++, clang or clang++, with or without a target
 * before it and a version behind it. */
bool hg_masquerade_is_compiler(const char *name);

/*
 * Makes the folder below base, or mends it, and returns its path (owned). Build
 * tools remember the path, so it stays: the same launcher and compilers give
 * the same folder again.
 */
char *hg_masquerade_make(const char *base, const char *launcher,
    const char *path_list, struct hg_error *err);

#endif
