/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Frames on the agent's socket. Every wait is a poll() with an end; the socket
 * may be blocking or not.
 */
#include "config.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <sys/socket.h>

#include "lib/base/error.h"
#include "lib/base/strbuf.h"
#include "lib/base/time.h"
#include "lib/wire/agent_msg.h"

#define HEADER_BYTES 4
#define SEND_STALL_NS (30 * HG_NS_PER_SEC)
/* Memory is reserved as bytes arrive, whatever length was claimed. */
#define READ_STEP ((size_t)1 << 20)

/* Milliseconds to deadline, rounded up; -1 when there is none. */
static int
poll_timeout(uint64_t deadline_ns)
{
	uint64_t now = hg_now_ns();
	uint64_t ms;

	if (deadline_ns == 0)
		return -1;
	if (now >= deadline_ns)
		return 0;
	ms = (deadline_ns - now + HG_NS_PER_MS - 1) / HG_NS_PER_MS;
	return ms > INT_MAX ? INT_MAX : (int)ms;
}

static int
wait_for(int fd, short events, uint64_t deadline_ns, struct hg_error *err)
{
	struct pollfd p = { .fd = fd, .events = events };
	int n;

	do
		n = poll(&p, 1, poll_timeout(deadline_ns));
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return hg_fail_errno(err, HG_IO, "cannot wait for a socket");
	if (n == 0)
		return hg_fail(err, HG_TIMEOUT,
		    "the other side of the agent's socket does not %s",
		    events == POLLIN ? "answer" : "read");
	return 0;
}

static int
send_all(int fd, const void *p, size_t n, int flags, struct hg_error *err)
{
	const char *at = p;

	while (n > 0) {
		ssize_t k = send(
		    fd, at, n, flags | MSG_NOSIGNAL | MSG_DONTWAIT);
		int rc = 0;

		if (k < 0 && errno == EAGAIN)
			rc = wait_for(
			    fd, POLLOUT, hg_now_ns() + SEND_STALL_NS, err);
		else if (k < 0 && errno != EINTR)
			rc = hg_fail_errno(err, HG_UNAVAILABLE,
			    "cannot send on the agent's socket");
		if (rc)
			return rc;
		if (k > 0) {
			at += k;
			n -= (size_t)k;
		}
	}
	return 0;
}

/* Appends exactly n bytes to out. */
static int
receive_all(int fd, size_t n, uint64_t deadline_ns, struct hg_strbuf *out,
    struct hg_error *err)
{
	while (n > 0) {
		size_t step = n < READ_STEP ? n : READ_STEP;
		ssize_t k;
		int rc = 0;

		hg_strbuf_grow(out, step);
		k = recv(fd, out->buf + out->len, step, MSG_DONTWAIT);
		if (k < 0 && errno == EAGAIN)
			rc = wait_for(fd, POLLIN, deadline_ns, err);
		else if (k < 0 && errno != EINTR)
			rc = hg_fail_errno(err, HG_UNAVAILABLE,
			    "cannot receive on the agent's socket");
		else if (k == 0)
			rc = hg_fail(err, HG_UNAVAILABLE,
			    "the agent's socket was closed %zu bytes early", n);
		if (rc)
			return rc;
		if (k > 0) {
			hg_strbuf_setlen(out, out->len + (size_t)k);
			n -= (size_t)k;
		}
	}
	return 0;
}

int
hg_agent_send(int fd, const struct hg_strbuf *body, struct hg_error *err)
{
	unsigned char header[HEADER_BYTES];
	int rc;

	if (body->len > UINT32_MAX)
		return hg_fail(err, HG_TOOBIG,
		    "%zu bytes are too many for one frame", body->len);
	for (unsigned i = 0; i < HEADER_BYTES; i++)
		header[i] = (unsigned char)(body->len >> (8 * i));
	rc = send_all(fd, header, sizeof(header), MSG_MORE, err);
	if (rc)
		return rc;
	return send_all(fd, body->buf, body->len, 0, err);
}

int
hg_agent_receive(int fd, size_t max_bytes, uint64_t deadline_ns,
    struct hg_strbuf *ret_body, struct hg_error *err)
{
	struct hg_strbuf header = HG_STRBUF_INIT;
	size_t n = 0;
	int rc = receive_all(fd, HEADER_BYTES, deadline_ns, &header, err);

	for (unsigned i = 0; rc == 0 && i < HEADER_BYTES; i++)
		n |= (size_t)(unsigned char)header.buf[i] << (8 * i);
	hg_strbuf_release(&header);
	if (rc)
		return rc;
	if (n > max_bytes)
		return hg_fail(err, HG_TOOBIG,
		    "a frame of %zu bytes is over the limit of %zu", n,
		    max_bytes);
	hg_strbuf_reset(ret_body);
	return receive_all(fd, n, deadline_ns, ret_body, err);
}
