/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One question to the agent over its socket. The socket does not block; each
 * wait is a poll() with what is left of its bound. While it works, the agent
 * sends an empty frame as a sign of life every half second: silence therefore
 * means that it is frozen, and end of file that it is dead.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "launcher/agent_start.h"
#include "launcher/remote.h"
#include "lib/base/alloc.h"
#include "lib/base/error.h"
#include "lib/base/fd.h"
#include "lib/base/limits.h"
#include "lib/base/path.h"
#include "lib/base/strbuf.h"
#include "lib/base/time.h"
#include "lib/wire/agent_msg.h"

/* A reply holds what a coordinator's message held, and a little more. */
#define MAX_REPLY_BYTES (HG_MAX_MESSAGE_BYTES + HG_MAX_MESSAGE_BYTES / 4)

/* How often one looks whether others have found the agent broken. */
#define LOOK_NS (500 * HG_NS_PER_MS)

/* For requests without a time of their own. */
#define PLAIN_TIMEOUT_MS 5000

struct session {
	const struct hg_remote_options *options;
	char *socket;
	char *lock;
	char *stamp;
	int fd;
	/* this process has started the agent */
	bool started;
	/* the agent has sent something, if only a sign of life */
	bool was_heard;
};

/* ---- the folder --------------------------------------------------------- */

static bool
is_our_folder(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISDIR(st.st_mode) &&
	       st.st_uid == geteuid();
}

/* 0; -HG_NOTFOUND when it cannot be made; -HG_DENIED when it is not private. */
static int
claim_folder(const char *path, struct hg_error *err)
{
	struct stat st;

	if (mkdir(path, 0700) < 0 && errno != EEXIST && errno != EROFS)
		return hg_fail_errno(
		    err, HG_NOTFOUND, "cannot create folder %s", path);
	if (lstat(path, &st) < 0)
		return hg_fail_errno(
		    err, HG_NOTFOUND, "cannot use folder %s", path);
	if (!S_ISDIR(st.st_mode) || st.st_uid != geteuid() ||
	    (st.st_mode & 077))
		return hg_fail(err, HG_DENIED,
		    "%s is not a folder that only this user can enter", path);
	return 0;
}

char *
hg_remote_folder(struct hg_error *err)
{
	const char *runtime = getenv("XDG_RUNTIME_DIR");
	const char *tmp = getenv("TMPDIR");
	char *run = hg_xasprintf("/run/user/%lu", (unsigned long)geteuid());
	const char *const parents[] = { runtime, run };
	char *path = NULL;
	int rc = -HG_NOTFOUND;

	for (size_t i = 0; rc == -HG_NOTFOUND && i < 2; i++) {
		if (!parents[i] || *parents[i] != '/' ||
		    !is_our_folder(parents[i]))
			continue;
		free(path);
		path = hg_path_join(parents[i], "hybridgrid");
		rc = claim_folder(path, err);
	}
	if (rc == -HG_NOTFOUND) {
		free(path);
		path = hg_xasprintf("%s/hybridgrid-%lu",
		    tmp && *tmp == '/' ? tmp : "/tmp",
		    (unsigned long)geteuid());
		rc = claim_folder(path, err);
	}
	free(run);
	if (rc == 0)
		return path;
	free(path);
	return NULL;
}

/* ---- the stamp ---------------------------------------------------------- */

/* Has the agent been found broken lately? */
static bool
is_down(const struct session *s)
{
	uint64_t now = hg_wall_ns(), then;
	struct stat st;

	if (lstat(s->stamp, &st) < 0)
		return false;
	then = (uint64_t)st.st_mtim.tv_sec * HG_NS_PER_SEC +
	       (uint64_t)st.st_mtim.tv_nsec;
	/* a time to come is a clock that was set back */
	return now < then + s->options->backoff_ns &&
	       then < now + s->options->backoff_ns;
}

/* Keeps others from waiting as well. Should it fail, they wait. */
static void
mark_down(const struct session *s)
{
	int fd = open(s->stamp,
	    O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd < 0)
		return;
	futimens(fd, NULL);
	hg_fd_close(&fd);
}

static int
broken(const struct session *s, const char *how, struct hg_error *err)
{
	mark_down(s);
	return hg_fail(err, HG_UNAVAILABLE,
	    "the agent at %.150s %s; see HG_AGENT_LOG", s->socket, how);
}

/* ---- connecting --------------------------------------------------------- */

static int
connect_once(struct session *s, struct hg_error *err)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	size_t n = strlen(s->socket);

	if (n >= sizeof(address.sun_path))
		return hg_fail(err, HG_INVALID,
		    "%.150s is too long for a socket's name: set "
		    "XDG_RUNTIME_DIR",
		    s->socket);
	memcpy(address.sun_path, s->socket, n + 1);
	s->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (s->fd < 0)
		return hg_fail_errno(err, HG_IO, "cannot make a socket");
	if (connect(s->fd, (struct sockaddr *)&address, sizeof(address)) == 0)
		return 0;
	hg_fd_close(&s->fd);
	return hg_fail_errno(
	    err, HG_UNAVAILABLE, "cannot connect to %s", s->socket);
}

static int
check_peer(const struct session *s, struct hg_error *err)
{
	struct ucred peer = { .uid = (uid_t)-1 };
	socklen_t n = sizeof(peer);

	if (getsockopt(s->fd, SOL_SOCKET, SO_PEERCRED, &peer, &n) < 0 ||
	    peer.uid != geteuid())
		return hg_fail(err, HG_DENIED,
		    "the agent at %.150s is not this user's", s->socket);
	return 0;
}

/* Starts the agent when nobody else has; at most once in this process. */
static int
start_if_needed(struct session *s, struct hg_error *err)
{
	bool started = false;
	int rc;

	if (!s->options->agent)
		return 0;
	rc = hg_agent_start(
	    s->options->agent, s->lock, s->socket, &started, err);
	if (rc == 0 && started && s->started)
		rc = hg_fail(err, HG_UNAVAILABLE,
		    "%s ended as soon as it was started", s->options->agent);
	s->started = s->started || started;
	if (rc)
		mark_down(s);
	return rc;
}

static void
nap(uint64_t ns)
{
	struct timespec t = { .tv_nsec = (long)ns };

	nanosleep(&t, NULL);
}

static int
connect_agent(struct session *s, struct hg_error *err)
{
	uint64_t give_up = hg_now_ns() + s->options->connect_wait_ns;
	uint64_t pause = 2 * HG_NS_PER_MS;

	for (;;) {
		int rc = connect_once(s, err);
		int e = rc && err ? err->sys_errno : 0;

		if (rc == 0)
			return check_peer(s, err);
		/* no agent listens, or (EAGAIN) it does not accept */
		if (e != ENOENT && e != ECONNREFUSED && e != EAGAIN)
			return rc;
		if (e != EAGAIN && !s->options->agent)
			return rc;
		if (e != EAGAIN)
			rc = start_if_needed(s, err);
		if (e != EAGAIN && rc)
			return rc;
		if (hg_now_ns() >= give_up)
			return broken(s, "does not take requests", err);
		nap(pause);
		if (pause < 20 * HG_NS_PER_MS)
			pause += pause / 2;
	}
}

/* ---- talking ------------------------------------------------------------ */

/*
 * Waits until the socket is ready or has ended. last_ns is when something was
 * last sent or received, end_ns the end of all patience.
 */
static int
wait_ready(const struct session *s, short events, uint64_t last_ns,
    uint64_t end_ns, struct hg_error *err)
{
	struct pollfd p = { .fd = s->fd, .events = events };

	for (;;) {
		uint64_t now;

		/* again, as a signal or a stop may have cut the first short */
		if (poll(&p, 1, (int)(LOOK_NS / HG_NS_PER_MS)) > 0 ||
		    poll(&p, 1, 0) > 0)
			return 0;
		now = hg_now_ns();
		if (now >= last_ns + s->options->silence_ns)
			return broken(s, "has gone silent", err);
		if (is_down(s))
			return hg_fail(err, HG_UNAVAILABLE,
			    "another launcher found the agent broken");
		if (now >= end_ns)
			return hg_fail(err, HG_TIMEOUT,
			    "the agent has not finished in time");
	}
}

/*
 * Sends the frame. That the agent has closed its end is no error yet: it may
 * have sent its reply without reading all of the request.
 */
static int
send_request(const struct session *s, const struct hg_agent_request *request,
    uint64_t end_ns, struct hg_error *err)
{
	struct hg_strbuf frame = HG_STRBUF_INIT;
	uint64_t last = hg_now_ns();
	size_t done = 0;
	uint32_t n;
	int rc = 0;

	hg_strbuf_add(&frame, "\0\0\0", 4);
	hg_agent_request_pack(request, &frame);
	n = (uint32_t)(frame.len - 4);
	for (int i = 0; i < 4; i++)
		frame.buf[i] = (char)(n >> (8 * i));
	while (rc == 0 && done < frame.len) {
		ssize_t k = send(
		    s->fd, frame.buf + done, frame.len - done, MSG_NOSIGNAL);

		if (k >= 0) {
			done += (size_t)k;
			last = hg_now_ns();
		} else if (errno == EPIPE || errno == ECONNRESET) {
			break;
		} else if (errno == EAGAIN) {
			rc = wait_ready(s, POLLOUT, last, end_ns, err);
		} else if (errno != EINTR) {
			rc = hg_fail_errno(
			    err, HG_UNAVAILABLE, "cannot send to the agent");
		}
	}
	hg_strbuf_release(&frame);
	return rc;
}

/* The agent died. One that this process had to start does so at each request.
 */
static int
hung_up(const struct session *s, struct hg_error *err)
{
	if (s->started)
		return broken(s, "ended without a reply", err);
	return hg_fail(err, HG_CANCELLED, "the agent ended without a reply");
}

/* Reads until sb holds want bytes. */
static int
receive_upto(struct session *s, struct hg_strbuf *sb, size_t want,
    uint64_t end_ns, struct hg_error *err)
{
	enum { CHUNK = 1 << 18 };
	uint64_t last = hg_now_ns();

	while (sb->len < want) {
		size_t room = want - sb->len < CHUNK ? want - sb->len : CHUNK;
		ssize_t k;
		int rc;

		/* grows with what arrives, not with what is announced */
		hg_strbuf_grow(sb, room);
		k = recv(s->fd, sb->buf + sb->len, room, 0);
		if (k > 0) {
			hg_strbuf_setlen(sb, sb->len + (size_t)k);
			s->was_heard = true;
			last = hg_now_ns();
			continue;
		}
		if (k == 0 || (errno != EAGAIN && errno != EINTR))
			return hung_up(s, err);
		rc = wait_ready(s, POLLIN, last, end_ns, err);
		if (rc)
			return rc;
	}
	return 0;
}

/* Receives the first frame that is not a sign of life. */
static int
receive_reply(struct session *s, uint64_t end_ns, struct hg_strbuf *ret,
    struct hg_error *err)
{
	struct hg_strbuf head = HG_STRBUF_INIT;
	uint32_t n = 0;
	int rc;

	do {
		hg_strbuf_reset(&head);
		rc = receive_upto(s, &head, 4, end_ns, err);
		if (rc)
			break;
		n = 0;
		for (int i = 0; i < 4; i++)
			n |= (uint32_t)(unsigned char)head.buf[i] << (8 * i);
		if (n == 0 && hg_now_ns() >= end_ns)
			rc = hg_fail(err, HG_TIMEOUT,
			    "the agent has not finished in time");
	} while (rc == 0 && n == 0);
	hg_strbuf_release(&head);
	if (rc)
		return rc;
	if (n > MAX_REPLY_BYTES)
		return broken(s, "sent what is not a reply", err);
	return receive_upto(s, ret, n, end_ns, err);
}

static int
talk(struct session *s, const struct hg_agent_request *request,
    struct hg_agent_reply **ret, struct hg_error *err)
{
	struct hg_strbuf body = HG_STRBUF_INIT;
	uint64_t end = hg_now_ns() + s->options->grace_ns;
	int rc;

	end += HG_NS_PER_MS *
	       (request->timeout_ms ? request->timeout_ms : PLAIN_TIMEOUT_MS);
	rc = send_request(s, request, end, err);
	if (rc == 0)
		rc = receive_reply(s, end, &body, err);
	if (rc == 0) {
		*ret = hg_agent_reply_unpack(body.buf, body.len, err);
		if (!*ret) {
			mark_down(s);
			rc = hg_wrap(err, "the agent's reply");
		}
	}
	hg_strbuf_release(&body);
	return rc;
}

/* -HG_CANCELLED: the agent died meanwhile. */
static int
ask_once(struct session *s, const struct hg_agent_request *request,
    struct hg_agent_reply **ret, struct hg_error *err)
{
	int rc;

	if (is_down(s))
		return hg_fail(err, HG_UNAVAILABLE,
		    "the agent was found broken a moment ago (%.150s)",
		    s->stamp);
	rc = connect_agent(s, err);
	if (rc == 0)
		rc = talk(s, request, ret, err);
	hg_fd_close(&s->fd);
	return rc;
}

int
hg_remote_ask(const struct hg_remote_options *options,
    const struct hg_agent_request *request, struct hg_agent_reply **ret,
    struct hg_error *err)
{
	struct session s = { .options = options, .fd = -1 };
	struct hg_error mine;
	char *folder = options->folder ? hg_xstrdup(options->folder)
				       : hg_remote_folder(err);
	int rc;

	if (!folder)
		return -HG_UNAVAILABLE;
	s.socket = hg_path_join(folder, "agent.sock");
	s.lock = hg_path_join(folder, "agent.lock");
	s.stamp = hg_path_join(folder, "agent.down");
	/* errno of connect() is needed whether the caller wants it or not */
	err = err ? err : &mine;
	rc = ask_once(&s, request, ret, err);
	/* it was about to leave, or just killed: there may be another now */
	if (rc == -HG_CANCELLED && !s.was_heard)
		rc = ask_once(&s, request, ret, err);
	free(s.socket);
	free(s.lock);
	free(s.stamp);
	free(folder);
	return rc;
}

int
hg_remote_compile(const struct hg_remote_options *options,
    const struct hg_agent_request *request, struct hg_agent_reply **ret,
    enum hg_reason *ret_reason, struct hg_error *err)
{
	struct hg_agent_reply *reply = NULL;
	int rc = hg_remote_ask(options, request, &reply, err);
	enum hg_reason reason;

	if (rc) {
		*ret_reason = rc == -HG_TIMEOUT ? HG_REASON_remote_timeout
						: HG_REASON_no_agent;
		return rc;
	}
	if (*reply->local_reason == '\0') {
		*ret_reason =
		    reply->from_cache ? HG_REASON_remote_hit : HG_REASON_remote;
		*ret = reply;
		return 0;
	}
	reason = hg_reason_parse(reply->local_reason);
	*ret_reason =
	    reason == HG_REASON_COUNT ? HG_REASON_remote_failed : reason;
	rc = hg_fail(err, HG_UNAVAILABLE, "%.200s", reply->detail);
	hg_agent_reply_free(reply);
	return rc;
}
