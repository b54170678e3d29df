/* SPDX-License-Identifier: Apache-2.0 */
/* A set of inputs while it is being built. Private to this folder. */
#ifndef HG_STORE_BUILDER_H
#define HG_STORE_BUILDER_H

#include <stddef.h>
#include <stdint.h>

#include "lib/base/hmap.h"
#include "lib/base/strbuf.h"
#include "lib/base/strvec.h"
#include "lib/store/set.h"

struct hg_memo;

/* What was looked for in vain in one folder. */
struct hg_missing {
	struct hg_sig sig;
	struct hg_strvec names;
};

struct hg_set_builder {
	struct hg_memo *memo;
	int64_t started;
	struct hg_set_file *files;
	size_t n_files;
	size_t cap;
	struct hg_strbuf pool;
	/* folder -> struct hg_missing */
	struct hg_hmap missing;
	/*
	 * What is not there: &gone for a folder, &missing when it stands in
	 * missing
	 */
	struct hg_hmap gone;
	/* see hg_set_share() */
	struct hg_digest shared;
};

/* Adds what is no file. The entry is valid until the next one is added. */
struct hg_set_file *hg_set_add_note(
    struct hg_set_builder *b, enum hg_set_kind kind, const char *text);

/* Appends the bytes of the set, having left out what needs no check. */
void hg_set_pack(struct hg_set_builder *b, const struct hg_digest *result,
    uint64_t names, uint64_t compile_us, struct hg_strbuf *out);

#endif
