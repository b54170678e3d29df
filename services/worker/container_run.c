/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Running one program in a warm container. The runner gets the writing ends of
 * two pipes, so output comes to us as from a child of our own; one poll() covers
 * it, the runner's answer, the time limit and the caller's change of mind. To
 * end a program we hang up: that ends the container, whatever runs in it.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/error.h"
#include "lib/base/fd.h"
#include "lib/base/strbuf.h"
#include "lib/base/time.h"
#include "lib/proc/proc.h"
#include "services/runner/message.h"
#include "services/worker/container.h"
#include "services/worker/jail.h"

#define CHUNK_BYTES 65536

/* Bytes kept of stdout and of stderr, each. */
#define MAX_CAPTURE ((size_t)16 << 20)

/* Looks for the rest of an output; pipes hold one chunk. */
#define REST_CHUNKS 16

struct run {
	struct hg_container *container;
	const struct hg_jail_spec *spec;
	struct hg_proc_result *result;
	int out[2];
	uint64_t started_ns;
	struct hg_runner_reply reply;
	bool answered;
};

/* ---- calling ----------------------------------------------------------- */

static uint32_t
add_words(struct hg_strbuf *text, const char *const *words)
{
	uint32_t n = 0;

	for (; words && words[n]; n++)
		hg_strbuf_add(text, words[n], strlen(words[n]) + 1);
	return n;
}

static int
send_head(int fd, struct hg_runner_call *head, const int *passed, size_t n,
    struct hg_error *err)
{
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(3 * sizeof(int))];
	} control = { .room = { 0 } };
	struct iovec iov = { head, sizeof(*head) };
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = CMSG_SPACE(n * sizeof(int)),
	};

	control.head.cmsg_level = SOL_SOCKET;
	control.head.cmsg_type = SCM_RIGHTS;
	control.head.cmsg_len = CMSG_LEN(n * sizeof(int));
	memcpy(CMSG_DATA(&control.head), passed, n * sizeof(int));
	if (sendmsg(fd, &msg, MSG_NOSIGNAL) != (ssize_t)sizeof(*head))
		return hg_fail_errno(
		    err, HG_UNAVAILABLE, "the container has ended");
	return 0;
}

static int
send_call(struct run *run, const int *ends, struct hg_error *err)
{
	const struct hg_jail_spec *spec = run->spec;
	const int passed[] = { ends[0], ends[1], spec->keep_fd };
	struct hg_strbuf text = HG_STRBUF_INIT;
	struct hg_runner_call head = {
		.magic = HG_RUNNER_CALL,
		.umask = (uint32_t)spec->umask,
		.keep_fd = spec->keep_fd,
	};
	int rc = 0;

	hg_strbuf_add(&text, spec->cwd, strlen(spec->cwd) + 1);
	head.n_argv = add_words(&text, spec->argv);
	head.n_env = add_words(&text, spec->env);
	head.bytes = (uint32_t)text.len;
	if (text.len > HG_RUNNER_MAX_BYTES ||
	    head.n_argv > HG_RUNNER_MAX_WORDS ||
	    head.n_env > HG_RUNNER_MAX_WORDS)
		rc = hg_fail(err, HG_TOOBIG,
		    "the command line is too long for a container");
	else if (spec->keep_fd > HG_RUNNER_MAX_KEEP)
		rc = hg_fail(err, HG_EXHAUSTED, "too many descriptors are open");
	else
		rc = send_head(run->container->fd, &head, passed,
		    spec->keep_fd >= 0 ? 3 : 2, err);
	if (rc == 0 &&
	    send(run->container->fd, text.buf, text.len, MSG_NOSIGNAL) !=
		(ssize_t)text.len)
		rc = hg_fail(err, HG_UNAVAILABLE, "the container has ended");
	hg_strbuf_release(&text);
	return rc;
}

static int
call(struct run *run, struct hg_error *err)
{
	int ends[2] = { -1, -1 };
	int rc = 0;

	for (int i = 0; rc == 0 && i < 2; i++) {
		int fd[2];

		if (pipe2(fd, O_CLOEXEC) < 0) {
			rc = hg_fail_errno(
			    err, HG_EXHAUSTED, "cannot open a pipe");
			break;
		}
		fcntl(fd[0], F_SETFL, O_NONBLOCK);
		run->out[i] = fd[0];
		ends[i] = fd[1];
	}
	if (rc == 0)
		rc = send_call(run, ends, err);
	hg_fd_close(&ends[0]);
	hg_fd_close(&ends[1]);
	return rc;
}

/* ---- watching ---------------------------------------------------------- */

/* Takes one chunk of an output; false when there is nothing more now. */
static bool
take(struct run *run, int i)
{
	struct hg_strbuf *kept = i ? &run->result->err : &run->result->out;
	size_t room = MAX_CAPTURE - kept->len;
	char buf[CHUNK_BYTES];
	ssize_t n;

	do
		n = read(run->out[i], buf, sizeof(buf));
	while (n < 0 && errno == EINTR);
	if (n < 0 && errno == EAGAIN)
		return false;
	if (n <= 0) {
		hg_fd_close(&run->out[i]);
		return false;
	}
	if ((size_t)n > room)
		run->result->truncated = true;
	hg_strbuf_add(kept, buf, (size_t)n < room ? (size_t)n : room);
	return true;
}

/* The answer comes in one piece, or the container has ended. */
static int
take_reply(struct run *run, struct hg_error *err)
{
	struct hg_runner_reply *reply = &run->reply;
	ssize_t n = recv(
	    run->container->fd, reply, sizeof(*reply), MSG_WAITALL);

	run->answered = n == (ssize_t)sizeof(*reply) &&
	    reply->magic == HG_RUNNER_REPLY;
	return run->answered
	    ? 0
	    : hg_fail(err, HG_UNAVAILABLE, "the container has ended");
}

static int
poll_time(const struct run *run)
{
	uint64_t limit = run->spec->timeout_ns;
	uint64_t gone = hg_now_ns() - run->started_ns;
	uint64_t left_ms;

	if (limit == 0)
		return -1;
	if (gone >= limit)
		return 0;
	left_ms = (limit - gone + HG_NS_PER_MS - 1) / HG_NS_PER_MS;
	return left_ms > 60000 ? 60000 : (int)left_ms;
}

/* Until the runner's answer, or the program is to be ended. */
static int
watch(struct run *run, struct hg_error *err)
{
	enum { OUT, ERR, REPLY, CANCEL, COUNT };

	for (;;) {
		int wait_ms = poll_time(run);
		struct pollfd p[COUNT] = {
			[OUT] = { .fd = run->out[0], .events = POLLIN },
			[ERR] = { .fd = run->out[1], .events = POLLIN },
			[REPLY] = { .fd = run->container->fd,
			    .events = POLLIN },
			[CANCEL] = { .fd = run->spec->cancel_fd,
			    .events = POLLIN },
		};
		int n = poll(p, COUNT, wait_ms);

		if (n < 0 && errno != EINTR && errno != EAGAIN)
			return hg_fail_errno(err, HG_INTERNAL,
			    "cannot wait for the container");
		for (int i = OUT; n > 0 && i <= ERR; i++)
			if (p[i].revents)
				take(run, i);
		if (n > 0 && p[REPLY].revents)
			return take_reply(run, err);
		if (n > 0 && p[CANCEL].revents) {
			run->result->end = HG_PROC_CANCELLED;
			return 0;
		}
		if (wait_ms == 0) {
			run->result->end = HG_PROC_TIMED_OUT;
			return 0;
		}
	}
}

/* ---- the end ----------------------------------------------------------- */

static int
could_not_start(const struct run *run, struct hg_error *err)
{
	int e = run->reply.error;

	errno = e;
	return hg_fail_errno(err,
	    e == ENOENT || e == ENOTDIR || e == EACCES ? HG_NOCOMPILER
						       : HG_INTERNAL,
	    "cannot run %s in image %s", run->spec->argv[0],
	    run->container->image);
}

static int
take_result(struct run *run, struct hg_error *err)
{
	const struct hg_runner_reply *reply = &run->reply;
	struct hg_proc_result *r = run->result;

	if (reply->error)
		return could_not_start(run, err);
	if (WIFSIGNALED(reply->status)) {
		r->end = HG_PROC_SIGNALLED;
		r->signal = WTERMSIG(reply->status);
		r->status = 128 + r->signal;
	} else {
		r->status = WEXITSTATUS(reply->status);
	}
	r->cpu_ns = reply->cpu_us * 1000;
	r->peak_rss_bytes = reply->peak_rss_kib * 1024;
	return 0;
}

int
hg_container_run(struct hg_container *c, const struct hg_jail_spec *spec,
    struct hg_proc_result *ret, struct hg_error *err)
{
	struct run run = {
		.container = c,
		.spec = spec,
		.result = ret,
		.out = { -1, -1 },
		.started_ns = hg_now_ns(),
	};
	int rc;

	*ret = (struct hg_proc_result){ .end = HG_PROC_EXITED };
	hg_strbuf_init(&ret->out);
	hg_strbuf_init(&ret->err);
	c->compiles++;
	rc = call(&run, err);
	if (rc == 0)
		rc = watch(&run, err);
	if (!run.answered) {
		/* nothing of it runs on while its outputs are looked at */
		c->broken = true;
		ret->status = 128 + SIGKILL;
	} else {
		rc = take_result(&run, err);
	}
	for (int i = 0; i < 2; i++) {
		for (int k = 0; k < REST_CHUNKS && run.out[i] >= 0; k++)
			if (!take(&run, i))
				break;
		hg_fd_close(&run.out[i]);
	}
	ret->wall_ns = hg_now_ns() - run.started_ns;
	return rc;
}
