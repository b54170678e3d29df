/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which inputs a kept result really came from. A request names all that its
 * compile may read; what it did read is known afterwards. The next request of the
 * same command finds the result if those are the same and what was looked for in
 * vain is still missing, whatever else has changed. Pure; one thread.
 */
#ifndef HG_COORDINATOR_DEPS_H
#define HG_COORDINATOR_DEPS_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/digest/digest.h"

struct hg_deps;
struct hg_wire_compile;
struct hg_wire_input_list;
struct hg_wire_result;

/* max_bytes bounds what is remembered, the least recently used goes first. */
struct hg_deps *hg_deps_new(size_t max_bytes);
void hg_deps_free(struct hg_deps *d);

/*
 * Remembers that the request's result is kept under that digest. Nothing is
 * remembered when the result does not tell, or names a file that list lacks.
 */
void hg_deps_add(struct hg_deps *d, const struct hg_wire_compile *compile,
    const struct hg_wire_input_list *list, const struct hg_wire_result *result,
    const struct hg_digest *kept);

/* Is anything known of the command? Then the list is worth having. */
bool hg_deps_knows(struct hg_deps *d, const struct hg_wire_compile *compile);

/*
 * Calls found with what each result that fits is kept under, the newest first,
 * until it returns true; false when it never did.
 */
bool hg_deps_find(struct hg_deps *d, const struct hg_wire_compile *compile,
    const struct hg_wire_input_list *list,
    bool (*found)(void *arg, const struct hg_digest *kept), void *arg);

#endif
