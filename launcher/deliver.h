/* SPDX-License-Identifier: Apache-2.0 */
/* Putting a result where the compiler would have put it. */
#ifndef HG_LAUNCHER_DELIVER_H
#define HG_LAUNCHER_DELIVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/store/result.h"

struct hg_error;
struct hg_job;

/*
 * Delivers a cached result: files, stdout, stderr. When it fails (-code; err
 * must be given), nothing was printed, and the compiler may simply be run.
 * -HG_CORRUPT: the entry is damaged.
 */
int hg_deliver_cached(const struct hg_job *job, const struct hg_digest *result,
    int *ret_exit, struct hg_error *err);

/* Writes one output to where it belongs, as the compiler would have. */
int hg_deliver_output(const struct hg_job *job, enum hg_output_role role,
    const char *path, uint32_t mode, const void *p, size_t n,
    struct hg_error *err);

/*
 * To be called before the compiler or a result writes to the output: an old
 * object that was linked to what the cache has is removed. It might be written
 * through, or be declined as it is read-only, which Clang does.
 */
void hg_deliver_unshare(const struct hg_job *job);

/* Is the output to be kept so that hits may link to it? */
bool hg_output_is_linked(const struct hg_job *job, enum hg_output_role role);

/* What an output is called in this command. */
const char *hg_output_path(
    const struct hg_job *job, enum hg_output_role role, const char *path);

#endif
