/* SPDX-License-Identifier: Apache-2.0 */
/* Manifests for people: every set with all that it holds. Not for hits. */
#ifndef HG_STORE_INSPECT_H
#define HG_STORE_INSPECT_H

#include <stddef.h>
#include <stdint.h>

#include "lib/base/strbuf.h"
#include "lib/base/strvec.h"
#include "lib/digest/digest.h"

struct hg_error;

/* In the beginning of a path: the folder of whatever checkout it is. */
#define HG_MANIFEST_ROOT '@'

struct hg_manifest_input {
	const char *path;
	/*
	 * "file" (its content counts), "program" (and that PATH leads to it),
	 * "stamped" (and its time), "listing" (a folder's names), "folder"
	 * (that it is one), "day" (the date; no file), "from" and "to" (what
	 * is renamed in the dependency file; nothing to check)
	 */
	const char *kind;
	/* of content or names, or of the date; all 0 where there is none */
	struct hg_digest digest;
	uint64_t size;
};

struct hg_manifest_set {
	struct hg_digest result;
	/* the manifest where other checkouts find it; all 0: none */
	struct hg_digest shared;
	/* checksum of the outputs' names that it is bound to, or 0 */
	uint64_t names;
	uint64_t compile_us;
	struct hg_manifest_input *inputs;
	size_t n_inputs;
	/* paths that must not exist */
	struct hg_strvec missing;
};

struct hg_manifest {
	/* of the file; what the rest points into */
	struct hg_strbuf bytes;
	struct hg_digest key;
	const char *namespace;
	/* the newest first */
	struct hg_manifest_set *sets;
	size_t n_sets;
};

/*
 * Reads and checks a manifest whole. -HG_CORRUPT: damaged, or not of key. In
 * the end, also after an error: hg_manifest_release().
 */
int hg_manifest_load(int fd, const struct hg_digest *key,
    struct hg_manifest *ret, struct hg_error *err);
void hg_manifest_release(struct hg_manifest *m);

#endif
