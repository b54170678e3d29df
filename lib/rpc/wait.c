/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A call as a plain function, for threads that may block. The waiting thread
 * owns the struct; the loop's thread tells it by an eventfd how many of the
 * things that it posted are over, so that it leaves only when none can still
 * touch the struct.
 */
#include "config.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "lib/base/alloc.h"
#include "lib/base/error.h"
#include "lib/base/fd.h"
#include "lib/rpc/rpc.h"

struct waiter {
	struct hg_rpc_channel *channel;
	const struct hg_rpc_call_options *options;
	/* one count for each part that is over */
	int event_fd;
	/* NULL when it has ended; loop's thread only */
	struct hg_rpc_call *call;

	enum hg_rpc_status status;
	char *message;
	void *body;
	size_t n;
};

static void
tell(struct waiter *w)
{
	int rc = eventfd_write(w->event_fd, 1);

	hg_assert(rc == 0);
}

static void
on_done(void *arg, const struct hg_rpc_result *result)
{
	struct waiter *w = arg;

	w->call = NULL;
	w->status = result->status;
	w->message = hg_xstrdup(result->message);
	if (result->status == HG_RPC_OK) {
		w->body = hg_xmalloc(result->n + 1);
		if (result->n)
			memcpy(w->body, result->body, result->n);
		w->n = result->n;
	}
	tell(w);
}

static void
start(void *arg)
{
	struct waiter *w = arg;

	w->call = hg_rpc_call_start(w->channel, w->options, on_done, w);
}

static void
cancel(void *arg)
{
	struct waiter *w = arg;

	if (w->call)
		hg_rpc_call_cancel(w->call);
	tell(w);
}

/* Waits until the call is over; true when cancel_fd ended it. */
static bool
wait_for_end(struct hg_rpc_loop *loop, struct waiter *w, int cancel_fd)
{
	/* poll() passes over a negative descriptor */
	struct pollfd p[] = { { .fd = w->event_fd, .events = POLLIN },
		{ .fd = cancel_fd, .events = POLLIN } };
	bool is_cancelled = false;
	eventfd_t count;
	unsigned left = 1;

	while (left > 0) {
		if (poll(p, 2, -1) < 0) {
			hg_assert(errno == EINTR);
			continue;
		}
		if (p[0].revents && eventfd_read(w->event_fd, &count) == 0)
			left -= (unsigned)count;
		if (left > 0 && p[1].revents) {
			is_cancelled = true;
			p[1].fd = -1;
			left++;
			hg_rpc_loop_post(loop, cancel, w);
		}
	}
	return is_cancelled;
}

static enum hg_code
code_of(enum hg_rpc_status status)
{
	static const struct {
		enum hg_rpc_status status;
		enum hg_code code;
	} table[] = {
		{ HG_RPC_CANCELLED, HG_CANCELLED },
		{ HG_RPC_INVALID_ARGUMENT, HG_INVALID },
		{ HG_RPC_DEADLINE_EXCEEDED, HG_TIMEOUT },
		{ HG_RPC_NOT_FOUND, HG_NOTFOUND },
		{ HG_RPC_PERMISSION_DENIED, HG_DENIED },
		{ HG_RPC_RESOURCE_EXHAUSTED, HG_EXHAUSTED },
		{ HG_RPC_FAILED_PRECONDITION, HG_NOCOMPILER },
		{ HG_RPC_UNIMPLEMENTED, HG_UNSUPPORTED },
		{ HG_RPC_UNAVAILABLE, HG_UNAVAILABLE },
		{ HG_RPC_UNAUTHENTICATED, HG_DENIED },
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++)
		if (table[i].status == status)
			return table[i].code;
	return HG_INTERNAL;
}

int
hg_rpc_call_wait(struct hg_rpc_loop *loop, struct hg_rpc_channel *channel,
    const struct hg_rpc_call_options *options, int cancel_fd, void **ret_body,
    size_t *ret_n, enum hg_rpc_status *ret_status, struct hg_error *err)
{
	struct waiter w = { .channel = channel, .options = options };
	bool is_cancelled;
	int rc = 0;

	w.event_fd = eventfd(0, EFD_CLOEXEC);
	if (w.event_fd < 0) {
		if (ret_status)
			*ret_status = HG_RPC_INTERNAL;
		return hg_fail_errno(err, HG_INTERNAL,
		    "cannot wait for an answer");
	}
	hg_rpc_loop_post(loop, start, &w);
	is_cancelled = wait_for_end(loop, &w, cancel_fd);
	if (ret_status)
		*ret_status = w.status;
	if (w.status == HG_RPC_OK && !is_cancelled) {
		*ret_body = w.body;
		*ret_n = w.n;
		w.body = NULL;
	} else {
		rc = hg_fail(err,
		    is_cancelled ? HG_CANCELLED : code_of(w.status), "%s: %s",
		    options->method, is_cancelled ? "cancelled" : w.message);
	}
	free(w.body);
	free(w.message);
	hg_fd_close(&w.event_fd);
	return rc;
}
