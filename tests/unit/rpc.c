/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lib/rpc: server and client over loopback. gRPC starts threads, so it is
 * started in the tests only, never before check forks.
 */
#include "config.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/error.h"
#include "lib/base/time.h"
#include "lib/rpc/rpc.h"
#include "tests/lib/unit.h"

#define MIB ((size_t)1 << 20)
#define SECONDS(n) ((n) * HG_NS_PER_SEC)
/* Nothing here waits longer, unless it is broken. */
#define PATIENCE_S 20

/* A count that threads raise and wait for. */
struct gate {
	pthread_mutex_t lock;
	pthread_cond_t raised;
	unsigned count;
};

#define GATE_INIT { PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0 }

struct peer {
	struct hg_rpc_loop *loop;
	pthread_t thread;
	struct hg_rpc_server *server;
	struct hg_rpc_channel *channel;
	char address[64];
	int port;
	size_t max;
	/* 0: as usual */
	uint64_t ping_timeout_ns;
	/* the last request to Hold */
	struct hg_rpc_request *held;
	struct gate holds;
	struct gate cancels;
	struct gate shutdowns;
};

static void
gate_raise(void *arg)
{
	struct gate *gate = arg;

	pthread_mutex_lock(&gate->lock);
	gate->count++;
	pthread_cond_broadcast(&gate->raised);
	pthread_mutex_unlock(&gate->lock);
}

static void
gate_wait(struct gate *gate, unsigned count)
{
	struct timespec end;
	int rc = 0;

	clock_gettime(CLOCK_REALTIME, &end);
	end.tv_sec += PATIENCE_S;
	pthread_mutex_lock(&gate->lock);
	while (gate->count < count && rc == 0)
		rc = pthread_cond_timedwait(&gate->raised, &gate->lock, &end);
	pthread_mutex_unlock(&gate->lock);
	ck_assert_int_eq(rc, 0);
}

static void
pause_ms(long ms)
{
	nanosleep(&(struct timespec){ ms / 1000, ms % 1000 * 1000000 }, NULL);
}

/* ---- a server ---------------------------------------------------------- */

static void
on_echo(void *ctx, struct hg_rpc_request *req)
{
	size_t n;
	const void *p = hg_rpc_request_body(req, &n);

	(void)ctx;
	hg_rpc_reply(req, p, n);
}

static void
on_hold(void *ctx, struct hg_rpc_request *req)
{
	struct peer *peer = ctx;

	peer->held = req;
	hg_rpc_request_on_cancel(req, gate_raise, &peer->cancels);
	gate_raise(&peer->holds);
}

static void
on_refuse(void *ctx, struct hg_rpc_request *req)
{
	(void)ctx;
	hg_rpc_refuse(req, HG_RPC_FAILED_PRECONDITION, "no compiler 'gcc'");
}

static void
on_big(void *ctx, struct hg_rpc_request *req)
{
	char *big = calloc(2, MIB);

	(void)ctx;
	hg_rpc_reply(req, big, 2 * MIB);
	free(big);
}

static void
on_tell(void *ctx, struct hg_rpc_request *req)
{
	const char *token = hg_rpc_request_metadata(req, "authorization");
	uint64_t left = hg_rpc_request_time_left_ns(req);
	char text[256];
	int n = snprintf(text, sizeof(text), "%.4s %s %s %d",
	    hg_rpc_request_peer(req), token ? token : "-",
	    hg_rpc_request_metadata(req, "absent") ? "?" : "-",
	    left == UINT64_MAX ? -1 : (int)(left / SECONDS(1)));

	(void)ctx;
	hg_rpc_reply(req, text, (size_t)n);
}

static const struct hg_rpc_method methods[] = {
	{ "/test.Test/Echo", on_echo },
	{ "/test.Test/Hold", on_hold },
	{ "/test.Test/Refuse", on_refuse },
	{ "/test.Test/Big", on_big },
	{ "/test.Test/Tell", on_tell },
};

static void
serve(struct peer *peer, int port)
{
	struct hg_rpc_server_options options = { peer->address, peer->max };
	struct hg_error err = { 0 };

	snprintf(peer->address, sizeof(peer->address), "127.0.0.1:%d", port);
	peer->server = hg_rpc_server_new(peer->loop, &options, methods,
	    sizeof(methods) / sizeof(*methods), peer, &peer->port, &err);
	ck_assert_msg(peer->server, "%s", err.text);
	snprintf(
	    peer->address, sizeof(peer->address), "127.0.0.1:%d", peer->port);
}

static void
open_channel(struct peer *peer, size_t max)
{
	struct hg_rpc_channel_options options = { .target = peer->address,
		.max_message_bytes = max, .keepalive_ns = SECONDS(1),
		.keepalive_timeout_ns = peer->ping_timeout_ns };

	peer->channel = hg_rpc_channel_new(peer->loop, &options, NULL);
	ck_assert_ptr_nonnull(peer->channel);
}

static void *
run(void *arg)
{
	hg_rpc_loop_run(arg);
	return NULL;
}

static void
peer_start(struct peer *peer)
{
	*peer = (struct peer){ .holds = GATE_INIT, .cancels = GATE_INIT,
		.shutdowns = GATE_INIT };
	peer->loop = hg_rpc_loop_new(NULL);
	ck_assert_ptr_nonnull(peer->loop);
}

static void
peer_run(struct peer *peer)
{
	ck_assert_int_eq(
	    pthread_create(&peer->thread, NULL, run, peer->loop), 0);
}

/* Server and channel of usual size, in their thread. */
static void
peer_up(struct peer *peer)
{
	peer_start(peer);
	serve(peer, 0);
	open_channel(peer, 0);
	peer_run(peer);
}

static void
on_shut(void *arg)
{
	struct peer *peer = arg;

	hg_rpc_server_free(peer->server);
	peer->server = NULL;
	gate_raise(&peer->shutdowns);
}

static void
shut(void *arg)
{
	struct peer *peer = arg;

	hg_rpc_server_shutdown(peer->server, SECONDS(1), on_shut, peer);
}

static void
shut_slowly(void *arg)
{
	struct peer *peer = arg;

	hg_rpc_server_shutdown(peer->server, SECONDS(60), on_shut, peer);
}

static void
close_channel(void *arg)
{
	struct peer *peer = arg;

	hg_rpc_channel_free(peer->channel);
	peer->channel = NULL;
}

static void
peer_down(struct peer *peer)
{
	if (peer->server) {
		hg_rpc_loop_post(peer->loop, shut, peer);
		gate_wait(&peer->shutdowns, 1);
	}
	hg_rpc_loop_post(peer->loop, close_channel, peer);
	hg_rpc_loop_stop(peer->loop);
	pthread_join(peer->thread, NULL);
	hg_rpc_loop_free(peer->loop);
}

/* ---- calls ------------------------------------------------------------- */

struct answer {
	int rc;
	enum hg_rpc_status status;
	char *body;
	size_t n;
	struct hg_error err;
};

static struct answer
call(struct peer *peer, const struct hg_rpc_call_options *options, int fd)
{
	struct answer a = { 0 };
	void *body = NULL;

	a.rc = hg_rpc_call_wait(peer->loop, peer->channel, options, fd, &body,
	    &a.n, &a.status, &a.err);
	a.body = body;
	return a;
}

static struct answer
say(struct peer *peer, const char *method, const void *p, size_t n)
{
	struct hg_rpc_call_options options = { .method = method, .body = p,
		.n = n, .timeout_ns = SECONDS(PATIENCE_S) };

	return call(peer, &options, -1);
}

static void
assert_echo(struct peer *peer, const char *text)
{
	struct answer a = say(peer, "/test.Test/Echo", text, strlen(text));

	ck_assert_msg(a.rc == 0, "%s", a.err.text);
	ck_assert_uint_eq(a.n, strlen(text));
	ck_assert_mem_eq(a.body, text, a.n);
	free(a.body);
}

/* A Hold call in a thread of its own. */
struct holder {
	struct peer *peer;
	pthread_t thread;
	struct answer answer;
};

static void *
hold(void *arg)
{
	struct holder *h = arg;

	h->answer = say(h->peer, "/test.Test/Hold", "x", 1);
	return NULL;
}

static void
holder_start(struct holder *h, struct peer *peer)
{
	h->peer = peer;
	ck_assert_int_eq(pthread_create(&h->thread, NULL, hold, h), 0);
	gate_wait(&peer->holds, 1);
}

START_TEST(echo_of_nothing_little_and_much)
{
	struct peer peer;
	struct answer a;
	size_t n = 60 * MIB;
	char *much = malloc(n);

	for (size_t i = 0; i < n; i++)
		much[i] = (char)(i * 2654435761U >> 24);
	peer_up(&peer);
	assert_echo(&peer, "");
	assert_echo(&peer, "hello");
	a = say(&peer, "/test.Test/Echo", much, n);
	ck_assert_msg(a.rc == 0, "%s", a.err.text);
	ck_assert_int_eq(a.status, HG_RPC_OK);
	ck_assert_uint_eq(a.n, n);
	ck_assert(memcmp(a.body, much, n) == 0);
	free(a.body);
	free(much);
	peer_down(&peer);
}
END_TEST

START_TEST(too_large_is_resource_exhausted_both_ways)
{
	struct peer peer;
	struct answer a;
	char *two = calloc(2, MIB);

	peer_start(&peer);
	peer.max = MIB;
	serve(&peer, 0);
	open_channel(&peer, 0);
	peer_run(&peer);
	a = say(&peer, "/test.Test/Echo", two, 2 * MIB);
	ck_assert_int_eq(a.rc, -HG_EXHAUSTED);
	ck_assert_int_eq(a.status, HG_RPC_RESOURCE_EXHAUSTED);
	assert_echo(&peer, "still serving");
	peer_down(&peer);

	peer_start(&peer);
	serve(&peer, 0);
	open_channel(&peer, MIB);
	peer_run(&peer);
	a = say(&peer, "/test.Test/Big", "", 0);
	ck_assert_int_eq(a.status, HG_RPC_RESOURCE_EXHAUSTED);
	peer_down(&peer);
	free(two);
}
END_TEST

START_TEST(unknown_method_is_unimplemented)
{
	struct peer peer;
	struct answer a;

	peer_up(&peer);
	a = say(&peer, "/test.Test/Other", "x", 1);
	ck_assert_int_eq(a.rc, -HG_UNSUPPORTED);
	ck_assert_int_eq(a.status, HG_RPC_UNIMPLEMENTED);
	peer_down(&peer);
}
END_TEST

START_TEST(refusal_carries_status_and_sentence)
{
	struct peer peer;
	struct answer a;

	peer_up(&peer);
	a = say(&peer, "/test.Test/Refuse", "x", 1);
	ck_assert_int_eq(a.rc, -HG_NOCOMPILER);
	ck_assert_int_eq(a.status, HG_RPC_FAILED_PRECONDITION);
	ck_assert_str_eq(a.err.text, "/test.Test/Refuse: no compiler 'gcc'");
	peer_down(&peer);
}
END_TEST

START_TEST(server_sees_peer_metadata_and_deadline)
{
	const char *const metadata[] = { "authorization", "Bearer x", NULL };
	struct hg_rpc_call_options options = { .method = "/test.Test/Tell",
		.timeout_ns = SECONDS(15) + SECONDS(1) / 2,
		.metadata = metadata };
	struct peer peer;
	struct answer a;

	peer_up(&peer);
	a = call(&peer, &options, -1);
	ck_assert_int_eq(a.rc, 0);
	ck_assert_uint_eq(a.n, strlen("ipv4 Bearer x - 15"));
	ck_assert_mem_eq(a.body, "ipv4 Bearer x - 15", a.n);
	free(a.body);
	options.timeout_ns = 0;
	options.metadata = NULL;
	a = call(&peer, &options, -1);
	ck_assert_mem_eq(a.body, "ipv4 - - -1", a.n);
	free(a.body);
	peer_down(&peer);
}
END_TEST

START_TEST(metadata_that_cannot_be_sent_fails_the_call)
{
	const char *const metadata[] = { "authorization", "a\nb", NULL };
	struct hg_rpc_call_options options = { .method = "/test.Test/Tell",
		.metadata = metadata };
	struct peer peer;

	peer_up(&peer);
	ck_assert_int_eq(call(&peer, &options, -1).rc, -HG_INVALID);
	peer_down(&peer);
}
END_TEST

START_TEST(deadline_ends_the_call_and_tells_the_server)
{
	struct hg_rpc_call_options options = { .method = "/test.Test/Hold",
		.timeout_ns = 100 * HG_NS_PER_MS };
	struct peer peer;
	struct answer a;

	peer_up(&peer);
	a = call(&peer, &options, -1);
	ck_assert_int_eq(a.rc, -HG_TIMEOUT);
	gate_wait(&peer.cancels, 1);
	hg_rpc_reply(peer.held, "late", 4);
	assert_echo(&peer, "still serving");
	peer_down(&peer);
}
END_TEST

/* Writes to a descriptor once the server holds the request. */
struct writer {
	struct peer *peer;
	int fd;
};

static void *
write_when_held(void *arg)
{
	struct writer *w = arg;

	gate_wait(&w->peer->holds, 1);
	ck_assert_int_eq(write(w->fd, "x", 1), 1);
	gate_wait(&w->peer->cancels, 1);
	hg_rpc_refuse(w->peer->held, HG_RPC_CANCELLED, "nobody listens");
	return NULL;
}

START_TEST(cancel_reaches_a_request_that_is_worked_on)
{
	struct hg_rpc_call_options options = { .method = "/test.Test/Hold" };
	struct peer peer;
	struct writer w = { .peer = &peer };
	pthread_t thread;
	int fds[2];

	peer_up(&peer);
	ck_assert_int_eq(pipe(fds), 0);
	w.fd = fds[1];
	pthread_create(&thread, NULL, write_when_held, &w);
	ck_assert_int_eq(call(&peer, &options, fds[0]).rc, -HG_CANCELLED);
	pthread_join(thread, NULL);
	close(fds[0]);
	close(fds[1]);
	peer_down(&peer);
}
END_TEST

/* In a child: reads a port, calls Hold there, never comes back. */
static void
call_in_child(int fd)
{
	struct peer peer;
	int port = 0;

	alarm(PATIENCE_S);
	if (read(fd, &port, sizeof(port)) != sizeof(port))
		_exit(1);
	peer_start(&peer);
	snprintf(peer.address, sizeof(peer.address), "127.0.0.1:%d", port);
	open_channel(&peer, 0);
	peer_run(&peer);
	say(&peer, "/test.Test/Hold", "x", 1);
	_exit(1);
}

START_TEST(server_notices_a_killed_client)
{
	struct peer peer;
	int fds[2], status;
	pid_t child;

	ck_assert_int_eq(pipe(fds), 0);
	child = fork();
	if (child == 0)
		call_in_child(fds[0]);
	peer_up(&peer);
	ck_assert_int_eq(write(fds[1], &peer.port, sizeof(peer.port)),
	    sizeof(peer.port));
	gate_wait(&peer.holds, 1);
	ck_assert_int_eq(kill(child, SIGKILL), 0);
	gate_wait(&peer.cancels, 1);
	hg_rpc_reply(peer.held, "", 0);
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert(WIFSIGNALED(status));
	close(fds[0]);
	close(fds[1]);
	peer_down(&peer);
}
END_TEST

/* In a child: serves, tells the port, never comes back. */
static void
serve_in_child(int fd)
{
	struct peer peer;

	alarm(PATIENCE_S);
	peer_start(&peer);
	serve(&peer, 0);
	if (write(fd, &peer.port, sizeof(peer.port)) != sizeof(peer.port))
		_exit(1);
	hg_rpc_loop_run(peer.loop);
	_exit(1);
}

START_TEST(a_frozen_server_is_given_up)
{
	struct peer peer;
	struct answer a;
	uint64_t start;
	int fds[2], port, status;
	pid_t child;

	ck_assert_int_eq(pipe(fds), 0);
	child = fork();
	if (child == 0)
		serve_in_child(fds[1]);
	ck_assert_int_eq(read(fds[0], &port, sizeof(port)), sizeof(port));
	peer_start(&peer);
	snprintf(peer.address, sizeof(peer.address), "127.0.0.1:%d", port);
	peer.ping_timeout_ns = SECONDS(1) / 2;
	open_channel(&peer, 0);
	peer_run(&peer);
	assert_echo(&peer, "alive");
	ck_assert_int_eq(kill(child, SIGSTOP), 0);
	start = hg_now_ns();
	a = say(&peer, "/test.Test/Echo", "x", 1);
	ck_assert_int_eq(a.rc, -HG_UNAVAILABLE);
	ck_assert_uint_lt(hg_now_ns() - start, SECONDS(5));
	ck_assert_int_eq(kill(child, SIGKILL), 0);
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	close(fds[0]);
	close(fds[1]);
	peer_down(&peer);
}
END_TEST

START_TEST(pings_do_not_end_a_long_call)
{
	struct peer peer;
	struct holder h;

	peer_up(&peer);
	holder_start(&h, &peer);
	/* by default a server hangs up at the third ping without data */
	pause_ms(4200);
	hg_rpc_reply(peer.held, "done", 4);
	pthread_join(h.thread, NULL);
	ck_assert_msg(h.answer.rc == 0, "%s", h.answer.err.text);
	free(h.answer.body);
	peer_down(&peer);
}
END_TEST

START_TEST(shutdown_lets_calls_end)
{
	struct peer peer;
	struct holder h;

	peer_up(&peer);
	holder_start(&h, &peer);
	hg_rpc_loop_post(peer.loop, shut_slowly, &peer);
	ck_assert_int_eq(
	    say(&peer, "/test.Test/Echo", "x", 1).rc, -HG_UNAVAILABLE);
	ck_assert_uint_eq(peer.shutdowns.count, 0);
	hg_rpc_reply(peer.held, "done", 4);
	pthread_join(h.thread, NULL);
	ck_assert_int_eq(h.answer.rc, 0);
	ck_assert_mem_eq(h.answer.body, "done", 4);
	free(h.answer.body);
	gate_wait(&peer.shutdowns, 1);
	peer_down(&peer);
}
END_TEST

START_TEST(shutdown_cancels_calls_after_grace)
{
	struct peer peer;
	struct holder h;
	uint64_t start;

	peer_up(&peer);
	holder_start(&h, &peer);
	start = hg_now_ns();
	hg_rpc_loop_post(peer.loop, shut, &peer);
	gate_wait(&peer.cancels, 1);
	ck_assert_uint_ge(hg_now_ns() - start, SECONDS(1) - HG_NS_PER_MS);
	/* the server waits for its handlers even then */
	pause_ms(50);
	ck_assert_uint_eq(peer.shutdowns.count, 0);
	hg_rpc_reply(peer.held, "late", 4);
	gate_wait(&peer.shutdowns, 1);
	pthread_join(h.thread, NULL);
	ck_assert_int_ne(h.answer.rc, 0);
	peer_down(&peer);
}
END_TEST

/* A port at which nobody listens. */
static int
closed_port(void)
{
	struct sockaddr_in at = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t n = sizeof(at);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	ck_assert_int_eq(bind(fd, (struct sockaddr *)&at, n), 0);
	ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&at, &n), 0);
	close(fd);
	return ntohs(at.sin_port);
}

START_TEST(absent_server_fails_fast_unless_waited_for)
{
	struct hg_rpc_call_options options = { .method = "/test.Test/Echo",
		.timeout_ns = 300 * HG_NS_PER_MS, .wait_for_ready = true };
	struct peer peer;
	uint64_t start = hg_now_ns();

	peer_start(&peer);
	snprintf(peer.address, sizeof(peer.address), "127.0.0.1:%d",
	    closed_port());
	open_channel(&peer, 0);
	peer_run(&peer);
	ck_assert_int_eq(
	    say(&peer, "/test.Test/Echo", "x", 1).rc, -HG_UNAVAILABLE);
	ck_assert_uint_lt(hg_now_ns() - start, SECONDS(2));
	ck_assert_int_eq(call(&peer, &options, -1).rc, -HG_TIMEOUT);
	peer_down(&peer);
}
END_TEST

START_TEST(hangup_cancels_a_call_that_never_ends)
{
	struct hg_rpc_call_options options = { .method = "/test.Test/Echo",
		.wait_for_ready = true };
	struct peer peer;
	struct answer a;
	int fds[2];

	peer_start(&peer);
	snprintf(peer.address, sizeof(peer.address), "127.0.0.1:%d",
	    closed_port());
	open_channel(&peer, 0);
	peer_run(&peer);
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	close(fds[1]);
	a = call(&peer, &options, fds[0]);
	ck_assert_int_eq(a.rc, -HG_CANCELLED);
	ck_assert_ptr_null(a.body);
	close(fds[0]);
	peer_down(&peer);
}
END_TEST

static void
serve_again(void *arg)
{
	struct peer *peer = arg;

	serve(peer, peer->port);
	gate_raise(&peer->holds);
}

START_TEST(restarted_server_is_found_again)
{
	struct peer peer;
	uint64_t start;
	struct answer a;

	peer_up(&peer);
	assert_echo(&peer, "one");
	hg_rpc_loop_post(peer.loop, shut, &peer);
	gate_wait(&peer.shutdowns, 1);
	ck_assert_int_eq(
	    say(&peer, "/test.Test/Echo", "x", 1).rc, -HG_UNAVAILABLE);
	hg_rpc_loop_post(peer.loop, serve_again, &peer);
	gate_wait(&peer.holds, 1);
	peer.shutdowns.count = 0;
	start = hg_now_ns();
	for (;;) {
		a = say(&peer, "/test.Test/Echo", "x", 1);
		free(a.body);
		if (a.rc == 0)
			break;
		ck_assert_uint_lt(hg_now_ns() - start, SECONDS(5));
		pause_ms(20);
	}
	peer_down(&peer);
}
END_TEST

START_TEST(second_server_on_a_port_is_an_error)
{
	struct hg_rpc_server_options options = { 0 };
	struct hg_error err = { 0 };
	struct peer peer;
	int port;

	peer_start(&peer);
	serve(&peer, 0);
	options.address = peer.address;
	ck_assert_ptr_null(hg_rpc_server_new(
	    peer.loop, &options, methods, 1, NULL, &port, &err));
	ck_assert_int_eq(err.code, HG_UNAVAILABLE);
	ck_assert_msg(strstr(err.text, "in use"), "%s", err.text);
	options.address = "not an address";
	ck_assert_ptr_null(hg_rpc_server_new(
	    peer.loop, &options, methods, 1, NULL, &port, &err));
	peer_run(&peer);
	peer_down(&peer);
}
END_TEST

START_TEST(channel_needs_an_address)
{
	struct hg_rpc_channel_options options = { .target = "" };
	struct hg_error err = { 0 };
	struct peer peer;

	peer_start(&peer);
	ck_assert_ptr_null(hg_rpc_channel_new(peer.loop, &options, &err));
	ck_assert_int_eq(err.code, HG_INVALID);
	hg_rpc_loop_free(peer.loop);
}
END_TEST

START_TEST(server_that_never_ran_can_be_freed)
{
	struct peer peer;

	peer_start(&peer);
	serve(&peer, 0);
	hg_rpc_server_free(peer.server);
	hg_rpc_server_free(NULL);
	hg_rpc_loop_free(peer.loop);
	hg_rpc_loop_free(NULL);
}
END_TEST

static void
note_status(void *arg, const struct hg_rpc_result *result)
{
	*(int *)arg = (int)result->status;
}

START_TEST(freeing_a_loop_ends_its_calls)
{
	struct hg_rpc_call_options options = { .method = "/test.Test/Hold",
		.wait_for_ready = true };
	struct peer peer;
	int one = -1, two = -1;

	peer_start(&peer);
	snprintf(peer.address, sizeof(peer.address), "127.0.0.1:%d",
	    closed_port());
	open_channel(&peer, 0);
	hg_rpc_call_start(peer.channel, &options, note_status, &one);
	hg_rpc_call_cancel(
	    hg_rpc_call_start(peer.channel, &options, note_status, &two));
	hg_rpc_timer_start(peer.loop, 0, gate_raise, &peer.holds);
	close_channel(&peer);
	hg_rpc_loop_free(peer.loop);
	ck_assert_int_eq(one, HG_RPC_CANCELLED);
	ck_assert_int_eq(two, HG_RPC_CANCELLED);
	ck_assert_uint_eq(peer.holds.count, 0);
}
END_TEST

/* ---- timers and posting ------------------------------------------------ */

struct record {
	struct hg_rpc_loop *loop;
	int seen[64];
	size_t n;
};

struct entry {
	struct record *record;
	int value;
};

static void
note(void *arg)
{
	struct entry *e = arg;

	e->record->seen[e->record->n++] = e->value;
}

static void
stop_loop(void *arg)
{
	hg_rpc_loop_stop(arg);
}

START_TEST(timers_fire_in_order_unless_stopped)
{
	struct record record = { .loop = hg_rpc_loop_new(NULL) };
	struct entry entries[40];
	struct hg_rpc_timer *timers[40];
	uint64_t start = hg_now_ns();

	for (int i = 0; i < 40; i++) {
		int value = i * 17 % 40;

		entries[i] = (struct entry){ &record, value };
		timers[i] = hg_rpc_timer_start(record.loop,
		    (uint64_t)(10 + value) * HG_NS_PER_MS, note, &entries[i]);
	}
	for (int i = 0; i < 40; i++)
		if (entries[i].value % 3 == 0)
			hg_rpc_timer_stop(timers[i]);
	hg_rpc_timer_stop(NULL);
	hg_rpc_timer_start(
	    record.loop, 60 * HG_NS_PER_MS, stop_loop, record.loop);
	hg_rpc_loop_run(record.loop);
	ck_assert_uint_ge(hg_now_ns() - start, 60 * HG_NS_PER_MS);
	ck_assert_uint_eq(record.n, 26);
	for (size_t i = 0; i < record.n; i++)
		ck_assert_int_eq(record.seen[i], (int)(i / 2 * 3 + i % 2 + 1));
	hg_rpc_loop_free(record.loop);
}
END_TEST

#define POSTERS 4
#define POSTS 2000

struct poster {
	struct hg_rpc_loop *loop;
	pthread_t thread;
	int got[POSTS];
	int n;
};

struct post {
	struct poster *poster;
	int value;
};

static void
take_post(void *arg)
{
	struct post *post = arg;

	post->poster->got[post->poster->n++] = post->value;
	free(post);
}

static void *
post_many(void *arg)
{
	struct poster *poster = arg;

	for (int i = 0; i < POSTS; i++) {
		struct post *post = malloc(sizeof(*post));

		*post = (struct post){ poster, i };
		hg_rpc_loop_post(poster->loop, take_post, post);
	}
	return NULL;
}

START_TEST(posts_of_each_thread_run_in_order)
{
	struct hg_rpc_loop *loop = hg_rpc_loop_new(NULL);
	struct poster *posters = calloc(POSTERS, sizeof(*posters));
	pthread_t runner;

	pthread_create(&runner, NULL, run, loop);
	for (int i = 0; i < POSTERS; i++) {
		posters[i].loop = loop;
		pthread_create(
		    &posters[i].thread, NULL, post_many, &posters[i]);
	}
	for (int i = 0; i < POSTERS; i++)
		pthread_join(posters[i].thread, NULL);
	hg_rpc_loop_stop(loop);
	pthread_join(runner, NULL);
	for (int i = 0; i < POSTERS; i++) {
		ck_assert_int_eq(posters[i].n, POSTS);
		for (int k = 0; k < POSTS; k++)
			ck_assert_int_eq(posters[i].got[k], k);
	}
	hg_rpc_loop_free(loop);
	free(posters);
}
END_TEST

struct tally {
	struct gate ended;
	/* the loop's thread's, until the gate is passed */
	unsigned good;
};

static void
count_status(void *arg, const struct hg_rpc_result *result)
{
	struct tally *tally = arg;

	tally->good += result->status == HG_RPC_OK;
	gate_raise(&tally->ended);
}

START_TEST(many_calls_at_once_are_answered)
{
	struct peer peer;
	struct tally tally = { .ended = GATE_INIT };
	struct hg_rpc_call_options options = { .method = "/test.Test/Echo",
		.body = "x", .n = 1, .timeout_ns = SECONDS(PATIENCE_S) };

	peer_start(&peer);
	serve(&peer, 0);
	open_channel(&peer, 0);
	for (size_t i = 0; i < 300; i++)
		hg_rpc_call_start(
		    peer.channel, &options, count_status, &tally);
	peer_run(&peer);
	gate_wait(&tally.ended, 300);
	assert_echo(&peer, "last");
	peer_down(&peer);
	ck_assert_uint_eq(tally.good, 300);
}
END_TEST

UNIT_MAIN("rpc", echo_of_nothing_little_and_much,
    too_large_is_resource_exhausted_both_ways, unknown_method_is_unimplemented,
    refusal_carries_status_and_sentence, server_sees_peer_metadata_and_deadline,
    metadata_that_cannot_be_sent_fails_the_call,
    deadline_ends_the_call_and_tells_the_server,
    hangup_cancels_a_call_that_never_ends,
    cancel_reaches_a_request_that_is_worked_on, server_notices_a_killed_client,
    a_frozen_server_is_given_up, pings_do_not_end_a_long_call,
    shutdown_lets_calls_end, shutdown_cancels_calls_after_grace,
    absent_server_fails_fast_unless_waited_for,
    restarted_server_is_found_again, second_server_on_a_port_is_an_error,
    channel_needs_an_address, server_that_never_ran_can_be_freed,
    freeing_a_loop_ends_its_calls,
    timers_fire_in_order_unless_stopped, posts_of_each_thread_run_in_order,
    many_calls_at_once_are_answered)
