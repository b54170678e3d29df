/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Compilers that clients brought: for each list of a compiler's files a folder,
 * filled once, which sandboxes show in place of this machine's own tools, read
 * only. The files are those of the store of contents, under further names. Any
 * thread.
 */
#ifndef HG_WORKER_TOOLROOT_H
#define HG_WORKER_TOOLROOT_H

#include "lib/base/strvec.h"

struct hg_blobs;
struct hg_content_id;
struct hg_error;
struct hg_strbuf;
struct hg_toolroots;

struct hg_toolroot {
	char *path;
	/* absolute names in it that are to be shown */
	struct hg_strvec names;
};

/* dir is made when it is missing; blobs outlives it. */
struct hg_toolroots *hg_toolroots_new(
    const char *dir, struct hg_blobs *blobs, struct hg_error *err);
void hg_toolroots_free(struct hg_toolroots *t);

/*
 * The folder for a list, to be given back by hg_toolroot_drop(). NULL in *ret,
 * and 0, when contents are missing: their ids are appended then. Otherwise
 * -HG_PROTOCOL, -HG_DENIED, -HG_INVALID: the list is wrong; -HG_IO.
 */
int hg_toolroot_take(struct hg_toolroots *t, const struct hg_content_id *list,
    struct hg_strbuf *missing, const struct hg_toolroot **ret,
    struct hg_error *err);
void hg_toolroot_drop(struct hg_toolroots *t, const struct hg_toolroot *root);

#endif
