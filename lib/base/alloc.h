/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Allocation that never returns NULL: it ends the program instead. Legal because
 * every size that comes from outside is first checked against limits.h.
 */
#ifndef HG_BASE_ALLOC_H
#define HG_BASE_ALLOC_H

#include <stddef.h>

void *hg_xmalloc(size_t n) __attribute__((malloc, returns_nonnull));
void *hg_xcalloc(size_t n, size_t size) __attribute__((malloc, returns_nonnull));
void *hg_xrealloc(void *p, size_t n) __attribute__((returns_nonnull));
char *hg_xstrdup(const char *s) __attribute__((malloc, returns_nonnull));
/* At most n bytes, as far as the NUL. */
char *hg_xstrndup(const char *s, size_t n)
    __attribute__((malloc, returns_nonnull));
void *hg_xmemdup(const void *p, size_t n)
    __attribute__((malloc, returns_nonnull));
char *hg_xasprintf(const char *fmt, ...)
    __attribute__((format(printf, 1, 2), malloc, returns_nonnull));

#endif
