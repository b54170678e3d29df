/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Job folders. Nothing of a job runs while its folder is filled, so a name that
 * was resolved by the view (links included) stays what it was.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/alloc.h"
#include "lib/base/error.h"
#include "lib/base/fd.h"
#include "lib/base/limits.h"
#include "lib/base/path.h"
#include "lib/base/rooted.h"
#include "lib/blob/blobs.h"
#include "lib/wire/wire.h"
#include "services/worker/layout.h"

/* Names tried for a job folder before giving up. */
#define MAX_TRIES 100000

int
hg_job_folder_make(
    struct hg_job_folder *f, const char *work_dir, struct hg_error *err)
{
	*f = (struct hg_job_folder){ NULL, NULL };
	for (unsigned n = 1; n <= MAX_TRIES; n++) {
		f->path = hg_xasprintf("%s/job-%u", work_dir, n);
		if (mkdir(f->path, 0700) == 0)
			break;
		if (errno != EEXIST || n == MAX_TRIES) {
			int rc = hg_fail_errno(
			    err, HG_IO, "cannot make folder %s", f->path);

			free(f->path);
			f->path = NULL;
			return rc;
		}
		free(f->path);
	}
	f->root = hg_path_join(f->path, "root");
	if (mkdir(f->root, 0755) < 0)
		return hg_fail_errno(
		    err, HG_IO, "cannot make folder %s", f->root);
	return 0;
}

/* A process that was just killed may still be making its last file. */
int
hg_job_folder_remove(struct hg_job_folder *f, struct hg_error *err)
{
	const struct timespec pause = { .tv_nsec = 20000000 };
	int rc = f->path ? hg_remove_tree(f->path, err) : 0;

	for (int i = 0; rc && i < 5; i++) {
		nanosleep(&pause, NULL);
		rc = hg_remove_tree(f->path, err);
	}
	free(f->path);
	free(f->root);
	*f = (struct hg_job_folder){ NULL, NULL };
	return rc;
}

/* ---- writing ----------------------------------------------------------- */

/* Makes a folder of the sandbox, unless the host shows one there. */
static int
make_folder(const struct hg_view *view, const char *cwd, const char *path,
    struct hg_error *err)
{
	bool host;
	char *real = hg_view_resolve(view, cwd, path, &host, err);
	int rc;

	if (!real)
		return -HG_INVALID;
	rc = host || access(real, F_OK) == 0 ? 0 : hg_mkdir_p(real, err);
	free(real);
	return rc;
}

/* The compile is to find or put something there, and the host hides it. */
static int
refuse_host(const struct hg_view *view, const char *cwd, const char *path,
    struct hg_error *err)
{
	bool host;
	char *real = hg_view_resolve(view, cwd, path, &host, err);

	if (!real)
		return -HG_INVALID;
	free(real);
	return host ? hg_fail(err, HG_INVALID,
			  "%s lies where workers show files of their own", path)
		    : 0;
}

static int
write_new(const char *real, const struct hg_blob *content, struct hg_error *err)
{
	int fd = open(real,
	    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
	int rc;

	if (fd < 0)
		return hg_fail_errno(err, HG_IO, "cannot make %s", real);
	rc = hg_write_all(fd, content->p, content->n, err);
	hg_fd_close(&fd);
	return rc;
}

/* Writes a file of the sandbox, making its folder; one that is there stays. */
static int
write_file(const struct hg_view *view, const char *cwd, const char *path,
    const struct hg_blob *content, struct hg_error *err)
{
	bool host;
	char *real = hg_view_resolve(view, cwd, path, &host, err);
	char *dir;
	int rc = 0;

	if (!real)
		return -HG_INVALID;
	if (!host && access(real, F_OK) < 0) {
		dir = hg_path_dir(real);
		rc = hg_mkdir_p(dir, err);
		free(dir);
		if (rc == 0)
			rc = write_new(real, content, err);
	}
	free(real);
	return rc;
}

/* ---- as on the client -------------------------------------------------- */

int
hg_layout_place(struct hg_rooted *tree, struct hg_blobs *blobs,
    const struct hg_wire_input *row, hg_layout_put_fn *put, mode_t always,
    struct hg_error *err)
{
	const char *name = row->path + 1, *base = hg_path_base(name);
	int rc;

	if (row->path[0] != '/' || !hg_path_is_beneath(name))
		return hg_fail(err, HG_INVALID,
		    "input %s is not a plain absolute path", row->path);
	if (row->folder)
		return hg_rooted_folder(tree, name, err);
	rc = hg_rooted_parent(tree, name, err);
	if (rc)
		return rc;
	if (!*row->symlink)
		return put(blobs, &row->id, tree->dir, base,
		    (row->mode & 0777) | always, err);
	if (symlinkat(row->symlink, tree->dir, base) < 0)
		return hg_fail_errno(err, errno == EEXIST ? HG_DENIED : HG_IO,
		    "cannot make link %s", row->path);
	return 0;
}

/*
 * What the host shows there is what the compile will see. The rest we have to be
 * able to read and remove.
 */
static int
place_input(const struct hg_view *view, struct hg_blobs *blobs,
    struct hg_rooted *tree, const struct hg_wire_input *in,
    struct hg_error *err)
{
	if (hg_view_is_host(view, in->path))
		return 0;
	return hg_layout_place(tree, blobs, in, hg_blobs_copy, 0400, err);
}

static int
place_inputs(const struct hg_view *view, struct hg_blobs *blobs,
    const struct hg_wire_input *inputs, size_t n, struct hg_error *err)
{
	struct hg_rooted tree;
	int rc = hg_rooted_open(&tree, view->root, err);

	for (size_t i = 0; rc == 0 && i < n; i++)
		rc = place_input(view, blobs, &tree, &inputs[i], err);
	hg_rooted_close(&tree);
	return rc;
}

/* TMPDIR and its like: a compiler takes it that the folder is there. */
static int
make_temp_folders(const struct hg_view *view,
    const struct hg_wire_compile *request, struct hg_error *err)
{
	static const char *const names[] = { "TMPDIR", "TMP", "TEMP" };
	int rc = make_folder(view, "/", "/tmp", err);

	for (size_t i = 0; rc == 0 && i < request->n_env; i++) {
		const struct hg_wire_env *env = &request->env[i];

		for (size_t k = 0; rc == 0 && k < 3; k++)
			if (strcmp(env->name, names[k]) == 0 &&
			    env->value[0] == '/')
				rc = make_folder(view, "/", env->value, err);
	}
	return rc;
}

/* Those folders that the compile will write into are inputs, if they exist. */
static int
check_output_folders(const struct hg_view *view,
    const struct hg_wire_compile *request, struct hg_error *err)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < request->n_outputs; i++) {
		char *dir = hg_path_dir(request->outputs[i]);

		rc = refuse_host(view, request->cwd, dir, err);
		free(dir);
	}
	return rc;
}

int
hg_layout_exact(const struct hg_view *view, struct hg_blobs *blobs,
    const struct hg_wire_compile *request, const struct hg_wire_input *inputs,
    size_t n_inputs, struct hg_error *err)
{
	int rc = place_inputs(view, blobs, inputs, n_inputs, err);

	if (rc == 0)
		rc = refuse_host(view, "/", request->cwd, err);
	if (rc == 0)
		rc = make_folder(view, "/", request->cwd, err);
	if (rc == 0)
		rc = refuse_host(view, request->cwd, request->source_file, err);
	if (rc == 0)
		rc = make_temp_folders(view, request, err);
	if (rc == 0)
		rc = check_output_folders(view, request, err);
	return rc;
}

/* ---- without paths of ours --------------------------------------------- */

int
hg_layout_simple(const struct hg_view *view, const char *folder,
    const struct hg_wire_compile *request, struct hg_error *err)
{
	int rc = make_folder(view, "/", folder, err);

	if (rc == 0)
		rc = make_folder(view, "/", "/tmp", err);
	if (rc == 0)
		rc = write_file(view, folder,
		    hg_path_base(request->source_file), &request->source, err);
	for (size_t i = 0; rc == 0 && i < request->n_includes; i++) {
		const struct hg_wire_include *inc = &request->includes[i];
		const char *name = inc->path + (inc->path[0] == '/');

		if (!hg_path_is_beneath(name))
			return hg_fail(err, HG_INVALID,
			    "include %s leads out of the job's folder",
			    inc->path);
		rc = write_file(view, folder, name, &inc->content, err);
	}
	return rc;
}
