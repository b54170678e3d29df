/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Serving one launcher: read the request, do it, send the reply. Two threads
 * send on the socket, this one and the main thread with its signs of life, each
 * a whole frame under the lock. A launcher that leaves makes the socket
 * readable, which ends whatever is being done for it.
 */
#include "config.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "lib/base/alloc.h"
#include "lib/base/error.h"
#include "lib/base/fd.h"
#include "lib/base/log.h"
#include "lib/base/strbuf.h"
#include "lib/base/time.h"
#include "lib/wire/agent_msg.h"
#include "services/agent/agent.h"
#include "services/agent/compile.h"
#include "services/agent/conn.h"

/* What a command line and an environment may come to. */
#define MAX_REQUEST_BYTES ((size_t)32 << 20)

/* For the request to arrive, and for each piece of the reply to be taken. */
#define RECEIVE_NS     (10 * HG_NS_PER_SEC)
#define SEND_TIMEOUT_S 30

/* Enough for the deepest call here; the sanitizers' frames are larger. */
#define STACK_BYTES ((size_t)1 << 20)

struct hg_conn {
	struct hg_agent *agent;
	int fd;
	pthread_t thread;
	/* to be held while sending */
	pthread_mutex_t lock;
	/* the request is there and the reply is not */
	atomic_bool is_working;
	atomic_bool is_done;
};

static void
send_reply(int fd, const struct hg_strbuf *body)
{
	struct hg_error err;

	if (hg_agent_send(fd, body, &err))
		hg_log(
		    HG_LOG_INFO, "reply not taken", "error=\"%s\"", err.text);
}

static void
reply_status(struct hg_agent *agent, struct hg_strbuf *body)
{
	const struct hg_agent_reply reply = {
		.pid = (uint32_t)getpid(),
		.compiles = atomic_load(&agent->compiles),
		.remote = atomic_load(&agent->remote),
		.local = atomic_load(&agent->local),
		/* this connection is no work */
		.active = atomic_load(&agent->active) - 1,
		.uptime_ms = (hg_now_ns() - agent->started_ns) / HG_NS_PER_MS,
	};

	hg_agent_reply_pack(&reply, body);
}

static void
reply_refusal(const char *detail, struct hg_strbuf *body)
{
	char reason[] = "agent_busy";
	char text[256];
	const struct hg_agent_reply reply = {
		.local_reason = reason,
		.detail = text,
	};

	snprintf(text, sizeof(text), "%s", detail);
	hg_agent_reply_pack(&reply, body);
}

static void
serve(struct hg_conn *conn, const struct hg_agent_request *request,
    struct hg_strbuf *reply)
{
	switch (request->kind) {
	case HG_AGENT_COMPILE:
		hg_compile_run(conn->agent, request, conn->fd, reply);
		break;
	case HG_AGENT_STATUS:
		reply_status(conn->agent, reply);
		break;
	case HG_AGENT_STOP:
		reply_status(conn->agent, reply);
		atomic_store(&conn->agent->is_stopping, true);
		break;
	}
}

static void
work(struct hg_conn *conn)
{
	struct hg_strbuf body = HG_STRBUF_INIT, reply = HG_STRBUF_INIT;
	struct hg_agent_request *request = NULL;
	struct hg_error err;

	if (hg_agent_receive(conn->fd, MAX_REQUEST_BYTES,
		hg_now_ns() + RECEIVE_NS, &body, &err) == 0)
		request = hg_agent_request_unpack(body.buf, body.len, &err);
	if (request) {
		atomic_store(&conn->is_working, true);
		serve(conn, request, &reply);
		atomic_store(&conn->is_working, false);
	} else {
		hg_log(HG_LOG_WARNING, "bad request", "error=\"%s\"", err.text);
		reply_refusal(err.text, &reply);
		/* after an upgrade: make room for an agent that understands */
		if (err.code == HG_UNSUPPORTED)
			atomic_store(&conn->agent->is_stopping, true);
	}
	pthread_mutex_lock(&conn->lock);
	send_reply(conn->fd, &reply);
	pthread_mutex_unlock(&conn->lock);
	hg_agent_request_free(request);
	hg_strbuf_release(&body);
	hg_strbuf_release(&reply);
}

static void *
thread_main(void *arg)
{
	struct hg_conn *conn = arg;
	uint64_t one = 1;
	ssize_t ignored;

	work(conn);
	shutdown(conn->fd, SHUT_RDWR);
	atomic_store(&conn->is_done, true);
	ignored = write(conn->agent->wake_fd, &one, sizeof(one));
	(void)ignored;
	return NULL;
}

void
hg_conn_refuse(int fd)
{
	struct timeval soon = { .tv_usec = 10000 };
	struct hg_strbuf body = HG_STRBUF_INIT;

	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &soon, sizeof(soon));
	reply_refusal("the agent has as many compiles as it may have", &body);
	send_reply(fd, &body);
	hg_strbuf_release(&body);
	hg_fd_close(&fd);
}

struct hg_conn *
hg_conn_new(struct hg_agent *agent, int fd)
{
	struct hg_conn *conn = hg_xcalloc(1, sizeof(*conn));
	struct timeval late = { .tv_sec = SEND_TIMEOUT_S };
	pthread_attr_t attr;
	int e;

	conn->agent = agent;
	conn->fd = fd;
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &late, sizeof(late));
	pthread_mutex_init(&conn->lock, NULL);
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK_BYTES);
	e = pthread_create(&conn->thread, &attr, thread_main, conn);
	pthread_attr_destroy(&attr);
	if (e == 0)
		return conn;
	hg_conn_refuse(fd);
	pthread_mutex_destroy(&conn->lock);
	free(conn);
	return NULL;
}

bool
hg_conn_is_done(const struct hg_conn *conn)
{
	return atomic_load(&conn->is_done);
}

void
hg_conn_beat(struct hg_conn *conn)
{
	static const char empty_frame[4];

	if (!atomic_load(&conn->is_working) ||
	    pthread_mutex_trylock(&conn->lock) != 0)
		return;
	send(conn->fd, empty_frame, sizeof(empty_frame),
	    MSG_DONTWAIT | MSG_NOSIGNAL);
	pthread_mutex_unlock(&conn->lock);
}

void
hg_conn_free(struct hg_conn *conn)
{
	pthread_join(conn->thread, NULL);
	hg_fd_close(&conn->fd);
	pthread_mutex_destroy(&conn->lock);
	free(conn);
}
