/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which programs this worker is willing to run: compiler drivers, told by their
 * names, and only those in folders that sandboxes show.
 */
#ifndef HG_WORKER_COMPILER_H
#define HG_WORKER_COMPILER_H

#include <stdbool.h>

struct hg_error;
struct hg_strvec;

/*
 * "gcc" for "x86_64-linux-gnu-gcc-12", "clang++" for "clang++-14", NULL for what
 * is not the name of a compiler driver. A static string.
 */
const char *hg_compiler_family(const char *basename);

/* Families of drivers found in a PATH-like list, in the order of the table. */
void hg_compiler_find_all(const char *path_list, struct hg_strvec *ret);

/*
 * Checks an absolute path that a client wants run; 0, or -HG_NOCOMPILER with
 * the reason.
 */
int hg_compiler_check_path(const char *path, struct hg_error *err);

/*
 * The driver of a bare name in path_list; owned. NULL and err when there is
 * none or the name is not a compiler's.
 */
char *hg_compiler_search(
    const char *name, const char *path_list, struct hg_error *err);

#endif
