/* SPDX-License-Identifier: Apache-2.0 */
/* Cache entries as JSON, and as the text that is made from it. */
#ifndef HG_CLI_INSPECT_H
#define HG_CLI_INSPECT_H

#include <jansson.h>

#include "lib/digest/digest.h"
#include "lib/store/folder.h"

struct hg_cache;
struct hg_error;

/* An entry's file. */
struct hg_inspect_entry {
	struct hg_digest key;
	char ending[HG_ENDING_BYTES];
};

/* *ret is owned. -HG_CORRUPT, -HG_NOTFOUND, -HG_INVALID: no kind to show. */
int hg_inspect_json(struct hg_cache *c, const struct hg_inspect_entry *e,
    json_t **ret, struct hg_error *err);
/* Prints what hg_inspect_json() made. */
void hg_inspect_print(const json_t *entry);

#endif
