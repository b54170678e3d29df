/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The life of a warm container. The runner comes to us, over a socket that is
 * bound where only this container can see it and that is gone before the first
 * compile: none can pretend to be the runner. It hands over a descriptor of the
 * container's root folder, through which inputs are laid out and outputs taken;
 * so nothing of this machine's folders is shown in the container.
 */
#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "lib/base/alloc.h"
#include "lib/base/error.h"
#include "lib/base/fd.h"
#include "lib/base/path.h"
#include "services/runner/message.h"
#include "services/worker/container.h"
#include "services/worker/engine.h"
#include "services/worker/jail.h"

/* Where the container shows our programs and, for a moment, the socket. */
#define RUNNER "/.hybridgrid/hg-runner"
#define SOCKET_DIR "/.hybridgrid/socket"
#define SOCKET "s"

/* A started container's first process comes at once, or not at all. */
#define HELLO_TIMEOUT_MS 20000

/* ---- the runner comes -------------------------------------------------- */

/* A folder with a listening socket in it. */
struct door {
	char *dir;
	int fd;
};

static int
door_open(struct door *d, const char *work_dir, struct hg_error *err)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int dir_fd, rc = 0;

	d->dir = hg_xasprintf("%s/docker-XXXXXX", work_dir);
	if (!mkdtemp(d->dir)) {
		rc = hg_fail_errno(err, HG_IO, "cannot make folder %s", d->dir);
		free(d->dir);
		d->dir = NULL;
		return rc;
	}
	/* by way of a descriptor: names of sockets are short */
	dir_fd = open(d->dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	snprintf(address.sun_path, sizeof(address.sun_path),
	    "/proc/self/fd/%d/" SOCKET, dir_fd);
	d->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (dir_fd < 0 || d->fd < 0 ||
	    bind(d->fd, (struct sockaddr *)&address, sizeof(address)) < 0 ||
	    listen(d->fd, 1) < 0)
		rc = hg_fail_errno(
		    err, HG_IO, "cannot listen in folder %s", d->dir);
	hg_fd_close(&dir_fd);
	return rc;
}

static void
door_close(struct door *d)
{
	hg_fd_close(&d->fd);
	if (d->dir)
		hg_remove_tree(d->dir, NULL);
	free(d->dir);
	d->dir = NULL;
}

/* Waits for fd, so that the call that follows does not block for ever. */
static int
wait_readable(int fd, struct hg_error *err)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	int n;

	do
		n = poll(&p, 1, HELLO_TIMEOUT_MS);
	while (n < 0 && errno == EINTR);
	if (n == 1)
		return 0;
	return hg_fail(err, HG_INTERNAL,
	    "the container did not start hg-runner within %d s",
	    HELLO_TIMEOUT_MS / 1000);
}

/* Takes the runner's hello with the root folder's descriptor. */
static int
receive_hello(struct hg_container *c, struct hg_error *err)
{
	struct hg_runner_hello hello = { .magic = 0 };
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(sizeof(int))];
	} control;
	struct iovec iov = { &hello, sizeof(hello) };
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};
	struct cmsghdr *head;
	ssize_t n = recvmsg(c->fd, &msg, MSG_CMSG_CLOEXEC);

	head = CMSG_FIRSTHDR(&msg);
	if (n != (ssize_t)sizeof(hello) || hello.magic != HG_RUNNER_HELLO ||
	    !head || head->cmsg_type != SCM_RIGHTS ||
	    head->cmsg_len != CMSG_LEN(sizeof(int)))
		return hg_fail(err, HG_PROTOCOL,
		    "what runs in the container is not this hg-runner");
	memcpy(&c->root_fd, CMSG_DATA(head), sizeof(int));
	/* the dot has it opened as what it is even when links are refused */
	c->root = hg_xasprintf("/proc/self/fd/%d/.", c->root_fd);
	return 0;
}

static int
let_in(struct hg_container *c, int door, struct hg_error *err)
{
	int rc = wait_readable(door, err);

	if (rc)
		return rc;
	c->fd = accept4(door, NULL, NULL, SOCK_CLOEXEC);
	if (c->fd < 0)
		return hg_fail_errno(
		    err, HG_EXHAUSTED, "cannot talk to the container");
	rc = wait_readable(c->fd, err);
	return rc ? rc : receive_hello(c, err);
}

/* ---- making one -------------------------------------------------------- */

static int
create(struct hg_container *c, const struct hg_engine *engine,
    const struct hg_container_spec *spec, const char *door,
    struct hg_error *err)
{
	struct hg_strvec entrypoint = HG_STRVEC_INIT;
	struct hg_strvec binds = HG_STRVEC_INIT;
	struct hg_strvec modes = HG_STRVEC_INIT;
	const struct hg_engine_container wish = {
		.image = spec->image,
		.entrypoint = &entrypoint,
		.binds = &binds,
		.tmpfs = spec->areas,
		.tmpfs_modes = &modes,
		.tmpfs_bytes = spec->limits->tmpfs_bytes,
		.memory_bytes = spec->limits->memory_bytes,
		.pids = spec->limits->pids,
		.cpus = spec->limits->cpus,
	};
	int rc;

	hg_strvec_add(&entrypoint, RUNNER);
	hg_strvec_add(&entrypoint, SOCKET_DIR "/" SOCKET);
	hg_strvec_addf(&binds, "%s:" RUNNER, spec->runner);
	hg_strvec_addf(&binds, "%s:" HG_JAIL_OBSERVER, spec->observer);
	hg_strvec_addf(&binds, "%s:" SOCKET_DIR, door);
	for (size_t i = 0; i < spec->areas->n; i++)
		hg_strvec_add(&modes,
		    strcmp(spec->areas->v[i], "/tmp") == 0 ? "1777" : "0755");
	rc = hg_engine_create(engine, &wish, &c->id, err);
	hg_strvec_release(&modes);
	hg_strvec_release(&binds);
	hg_strvec_release(&entrypoint);
	return rc;
}

struct hg_container *
hg_container_new(const struct hg_engine *engine,
    const struct hg_container_spec *spec, struct hg_error *err)
{
	struct hg_container *c = hg_xcalloc(1, sizeof(*c));
	struct door door = { NULL, -1 };
	int rc;

	c->fd = -1;
	c->root_fd = -1;
	c->image = hg_xstrdup(spec->image);
	if (spec->areas->v)
		hg_strvec_add_all(
		    &c->areas, (const char *const *)spec->areas->v);
	rc = hg_engine_image_env(engine, spec->image, &c->env, err);
	if (rc == 0)
		rc = door_open(&door, spec->work_dir, err);
	if (rc == 0)
		rc = create(c, engine, spec, door.dir, err);
	if (rc == 0)
		rc = hg_engine_start(engine, c->id, err);
	if (rc == 0)
		rc = let_in(c, door.fd, err);
	door_close(&door);
	if (rc == 0)
		return c;
	if (c->id)
		hg_engine_remove(engine, c->id, NULL);
	hg_container_free(c);
	return NULL;
}

void
hg_container_free(struct hg_container *c)
{
	if (!c)
		return;
	hg_fd_close(&c->fd);
	hg_fd_close(&c->root_fd);
	hg_strvec_release(&c->areas);
	hg_strvec_release(&c->env);
	free(c->root);
	free(c->image);
	free(c->id);
	free(c);
}

/* ---- between compiles -------------------------------------------------- */

bool
hg_container_is_alive(const struct hg_container *c)
{
	char byte;

	/* a runner that was not called has nothing to say */
	return recv(c->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 &&
	    errno == EAGAIN;
}

static int
empty_folder(const char *path, struct hg_error *err)
{
	DIR *d = opendir(path);
	struct dirent *entry;
	int rc = 0;

	if (!d)
		return hg_fail_errno(err, HG_IO, "cannot open %s", path);
	while (rc == 0 && (entry = readdir(d))) {
		char *name;

		if (strcmp(entry->d_name, ".") == 0 ||
		    strcmp(entry->d_name, "..") == 0)
			continue;
		name = hg_path_join(path, entry->d_name);
		rc = hg_remove_tree(name, err);
		free(name);
	}
	closedir(d);
	return rc;
}

int
hg_container_empty(struct hg_container *c, struct hg_error *err)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < c->areas.n; i++) {
		char *path = hg_xasprintf("%s%s", c->root, c->areas.v[i]);

		rc = empty_folder(path, err);
		free(path);
	}
	return rc;
}
