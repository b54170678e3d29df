/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a compile left behind: the files it wrote and the list of what it looked
 * at. All of it is the compile's word and so bounded and taken by names that the
 * view resolved.
 */
#ifndef HG_WORKER_COLLECT_H
#define HG_WORKER_COLLECT_H

#include <stddef.h>

#include "lib/base/hmap.h"
#include "services/worker/view.h"

struct hg_error;
struct hg_digests;
struct hg_observed_list;
struct hg_strbuf;
struct hg_wire_compile;
struct hg_wire_result;

/* The files of a job folder at one moment. */
struct hg_snapshot {
	struct hg_hmap files;
};

/* Before the compile: what is there is not its work. */
int hg_snapshot_take(
    struct hg_snapshot *s, const struct hg_view *view, struct hg_error *err);
void hg_snapshot_release(struct hg_snapshot *s);

/*
 * Adds to ret the outputs that the request names, if they exist, and any other
 * file made since the snapshot that is not in /tmp. More than max_bytes together
 * is -HG_TOOBIG.
 */
int hg_collect_outputs(const struct hg_view *view, const struct hg_snapshot *s,
    const struct hg_wire_compile *request, size_t max_bytes,
    struct hg_wire_result *ret, struct hg_error *err);

/* Appends one file, named as in the sandbox; -HG_NOTFOUND when it is not there. */
int hg_collect_file(const struct hg_view *view, const char *cwd,
    const char *path, size_t max, struct hg_strbuf *ret, struct hg_error *err);

/* Adds to ret what was observed, with the digests of files read and run. */
int hg_collect_observed(const struct hg_view *view, const char *cwd,
    const struct hg_observed_list *seen, struct hg_digests *memo,
    struct hg_wire_result *ret, struct hg_error *err);

/* Frees what the functions above added. */
void hg_collect_release(struct hg_wire_result *r);

#endif
