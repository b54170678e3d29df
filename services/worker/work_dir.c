/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A lock on the folder tells whether a worker uses it: the kernel frees it with
 * the process, however that ends, so nothing has to be guessed from numbers of
 * processes. Several workers may share a folder that was named; it is cleaned by
 * one that finds itself alone.
 */
#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/alloc.h"
#include "lib/base/error.h"
#include "lib/base/fd.h"
#include "lib/base/path.h"
#include "services/worker/work_dir.h"

#define OWN_PREFIX "hybridgrid-worker-"
#define JOB_PREFIX "job-"

/* Somebody who cleans may take the folder away while we open it. */
#define MAX_TRIES 10

/* The folder, if it is one of this user's. */
static int
open_own(int parent, const char *name, int flags)
{
	int fd = openat(
	    parent, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | flags);
	struct stat st;

	if (fd >= 0 && (fstat(fd, &st) < 0 || st.st_uid != geteuid()))
		hg_fd_close(&fd);
	return fd;
}

static void
remove_entry(const char *dir, const char *name)
{
	char *path = hg_path_join(dir, name);

	hg_remove_tree(path, NULL);
	free(path);
}

/* What is left of compiles; nobody else uses the folder. */
static void
clean_jobs(const char *path)
{
	DIR *d = opendir(path);
	struct dirent *e;

	while (d && (e = readdir(d)))
		if (strncmp(e->d_name, JOB_PREFIX, strlen(JOB_PREFIX)) == 0)
			remove_entry(path, e->d_name);
	if (d)
		closedir(d);
}

/* Removes it while holding its lock, if nobody else does. */
static void
remove_abandoned(int parent, const char *dir, const char *name)
{
	int fd = open_own(parent, name, O_NOFOLLOW);

	if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0)
		remove_entry(dir, name);
	hg_fd_close(&fd);
}

static void
clean_siblings(const char *parent)
{
	DIR *d = opendir(parent);
	struct dirent *e;

	while (d && (e = readdir(d)))
		if (strncmp(e->d_name, OWN_PREFIX, strlen(OWN_PREFIX)) == 0)
			remove_abandoned(dirfd(d), parent, e->d_name);
	if (d)
		closedir(d);
}

/* -HG_NOTFOUND: somebody who cleaned had it first, and it is gone. */
static int
lock(struct hg_work_dir *w, struct hg_error *err)
{
	struct stat here, there;

	if (flock(w->lock_fd, LOCK_EX | LOCK_NB) == 0)
		clean_jobs(w->path);
	/* not every file system has locks, and then nothing is cleaned */
	(void)flock(w->lock_fd, LOCK_SH);
	if (fstat(w->lock_fd, &here) == 0 && stat(w->path, &there) == 0 &&
	    here.st_ino == there.st_ino && here.st_dev == there.st_dev)
		return 0;
	hg_fd_close(&w->lock_fd);
	return hg_fail(err, HG_NOTFOUND, "%s was removed", w->path);
}

static int
try_open(struct hg_work_dir *w, struct hg_error *err)
{
	int rc;

	if (w->own) {
		if (mkdir(w->path, 0700) < 0 && errno != EEXIST)
			return hg_fail_errno(
			    err, HG_IO, "cannot make folder %s", w->path);
	} else if ((rc = hg_mkdir_p(w->path, err))) {
		return rc;
	}
	w->lock_fd = open_own(AT_FDCWD, w->path, w->own ? O_NOFOLLOW : 0);
	if (w->lock_fd < 0)
		return hg_fail(err, HG_DENIED,
		    "%s is not a folder of this user", w->path);
	return lock(w, err);
}

int
hg_work_dir_open(
    struct hg_work_dir *w, const char *wanted, struct hg_error *err)
{
	const char *tmp = getenv("TMPDIR");
	int rc = -HG_NOTFOUND;

	*w = (struct hg_work_dir)HG_WORK_DIR_INIT;
	w->own = !*wanted;
	if (w->own) {
		tmp = tmp && *tmp == '/' ? tmp : "/tmp";
		clean_siblings(tmp);
		w->path = hg_xasprintf(
		    "%s/" OWN_PREFIX "%ld", tmp, (long)getpid());
	} else {
		w->path = hg_xstrdup(wanted);
	}
	for (int i = 0; rc == -HG_NOTFOUND && i < MAX_TRIES; i++)
		rc = try_open(w, err);
	return rc;
}

void
hg_work_dir_close(struct hg_work_dir *w)
{
	if (w->own && w->lock_fd >= 0)
		hg_remove_tree(w->path, NULL);
	hg_fd_close(&w->lock_fd);
	free(w->path);
	*w = (struct hg_work_dir)HG_WORK_DIR_INIT;
}
