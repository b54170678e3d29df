/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A lock on a file in the folder tells whether a worker uses it: the kernel frees
 * it with the process, however that ends, so nothing has to be guessed from
 * numbers of processes. Several workers may share a folder that was named; it is
 * cleaned by one that finds itself alone.
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
#define LOCK_NAME "lock"

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

/* Is it locked by nobody? One without a lock may be about to get it. */
static bool
is_abandoned(int parent, const char *name)
{
	int dir = open_own(parent, name, O_NOFOLLOW);
	int lock = -1;
	bool abandoned = false;

	if (dir >= 0)
		lock = openat(dir, LOCK_NAME, O_RDWR | O_NOFOLLOW | O_CLOEXEC);
	if (lock >= 0)
		abandoned = flock(lock, LOCK_EX | LOCK_NB) == 0;
	hg_fd_close(&lock);
	hg_fd_close(&dir);
	return abandoned;
}

static void
clean_siblings(const char *parent)
{
	DIR *d = opendir(parent);
	struct dirent *e;

	while (d && (e = readdir(d)))
		if (strncmp(e->d_name, OWN_PREFIX, strlen(OWN_PREFIX)) == 0 &&
		    is_abandoned(dirfd(d), e->d_name))
			remove_entry(parent, e->d_name);
	if (d)
		closedir(d);
}

/* -HG_NOTFOUND: it was taken away again. */
static int
lock(struct hg_work_dir *w, int dir, struct hg_error *err)
{
	struct stat here, there;

	w->lock_fd = openat(dir, LOCK_NAME,
	    O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (w->lock_fd < 0)
		return hg_fail_errno(
		    err, HG_IO, "cannot make %s/" LOCK_NAME, w->path);
	if (flock(w->lock_fd, LOCK_EX | LOCK_NB) == 0)
		clean_jobs(w->path);
	if (flock(w->lock_fd, LOCK_SH) < 0)
		return hg_fail_errno(
		    err, HG_IO, "cannot lock %s/" LOCK_NAME, w->path);
	if (fstat(dir, &here) == 0 && stat(w->path, &there) == 0 &&
	    here.st_ino == there.st_ino && here.st_dev == there.st_dev)
		return 0;
	hg_fd_close(&w->lock_fd);
	return hg_fail(err, HG_NOTFOUND, "%s was removed", w->path);
}

static int
try_open(struct hg_work_dir *w, struct hg_error *err)
{
	int dir, rc;

	if (w->own) {
		if (mkdir(w->path, 0700) < 0 && errno != EEXIST)
			return hg_fail_errno(
			    err, HG_IO, "cannot make folder %s", w->path);
	} else if ((rc = hg_mkdir_p(w->path, err))) {
		return rc;
	}
	dir = open_own(AT_FDCWD, w->path, w->own ? O_NOFOLLOW : 0);
	if (dir < 0)
		return hg_fail(err, HG_DENIED,
		    "%s is not a folder of this user", w->path);
	rc = lock(w, dir, err);
	hg_fd_close(&dir);
	return rc;
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
