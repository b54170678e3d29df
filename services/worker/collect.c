/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Collecting a compile's results, after all its processes are gone. The files
 * it named beforehand are only some of what it may have written (.dwo, .gcno,
 * .su, ...), so the job folder is compared with how it was.
 */
#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/alloc.h"
#include "lib/base/error.h"
#include "lib/base/fd.h"
#include "lib/base/limits.h"
#include "lib/base/path.h"
#include "lib/base/strbuf.h"
#include "lib/observe/observe.h"
#include "lib/wire/wire.h"
#include "services/worker/collect.h"
#include "services/worker/digests.h"

/* Files of a job folder that are looked through, and their depth. */
#define MAX_FILES 200000
#define MAX_DEPTH 200

/* ---- walking a job folder ---------------------------------------------- */

struct walk {
	const struct hg_view *view;
	/* called with the name in the sandbox; non-zero ends the walk */
	int (*file)(struct walk *w, const char *path, const struct stat *st,
	    struct hg_error *err);
	void *arg;
	size_t files;
};

/* What the sandbox mounts is not the compile's. */
static bool
is_mounted(const struct hg_view *view, const char *path)
{
	return hg_view_is_host(view, path) || strcmp(path, "/dev") == 0 ||
	    strcmp(path, "/proc") == 0;
}

static int walk_folder(struct walk *w, int dir, const char *path,
    unsigned depth, struct hg_error *err);

static int
walk_entry(struct walk *w, int dir, const char *parent, const char *name,
    unsigned depth, struct hg_error *err)
{
	char *path = hg_xasprintf("%s/%s", parent, name);
	struct stat st;
	int rc = 0;

	if (is_mounted(w->view, path) ||
	    fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		goto out;
	if (++w->files > MAX_FILES) {
		rc = hg_fail(err, HG_TOOBIG, "the job has too many files");
	} else if (S_ISDIR(st.st_mode)) {
		int fd = openat(dir, name,
		    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

		if (fd >= 0)
			rc = walk_folder(w, fd, path, depth + 1, err);
	} else {
		rc = w->file(w, path, &st, err);
	}
out:
	free(path);
	return rc;
}

/* Closes dir. */
static int
walk_folder(struct walk *w, int dir, const char *path, unsigned depth,
    struct hg_error *err)
{
	DIR *d = depth > MAX_DEPTH ? NULL : fdopendir(dir);
	struct dirent *e;
	int rc = 0;

	if (!d) {
		close(dir);
		return hg_fail(err, HG_TOOBIG, "%.200s is too deep", path);
	}
	while (rc == 0 && (e = readdir(d)))
		if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
			rc = walk_entry(w, dirfd(d), path, e->d_name, depth, err);
	closedir(d);
	return rc;
}

static int
walk_root(struct walk *w, struct hg_error *err)
{
	int fd = open(w->view->root,
	    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0)
		return hg_fail_errno(
		    err, HG_IO, "cannot open %s", w->view->root);
	return walk_folder(w, fd, "", 0, err);
}

/* ---- before ------------------------------------------------------------ */

struct mark {
	ino_t ino;
	struct timespec ctime;
};

static int
note_file(struct walk *w, const char *path, const struct stat *st,
    struct hg_error *err)
{
	struct hg_snapshot *s = w->arg;
	struct mark *mark = hg_xcalloc(1, sizeof(*mark));

	(void)err;
	mark->ino = st->st_ino;
	mark->ctime = st->st_ctim;
	free(hg_hmap_set(&s->files, path, mark));
	return 0;
}

int
hg_snapshot_take(
    struct hg_snapshot *s, const struct hg_view *view, struct hg_error *err)
{
	struct walk w = { .view = view, .file = note_file, .arg = s };

	s->files = (struct hg_hmap)HG_HMAP_INIT;
	return walk_root(&w, err);
}

void
hg_snapshot_release(struct hg_snapshot *s)
{
	hg_hmap_release(&s->files, free);
}

/* ---- outputs ----------------------------------------------------------- */

struct outputs {
	const struct hg_view *view;
	const struct hg_snapshot *before;
	/* as given, without "/" at the end of what is compared */
	const char *cwd;
	size_t bytes_left;
	struct hg_wire_result *result;
	/* real names already taken */
	struct hg_hmap taken;
};

static int
read_regular(const char *real, size_t max, struct hg_strbuf *content,
    uint32_t *mode, struct hg_error *err)
{
	/* not blocked by a FIFO, and no link is followed */
	int fd = open(real, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	struct stat st;
	int rc;

	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		rc = hg_fail(err, HG_IO, "%s is not a file", real);
	else if ((uint64_t)st.st_size > max)
		rc = hg_fail(err, HG_TOOBIG,
		    "the compile's output is larger than a message may be");
	else
		rc = hg_read_fd(fd, max, content, err);
	if (rc == 0)
		*mode = st.st_mode & 0777;
	hg_fd_close(&fd);
	return rc;
}

int
hg_collect_file(const struct hg_view *view, const char *cwd, const char *path,
    size_t max, struct hg_strbuf *ret, struct hg_error *err)
{
	bool host;
	char *real = hg_view_resolve(view, cwd, path, &host, err);
	uint32_t mode;
	int rc;

	if (!real)
		return -HG_INVALID;
	if (access(real, F_OK) < 0 || host)
		rc = hg_fail(err, HG_NOTFOUND, "the compile made no %s", path);
	else
		rc = read_regular(real, max, ret, &mode, err);
	free(real);
	return rc;
}

/* Takes the file at a real name under the name that the client knows. */
static int
take_output(struct outputs *o, const char *path, const char *real,
    struct hg_error *err)
{
	struct hg_wire_result *r = o->result;
	struct hg_strbuf content = HG_STRBUF_INIT;
	uint32_t mode = 0;
	int rc;

	if (r->n_outputs >= HG_MAX_OUTPUTS)
		return hg_fail(err, HG_TOOBIG, "the compile wrote too many files");
	rc = read_regular(real, o->bytes_left, &content, &mode, err);
	if (rc) {
		hg_strbuf_release(&content);
		return rc;
	}
	o->bytes_left -= content.len;
	hg_hmap_set(&o->taken, real, o);
	r->outputs = hg_xrealloc(
	    r->outputs, (r->n_outputs + 1) * sizeof(*r->outputs));
	r->outputs[r->n_outputs++] = (struct hg_wire_output){
		.path = hg_xstrdup(path),
		.content = { .n = content.len },
		.mode = mode,
	};
	r->outputs[r->n_outputs - 1].content.p = hg_strbuf_detach(&content, NULL);
	return 0;
}

/* Is the file of that name in the sandbox as it was before the compile? */
static bool
is_unchanged(const struct outputs *o, const char *path, const struct stat *st)
{
	const struct mark *mark = hg_hmap_get(&o->before->files, path);

	return mark && mark->ino == st->st_ino &&
	    mark->ctime.tv_sec == st->st_ctim.tv_sec &&
	    mark->ctime.tv_nsec == st->st_ctim.tv_nsec;
}

static int
take_named(struct outputs *o, const char *path, struct hg_error *err)
{
	bool host;
	char *real = hg_view_resolve(o->view, o->cwd, path, &host, err);
	struct stat st;
	int rc = 0;

	if (!real)
		return -HG_INVALID;
	if (!host && lstat(real, &st) == 0 && S_ISREG(st.st_mode) &&
	    !is_unchanged(o, real + strlen(o->view->root), &st) &&
	    !hg_hmap_get(&o->taken, real))
		rc = take_output(o, path, real, err);
	free(real);
	return rc;
}

/* Temporary files are nobody's output, unless the build is in /tmp itself. */
static bool
is_temporary(const struct outputs *o, const char *path)
{
	size_t n = strlen(o->cwd);

	if (strncmp(path, "/tmp/", 5) != 0)
		return false;
	return strncmp(path, o->cwd, n) != 0 || path[n] != '/';
}

static int
take_new(struct walk *w, const char *path, const struct stat *st,
    struct hg_error *err)
{
	struct outputs *o = w->arg;
	char *real;
	int rc = 0;

	if (!S_ISREG(st->st_mode) || is_unchanged(o, path, st) ||
	    is_temporary(o, path))
		return 0;
	real = hg_xasprintf("%s%s", o->view->root, path);
	if (!hg_hmap_get(&o->taken, real))
		rc = take_output(o, path, real, err);
	free(real);
	return rc;
}

int
hg_collect_outputs(const struct hg_view *view, const struct hg_snapshot *s,
    const struct hg_wire_compile *request, size_t max_bytes,
    struct hg_wire_result *ret, struct hg_error *err)
{
	struct outputs o = {
		.view = view,
		.before = s,
		.cwd = request->cwd,
		.bytes_left = max_bytes,
		.result = ret,
		.taken = HG_HMAP_INIT,
	};
	struct walk w = { .view = view, .file = take_new, .arg = &o };
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < request->n_outputs; i++)
		rc = take_named(&o, request->outputs[i], err);
	if (rc == 0)
		rc = walk_root(&w, err);
	hg_hmap_release(&o.taken, NULL);
	return rc;
}

/* ---- observed ---------------------------------------------------------- */

static int
digest_seen(const struct hg_view *view, const char *cwd, const char *path,
    struct hg_digests *memo, struct hg_digest *ret, struct hg_error *err)
{
	bool host;
	char *real = hg_view_resolve(view, cwd, path, &host, err);
	struct stat st;
	int rc;

	if (!real)
		return -HG_INVALID;
	if (host)
		rc = hg_digests_get(memo, real, ret, err);
	else if (lstat(real, &st) < 0 || !S_ISREG(st.st_mode))
		rc = hg_fail(err, HG_NOTFOUND, "%s, which was read, is gone",
		    path);
	else
		rc = hg_digest_file(real, ret, err);
	free(real);
	return rc;
}

static int
take_seen(const struct hg_view *view, const char *cwd,
    const struct hg_observed *seen, struct hg_digests *memo,
    struct hg_wire_result *r, struct hg_error *err)
{
	struct hg_wire_observed *o = &r->observed[r->n_observed];
	int rc = 0;

	*o = (struct hg_wire_observed){ .kind = (int)seen->kind };
	switch (seen->kind) {
	case HG_OBSERVED_WRITTEN:
		return 0;
	case HG_OBSERVED_OVERWRITTEN:
		return hg_fail(err, HG_UNSUPPORTED,
		    "the compile read %s and then changed it", seen->path);
	case HG_OBSERVED_READ:
	case HG_OBSERVED_RUN:
		rc = digest_seen(view, cwd, seen->path, memo, &o->digest, err);
		break;
	case HG_OBSERVED_LISTED:
		o->kind = HG_OBSERVED_FOLDER;
		break;
	case HG_OBSERVED_ABSENT:
	case HG_OBSERVED_FOLDER:
		break;
	}
	if (rc == 0 && !hg_wire_is_utf8(seen->path, strlen(seen->path)))
		rc = hg_fail(err, HG_UNSUPPORTED,
		    "the compile used a name that is not UTF-8");
	if (rc)
		return rc;
	o->path = hg_xstrdup(seen->path);
	r->n_observed++;
	return 0;
}

int
hg_collect_observed(const struct hg_view *view, const char *cwd,
    const struct hg_observed_list *seen, struct hg_digests *memo,
    struct hg_wire_result *ret, struct hg_error *err)
{
	int rc = 0;

	if (seen->n > HG_MAX_OBSERVED)
		return hg_fail(err, HG_TOOBIG,
		    "the compile looked at too many files");
	ret->uses_time = seen->uses_time;
	ret->observed = hg_xcalloc(seen->n + 1, sizeof(*ret->observed));
	for (size_t i = 0; rc == 0 && i < seen->n; i++)
		rc = take_seen(view, cwd, &seen->v[i], memo, ret, err);
	return rc;
}

void
hg_collect_release(struct hg_wire_result *r)
{
	for (size_t i = 0; i < r->n_outputs; i++) {
		free(r->outputs[i].path);
		free((void *)(uintptr_t)r->outputs[i].content.p);
	}
	for (size_t i = 0; i < r->n_observed; i++)
		free(r->observed[i].path);
	free(r->outputs);
	free(r->observed);
	r->outputs = NULL;
	r->observed = NULL;
	r->n_outputs = 0;
	r->n_observed = 0;
}
