/* SPDX-License-Identifier: Apache-2.0 */
/* Lock and socket. The socket appears by rename, when it listens already. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "lib/base/alloc.h"
#include "lib/base/error.h"
#include "lib/base/fd.h"
#include "lib/base/path.h"
#include "services/agent/listen.h"

/* A "make -j500" that starts all at once; the kernel may allow fewer. */
#define BACKLOG 4096

static int
take_lock(struct hg_listen *l, const char *path, struct hg_error *err)
{
	if (l->lock_fd < 0)
		l->lock_fd =
		    open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (l->lock_fd < 0)
		return hg_fail_errno(err, HG_IO, "cannot open %s", path);
	/* must not pass to the compilers that we run */
	if (fcntl(l->lock_fd, F_SETFD, FD_CLOEXEC) < 0)
		return hg_fail_errno(err, HG_INVALID, "cannot use the lock");
	if (flock(l->lock_fd, LOCK_EX | LOCK_NB) == 0)
		return 0;
	if (errno == EWOULDBLOCK)
		return hg_fail(
		    err, HG_EXHAUSTED, "another agent holds %.150s", path);
	return hg_fail_errno(err, HG_IO, "cannot lock %s", path);
}

static int
bind_and_listen(struct hg_listen *l, const char *tmp, struct hg_error *err)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	mode_t mask;
	int rc;

	if (strlen(tmp) >= sizeof(address.sun_path))
		return hg_fail(err, HG_INVALID,
		    "%.150s is too long for a socket's name", tmp);
	memcpy(address.sun_path, tmp, strlen(tmp) + 1);
	l->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (l->fd < 0)
		return hg_fail_errno(err, HG_IO, "cannot make a socket");
	unlink(tmp);
	mask = umask(0177);
	rc = bind(l->fd, (struct sockaddr *)&address, sizeof(address));
	umask(mask);
	if (rc < 0)
		return hg_fail_errno(err, HG_IO, "cannot make %s", tmp);
	if (listen(l->fd, BACKLOG) < 0 || rename(tmp, l->path) < 0)
		return hg_fail_errno(
		    err, HG_IO, "cannot listen on %s", l->path);
	return 0;
}

int
hg_listen_open(
    struct hg_listen *l, const char *path, int lock_fd, struct hg_error *err)
{
	char *dir = hg_path_dir(path);
	char *lock = hg_path_join(dir, "agent.lock");
	char *stamp = hg_path_join(dir, "agent.down");
	char *tmp = hg_xasprintf("%s.new", path);
	int rc;

	*l = (struct hg_listen){ hg_xstrdup(path), lock_fd, -1 };
	rc = take_lock(l, lock, err);
	if (rc == 0)
		rc = bind_and_listen(l, tmp, err);
	if (rc == 0)
		unlink(stamp);
	free(dir);
	free(lock);
	free(stamp);
	free(tmp);
	return rc;
}

bool
hg_listen_is_there(const struct hg_listen *l)
{
	struct stat st;

	/* nobody else makes one there while the lock is ours */
	return lstat(l->path, &st) == 0 && S_ISSOCK(st.st_mode);
}

void
hg_listen_leave(struct hg_listen *l)
{
	if (l->lock_fd < 0)
		return;
	unlink(l->path);
	hg_fd_close(&l->lock_fd);
}

void
hg_listen_release(struct hg_listen *l)
{
	hg_fd_close(&l->fd);
	hg_fd_close(&l->lock_fd);
	free(l->path);
	l->path = NULL;
}
