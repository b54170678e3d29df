/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The agent's dealings with coordinators, against a real server in this process
 * that answers, refuses, or falls silent.
 */
#include "config.h"

#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/error.h"
#include "lib/base/fd.h"
#include "lib/base/log.h"
#include "lib/base/strbuf.h"
#include "lib/base/time.h"
#include "lib/rpc/rpc.h"
#include "lib/wire/wire.h"
#include "services/agent/coords.h"
#include "tests/lib/unit.h"

#define MS HG_NS_PER_MS

static const struct hg_coords_options quick = {
	.connect_wait_ns = 300 * MS,
	.backoff_ns = 400 * MS,
	.beat_ns = 50 * MS,
	.silence_ns = 200 * MS,
};

/* A coordinator. */
struct server {
	struct hg_rpc_loop *loop;
	struct hg_rpc_server *server;
	pthread_t thread;
	char address[32];
	/* what a compile gets: a status, or -1 to be left waiting */
	atomic_int status;
	/* health checks are left waiting */
	atomic_bool is_frozen;
	atomic_int probes;
	atomic_int compiles;
	atomic_int cancelled;
	/* loop's thread only */
	struct hg_rpc_request *held[16];
	size_t n_held;
};

static void
hold(struct server *s, struct hg_rpc_request *req)
{
	ck_assert_uint_lt(s->n_held, 16);
	s->held[s->n_held++] = req;
}

static void
on_health(void *ctx, struct hg_rpc_request *req)
{
	struct server *s = ctx;

	atomic_fetch_add(&s->probes, 1);
	if (atomic_load(&s->is_frozen))
		hold(s, req);
	else
		hg_rpc_reply(req, "", 0);
}

static void
on_cancelled(void *arg)
{
	struct server *s = arg;

	atomic_fetch_add(&s->cancelled, 1);
}

static void
on_compile(void *ctx, struct hg_rpc_request *req)
{
	struct server *s = ctx;
	int status = atomic_load(&s->status);
	const void *body;
	size_t n;

	atomic_fetch_add(&s->compiles, 1);
	if (status < 0) {
		hg_rpc_request_on_cancel(req, on_cancelled, s);
		hold(s, req);
	} else if (status > 0) {
		hg_rpc_refuse(req, (enum hg_rpc_status)status, "said so");
	} else {
		body = hg_rpc_request_body(req, &n);
		hg_rpc_reply(req, body, n);
	}
}

static const struct hg_rpc_method methods[] = {
	{ HG_METHOD_HEALTH, on_health },
	{ HG_METHOD_COMPILE, on_compile },
};

static void *
server_main(void *arg)
{
	hg_rpc_loop_run(arg);
	return NULL;
}

static void
server_start(struct server *s, int port)
{
	struct hg_rpc_server_options options = { .max_message_bytes = 1 << 20 };
	char address[32];
	struct hg_error err;
	int real;

	memset(s, 0, sizeof(*s));
	snprintf(address, sizeof(address), "127.0.0.1:%d", port);
	options.address = address;
	s->loop = hg_rpc_loop_new(&err);
	ck_assert_ptr_nonnull(s->loop);
	s->server =
	    hg_rpc_server_new(s->loop, &options, methods, 2, s, &real, &err);
	ck_assert_msg(s->server != NULL, "%s", err.text);
	snprintf(s->address, sizeof(s->address), "127.0.0.1:%d", real);
	ck_assert_int_eq(
	    pthread_create(&s->thread, NULL, server_main, s->loop), 0);
}

static void
on_shut(void *arg)
{
	struct server *s = arg;

	hg_rpc_loop_stop(s->loop);
}

static void
shut(void *arg)
{
	struct server *s = arg;

	for (size_t i = 0; i < s->n_held; i++)
		hg_rpc_refuse(s->held[i], HG_RPC_UNKNOWN, "too late");
	hg_rpc_server_shutdown(s->server, 0, on_shut, s);
}

static void
server_stop(struct server *s)
{
	hg_rpc_loop_post(s->loop, shut, s);
	pthread_join(s->thread, NULL);
	hg_rpc_server_free(s->server);
	hg_rpc_loop_free(s->loop);
}

static void
nap_ms(long ms)
{
	struct timespec t = { ms / 1000, (ms % 1000) * 1000000 };

	nanosleep(&t, NULL);
}

/* The reason of one compile; "remote" also means that the answer was right. */
static enum hg_reason
compile(struct hg_coords *c, const char *addresses, uint64_t timeout_ns)
{
	struct hg_strbuf body = HG_STRBUF_INIT, answer = HG_STRBUF_INIT;
	enum hg_reason reason = HG_REASON_remote;
	struct hg_error err = { 0 };

	hg_strbuf_adds(&body, "hello");
	if (hg_coords_compile(c, addresses, &body, timeout_ns, -1, &answer,
		&reason, &err) == 0) {
		ck_assert_str_eq(answer.buf, "hello");
		reason = HG_REASON_remote;
	} else {
		ck_assert_str_ne(err.text, "");
	}
	hg_strbuf_release(&body);
	hg_strbuf_release(&answer);
	return reason;
}

static struct hg_coords *
coords_new(void)
{
	struct hg_error err;
	struct hg_coords *c = hg_coords_new(&quick, &err);

	hg_log_open(HG_LOG_ERR);
	ck_assert_msg(c != NULL, "%s", err.text);
	return c;
}

START_TEST(compiles_share_one_probe)
{
	struct hg_coords *c = coords_new();
	struct server s;
	enum hg_reason reason;

	server_start(&s, 0);
	ck_assert_int_eq(hg_coords_find(c, s.address, -1, &reason, NULL), 0);
	for (int i = 0; i < 5; i++)
		ck_assert_int_eq(
		    compile(c, s.address, 5000 * MS), HG_REASON_remote);
	ck_assert_int_eq(atomic_load(&s.probes), 1);
	ck_assert_int_eq(atomic_load(&s.compiles), 5);
	hg_coords_free(c);
	server_stop(&s);
}
END_TEST

START_TEST(nobody_there_costs_nothing_after_the_first)
{
	struct hg_coords *c = coords_new();
	char address[32];
	struct server s;
	uint64_t start;
	int port;

	server_start(&s, 0);
	snprintf(address, sizeof(address), "%s", s.address);
	port = (int)strtoul(strchr(address, ':') + 1, NULL, 10);
	server_stop(&s);
	ck_assert_int_eq(
	    compile(c, address, 5000 * MS), HG_REASON_no_coordinator);
	start = hg_now_ns();
	for (int i = 0; i < 100; i++)
		ck_assert_int_eq(
		    compile(c, address, 5000 * MS), HG_REASON_no_coordinator);
	ck_assert_uint_lt(hg_now_ns() - start, 200 * MS);
	/* it comes back: found behind the back of the first compile */
	server_start(&s, port);
	nap_ms(450);
	ck_assert_int_eq(
	    compile(c, address, 5000 * MS), HG_REASON_no_coordinator);
	nap_ms(250);
	ck_assert_int_eq(compile(c, address, 5000 * MS), HG_REASON_remote);
	hg_coords_free(c);
	server_stop(&s);
}
END_TEST

static void *
compile_thread(void *arg)
{
	void **a = arg;
	enum hg_reason reason = compile(a[0], a[1], 5000 * MS);

	return (void *)(uintptr_t)reason;
}

START_TEST(a_socket_that_says_nothing_costs_one_wait)
{
	struct sockaddr_in in = { .sin_family = AF_INET };
	socklen_t n = sizeof(in);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct hg_coords *c = coords_new();
	uint64_t start = hg_now_ns();
	pthread_t thread[8];
	char address[32];
	void *arg[2] = { c, address }, *ret;

	in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&in, sizeof(in)), 0);
	ck_assert_int_eq(listen(fd, 100), 0);
	ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&in, &n), 0);
	snprintf(address, sizeof(address), "127.0.0.1:%d", ntohs(in.sin_port));
	for (int i = 0; i < 8; i++)
		pthread_create(&thread[i], NULL, compile_thread, arg);
	for (int i = 0; i < 8; i++) {
		pthread_join(thread[i], &ret);
		ck_assert_uint_eq((uintptr_t)ret, HG_REASON_no_coordinator);
	}
	ck_assert_uint_ge(hg_now_ns() - start, 250 * MS);
	ck_assert_uint_lt(hg_now_ns() - start, 1500 * MS);
	start = hg_now_ns();
	ck_assert_int_eq(
	    compile(c, address, 5000 * MS), HG_REASON_no_coordinator);
	ck_assert_uint_lt(hg_now_ns() - start, 100 * MS);
	hg_coords_free(c);
	close(fd);
}
END_TEST

START_TEST(addresses_are_tried_in_order)
{
	struct hg_coords *c = coords_new();
	char addresses[100];
	struct server s;

	server_start(&s, 0);
	snprintf(addresses, sizeof(addresses), "127.0.0.1:1, %s,127.0.0.1:2",
	    s.address);
	ck_assert_int_eq(compile(c, addresses, 5000 * MS), HG_REASON_remote);
	ck_assert_int_eq(compile(c, "", 5000 * MS), HG_REASON_no_coordinator);
	ck_assert_int_eq(
	    compile(c, "not an address", 5000 * MS), HG_REASON_no_coordinator);
	hg_coords_free(c);
	server_stop(&s);
}
END_TEST

START_TEST(refusals_have_their_reasons)
{
	static const struct {
		enum hg_rpc_status status;
		enum hg_reason reason;
	} rows[] = {
		{ HG_RPC_UNAVAILABLE, HG_REASON_no_worker },
		{ HG_RPC_RESOURCE_EXHAUSTED, HG_REASON_queue_full },
		{ HG_RPC_DEADLINE_EXCEEDED, HG_REASON_remote_timeout },
		{ HG_RPC_INVALID_ARGUMENT, HG_REASON_remote_failed },
	};
	struct hg_coords *c = coords_new();
	struct server s;

	server_start(&s, 0);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		atomic_store(&s.status, rows[i].status);
		ck_assert_int_eq(
		    compile(c, s.address, 5000 * MS), rows[i].reason);
	}
	/* none of them is a reason to avoid the coordinator */
	atomic_store(&s.status, 0);
	ck_assert_int_eq(compile(c, s.address, 5000 * MS), HG_REASON_remote);
	atomic_store(&s.status, -1);
	ck_assert_int_eq(
	    compile(c, s.address, 200 * MS), HG_REASON_remote_timeout);
	hg_coords_free(c);
	server_stop(&s);
}
END_TEST

START_TEST(a_coordinator_that_dies_loses_its_compiles)
{
	struct hg_coords *c = coords_new();
	struct server s;
	void *arg[2] = { c, s.address }, *ret;
	pthread_t thread;
	uint64_t start;

	server_start(&s, 0);
	atomic_store(&s.status, -1);
	pthread_create(&thread, NULL, compile_thread, arg);
	while (atomic_load(&s.compiles) == 0)
		nap_ms(5);
	start = hg_now_ns();
	/* from here on it says nothing, although its connection lives */
	atomic_store(&s.is_frozen, true);
	pthread_join(thread, &ret);
	ck_assert_uint_eq((uintptr_t)ret, HG_REASON_no_coordinator);
	ck_assert_uint_lt(hg_now_ns() - start, 1500 * MS);
	start = hg_now_ns();
	ck_assert_int_eq(
	    compile(c, s.address, 5000 * MS), HG_REASON_no_coordinator);
	ck_assert_uint_lt(hg_now_ns() - start, 100 * MS);
	hg_coords_free(c);
	server_stop(&s);
}
END_TEST

START_TEST(signs_of_life_keep_long_compiles)
{
	struct hg_coords *c = coords_new();
	struct server s;

	server_start(&s, 0);
	atomic_store(&s.status, -1);
	ck_assert_int_eq(
	    compile(c, s.address, 800 * MS), HG_REASON_remote_timeout);
	ck_assert_int_ge(atomic_load(&s.probes), 5);
	hg_coords_free(c);
	server_stop(&s);
}
END_TEST

static void *
hang_up_soon(void *arg)
{
	int *fd = arg;

	nap_ms(100);
	hg_fd_close(fd);
	return NULL;
}

START_TEST(a_launcher_that_leaves_cancels_the_call)
{
	struct hg_strbuf body = HG_STRBUF_INIT, answer = HG_STRBUF_INIT;
	struct hg_coords *c = coords_new();
	enum hg_reason reason;
	pthread_t thread;
	struct server s;
	int fd[2];

	server_start(&s, 0);
	atomic_store(&s.status, -1);
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, fd), 0);
	pthread_create(&thread, NULL, hang_up_soon, &fd[1]);
	hg_strbuf_adds(&body, "x");
	ck_assert_int_eq(hg_coords_compile(c, s.address, &body, 0, fd[0],
			     &answer, &reason, NULL),
	    -HG_CANCELLED);
	for (int i = 0; i < 200 && atomic_load(&s.cancelled) == 0; i++)
		nap_ms(10);
	ck_assert_int_eq(atomic_load(&s.cancelled), 1);
	pthread_join(thread, NULL);
	close(fd[0]);
	hg_strbuf_release(&body);
	hg_strbuf_release(&answer);
	hg_coords_free(c);
	server_stop(&s);
}
END_TEST

START_TEST(remembers_a_bounded_number_of_addresses)
{
	struct hg_coords *c = coords_new();
	char address[32];

	for (int i = 0; i < 200; i++) {
		snprintf(address, sizeof(address), "127.0.0.1:%d", 1 + i % 100);
		ck_assert_int_eq(
		    compile(c, address, 1000 * MS), HG_REASON_no_coordinator);
	}
	hg_coords_free(c);
}
END_TEST

UNIT_MAIN("coords", compiles_share_one_probe,
    nobody_there_costs_nothing_after_the_first,
    a_socket_that_says_nothing_costs_one_wait, addresses_are_tried_in_order,
    refusals_have_their_reasons, a_coordinator_that_dies_loses_its_compiles,
    signs_of_life_keep_long_compiles, a_launcher_that_leaves_cancels_the_call,
    remembers_a_bounded_number_of_addresses)
