/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What names of compilers and architectures mean: "x86_64-linux-gnu-g++-12" is
 * of the family gcc, "amd64" is "x86_64".
 */
#ifndef HG_COORDINATOR_CAPABILITY_H
#define HG_COORDINATOR_CAPABILITY_H

#include <stdbool.h>

/*
 * "gcc", "clang", or "" for cc and c++, which may be either; any other name
 * without folder, version and target. Owned.
 */
char *hg_compiler_family(const char *name);
/*
 * The architecture that a cross-compiler's name begins with ("aarch64" of
 * "aarch64-linux-gnu-gcc"), or NULL. Owned.
 */
char *hg_compiler_target(const char *name);
/* Do two families stand for one compiler? "" fits gcc and clang. */
bool hg_family_fits(const char *a, const char *b);
/* Are these names of one architecture? */
bool hg_arch_same(const char *a, const char *b);

#endif
