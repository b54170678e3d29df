/* SPDX-License-Identifier: Apache-2.0 */
/* Dependency files, as compilers write them. */
#ifndef HG_CC_DEPFILE_H
#define HG_CC_DEPFILE_H

#include <stdbool.h>
#include <stddef.h>

struct hg_strbuf;

/*
 * Appends the dependency file text (n bytes) as the compiler would have written
 * it if the files below the folder `from` were below `to`: lines are broken
 * anew, in the way of Clang or GCC. Neither folder has a slash in the end, or
 * characters that such files escape.
 */
void hg_depfile_rebase(const char *text, size_t n, const char *from,
    const char *to, bool is_clang, struct hg_strbuf *out);

#endif
