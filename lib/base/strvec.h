/* SPDX-License-Identifier: Apache-2.0 */
/* A growing, NULL-terminated vector of owned strings; v can be used as argv. */
#ifndef HG_BASE_STRVEC_H
#define HG_BASE_STRVEC_H

#include <stddef.h>

struct hg_strvec {
	char **v;
	size_t n;
	size_t cap;
};

#define HG_STRVEC_INIT { NULL, 0, 0 }

void hg_strvec_init(struct hg_strvec *sv);
void hg_strvec_release(struct hg_strvec *sv);
/* Appends a copy of s. */
void hg_strvec_add(struct hg_strvec *sv, const char *s);
void hg_strvec_addf(struct hg_strvec *sv, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/* Appends s itself, which the vector then owns. */
void hg_strvec_add_take(struct hg_strvec *sv, char *s);
/* Appends copies of all of a NULL-terminated array. */
void hg_strvec_add_all(struct hg_strvec *sv, const char *const *v);
/* Index of s, or -1. */
long hg_strvec_find(const struct hg_strvec *sv, const char *s);
/* Sorts by byte order. */
void hg_strvec_sort(struct hg_strvec *sv);

#endif
