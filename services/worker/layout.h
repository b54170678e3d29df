/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The folder of one job: made, filled with what the client sent, removed. Names
 * that the client chose are only ever used below it.
 */
#ifndef HG_WORKER_LAYOUT_H
#define HG_WORKER_LAYOUT_H

#include <sys/types.h>

#include "services/worker/view.h"

struct hg_blobs;
struct hg_content_id;
struct hg_error;
struct hg_rooted;
struct hg_wire_compile;
struct hg_wire_input;

struct hg_job_folder {
	/* work_dir/job-N, and root/ in it */
	char *path;
	char *root;
};

/* Makes a new, empty one in work_dir. */
int hg_job_folder_make(
    struct hg_job_folder *f, const char *work_dir, struct hg_error *err);
/* Removes it with all contents; what cannot be removed is an error. */
int hg_job_folder_remove(struct hg_job_folder *f, struct hg_error *err);

/* As hg_blobs_copy() and hg_blobs_link(). */
typedef int hg_layout_put_fn(struct hg_blobs *b, const struct hg_content_id *id,
    int dir, const char *name, mode_t mode, struct hg_error *err);

/*
 * Makes one row of a list below a root: a folder, a link, or a file by put with
 * its own mode and the bits of always. Errors as below.
 */
int hg_layout_place(struct hg_rooted *tree, struct hg_blobs *blobs,
    const struct hg_wire_input *row, hg_layout_put_fn *put, mode_t always,
    struct hg_error *err);

/*
 * Lays the inputs of a request out at the client's own paths, but for those that
 * the host's own files hide; then folders that must be there. -HG_NOTFOUND: a
 * content is not in blobs any more; -HG_INVALID, -HG_DENIED: the request is wrong.
 */
int hg_layout_exact(const struct hg_view *view, struct hg_blobs *blobs,
    const struct hg_wire_compile *request, const struct hg_wire_input *inputs,
    size_t n_inputs, struct hg_error *err);

/*
 * For requests without paths of ours: source and includes below `folder` of the
 * root. An include that is absolute loses its leading slash. -HG_INVALID when a
 * name would lead out of the folder.
 */
int hg_layout_simple(const struct hg_view *view, const char *folder,
    const struct hg_wire_compile *request, struct hg_error *err);

#endif
