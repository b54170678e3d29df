/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is known of a compiler's own macros before any file is read, and
 * conditions (#if) decided as far as that goes.
 */
#ifndef HG_SCAN_MACROS_H
#define HG_SCAN_MACROS_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/hmap.h"

struct hg_strbuf;

enum hg_truth {
	HG_FALSE,
	HG_TRUE,
	HG_UNKNOWN,
};

/* Constant once it is filled, so that threads may share it. */
struct hg_macros {
	/* name to its text */
	struct hg_hmap macros;
};

#define HG_MACROS_INIT { HG_HMAP_INIT }

/* Takes what belongs to the compiler of the output of "cc -E -dM". */
void hg_macros_read(struct hg_macros *k, const char *defines);
void hg_macros_release(struct hg_macros *k);
/* Appends a text that is the same for equal ones. */
void hg_macros_describe(const struct hg_macros *k, struct hg_strbuf *out);

/* Is the name one that only the compiler defines? (macros.def) */
bool hg_macros_owns(const char *name, size_t n);
/* Is it defined? */
enum hg_truth hg_macros_defined(
    const struct hg_macros *k, const char *name, size_t n);
/*
 * The expression of an #if, up to the NUL, without comments and line splices.
 * NULL for k knows nothing.
 */
enum hg_truth hg_macros_decide(const struct hg_macros *k, const char *expression);

#endif
