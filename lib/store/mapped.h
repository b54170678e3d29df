/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Small files of counters that all processes map and change with atomic
 * instructions. Private to this folder, but for hg_mapped_guard().
 */
#ifndef HG_STORE_MAPPED_H
#define HG_STORE_MAPPED_H

#include <stddef.h>

struct hg_error;

/*
 * Maps dir/name, of exactly n bytes; made of zeros when there is none. NULL when
 * it cannot be used. *ret_fd (when not NULL) stays open and is the caller's.
 */
void *hg_mapped_open(const char *dir, const char *name, size_t n, int *ret_fd,
    struct hg_error *err);
void hg_mapped_close(void *p, size_t n);

/*
 * Lets this process, which has one thread, live on (SIGBUS) when a file's page
 * cannot be written: on a full disk of a file system that never writes in place,
 * or when someone cuts the file. What it counts from then on is lost.
 */
void hg_mapped_guard(void);

#endif
