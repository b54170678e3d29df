/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Contents and digests of files, remembered for as long as the files' stat
 * signatures stay the same: a build reads the same headers thousands of times.
 * One lock, never held while a file is read. Any thread.
 */
#ifndef HG_AGENT_CONTENTS_H
#define HG_AGENT_CONTENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/digest/content_id.h"
#include "lib/digest/digest.h"

struct hg_error;
struct hg_contents;

/* Shared and constant. */
struct hg_content {
	struct hg_digest digest;
	/* all zero unless it was asked for */
	struct hg_content_id id;
	uint32_t mode;
	/* size; p is NULL unless the bytes were asked for */
	size_t n;
	const char *p;
};

/* What is wanted beside the digest; bits. */
enum {
	HG_WANT_BYTES = 1,
	HG_WANT_ID = 2,
};

/* max_bytes bounds the contents kept, not those in use. */
struct hg_contents *hg_contents_new(uint64_t max_bytes);
/* When nothing that it gave is in use. */
void hg_contents_free(struct hg_contents *m);

/*
 * The regular file at an absolute path, links followed; hg_contents_drop() it.
 * -HG_NOTFOUND: not there; -HG_INVALID: not a regular file; -HG_TOOBIG: its bytes
 * are more than a message; -HG_IO: unreadable, or being changed just now.
 */
int hg_contents_get(struct hg_contents *m, const char *path, unsigned want,
    const struct hg_content **ret, struct hg_error *err);
void hg_contents_drop(struct hg_contents *m, const struct hg_content *c);

/* Bytes kept now, for tests. */
uint64_t hg_contents_bytes(struct hg_contents *m);

#endif
