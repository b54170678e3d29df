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
#include "lib/digest/digest.h"
#include "lib/pack/pack.h"
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

static const struct hg_blob *
find_bundle(const struct hg_wire_compile *request)
{
	for (size_t i = 0; i < request->n_includes; i++)
		if (strcmp(request->includes[i].path, HG_BUNDLE_KEY) == 0)
			return &request->includes[i].content;
	return NULL;
}

/*
 * A client may have sent files below a name that is a link on this host, such as
 * /lib; the link wins, so what lies there has to go.
 */
static int
clear_way_for_links(const struct hg_view *view, struct hg_error *err)
{
	for (size_t i = 0; i < view->binds.n; i++) {
		const char *path = view->binds.v[i];
		struct stat st;
		char *real;
		int rc;

		/* at the top only: elsewhere a component could be a link */
		if (strchr(path + 1, '/') || lstat(path, &st) < 0 ||
		    !S_ISLNK(st.st_mode))
			continue;
		real = hg_xasprintf("%s%s", view->root, path);
		rc = hg_remove_tree(real, err);
		free(real);
		if (rc)
			return rc;
	}
	return 0;
}

static int
check_file(const struct hg_wire_input *input, const char *real,
    struct hg_error *err)
{
	struct hg_digest digest;
	struct stat st;
	int rc;

	if (lstat(real, &st) < 0 || !S_ISREG(st.st_mode))
		return hg_fail(err, HG_NOTFOUND,
		    "input %s was listed but not sent", input->path);
	rc = hg_digest_file(real, &digest, err);
	if (rc == 0 && !hg_digest_equal(&digest, &input->digest))
		rc = hg_fail(err, HG_CORRUPT,
		    "input %s is not what its digest says", input->path);
	/* we have to be able to read and remove it */
	if (rc == 0 && chmod(real, (input->mode & 0777) | 0400) < 0)
		rc = hg_fail_errno(err, HG_IO, "cannot set mode of %s", real);
	return rc;
}

static int
check_link(const struct hg_wire_input *input, const char *real,
    struct hg_error *err)
{
	char text[HG_MAX_PATH_BYTES];
	ssize_t n = readlink(real, text, sizeof(text));

	if (n < 0 || (size_t)n != strlen(input->symlink) ||
	    memcmp(text, input->symlink, (size_t)n) != 0)
		return hg_fail(err, HG_NOTFOUND,
		    "link %s was listed but not sent", input->path);
	return 0;
}

/* A listed name is the client's word only: its folders may be links. */
static int
check_input(const struct hg_view *view, const struct hg_wire_input *input,
    struct hg_error *err)
{
	char *dir, *real_dir, *real;
	bool host;
	int rc;

	if (input->path[0] != '/' || !hg_path_is_beneath(input->path + 1))
		return hg_fail(err, HG_INVALID,
		    "input %s is not a plain absolute path", input->path);
	if (hg_view_is_host(view, input->path))
		return 0;
	if (input->folder)
		return make_folder(view, "/", input->path, err);
	dir = hg_path_dir(input->path);
	real_dir = hg_view_resolve(view, "/", dir, &host, err);
	free(dir);
	if (!real_dir)
		return -HG_INVALID;
	real = hg_path_join(real_dir, hg_path_base(input->path));
	if (host)
		rc = 0;
	else if (*input->symlink)
		rc = check_link(input, real, err);
	else
		rc = check_file(input, real, err);
	free(real_dir);
	free(real);
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

/* The folders that the compile will write into. */
static int
make_output_folders(const struct hg_view *view,
    const struct hg_wire_compile *request, struct hg_error *err)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < request->n_outputs; i++) {
		char *dir = hg_path_dir(request->outputs[i]);

		rc = refuse_host(view, request->cwd, dir, err);
		if (rc == 0)
			rc = make_folder(view, request->cwd, dir, err);
		free(dir);
	}
	return rc;
}

int
hg_layout_exact(const struct hg_view *view,
    const struct hg_wire_compile *request, struct hg_error *err)
{
	const struct hg_pack_limits limits = {
		.max_entries = HG_MAX_INPUTS,
		.max_bytes = HG_MAX_FILE_BYTES,
	};
	const struct hg_blob *bundle = find_bundle(request);
	int rc = 0;

	if (bundle)
		rc = hg_pack_extract(
		    bundle->p, bundle->n, view->root, &limits, err);
	if (rc == 0)
		rc = clear_way_for_links(view, err);
	for (size_t i = 0; rc == 0 && i < request->n_inputs; i++)
		rc = check_input(view, &request->inputs[i], err);
	if (rc == 0)
		rc = refuse_host(view, "/", request->cwd, err);
	if (rc == 0)
		rc = make_folder(view, "/", request->cwd, err);
	if (rc == 0)
		rc = refuse_host(view, request->cwd, request->source_file, err);
	if (rc == 0)
		rc = write_file(view, request->cwd, request->source_file,
		    &request->source, err);
	if (rc == 0)
		rc = make_temp_folders(view, request, err);
	if (rc == 0)
		rc = make_output_folders(view, request, err);
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
