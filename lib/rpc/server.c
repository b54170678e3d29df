/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The serving side: listening, and ending. A few requests are always asked for
 * ahead (slots); when one arrives its slot is asked for again.
 */
#include "config.h"

#include <errno.h>
#include <grpc/grpc_security.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "lib/base/alloc.h"
#include "lib/base/error.h"
#include "lib/base/fd.h"
#include "lib/rpc/request.h"

#define SLOTS 16
/* Calls at once on one connection; an agent has about one per make job. */
#define MAX_STREAMS 4096
/* Finds callers whose host or network has died, rather than their process. */
#define KEEPALIVE_MS 20000
#define KEEPALIVE_TIMEOUT_MS 20000
/* Callers may ping as often as this. */
#define MIN_PING_MS 500
#define HANDSHAKE_TIMEOUT_MS 10000

static grpc_server *
create_server(const struct hg_rpc_server_options *options)
{
	static const struct hg_rpc_arg more[] = {
		/* two programs on one port would share its calls */
		{ GRPC_ARG_ALLOW_REUSEPORT, 0 },
		{ GRPC_ARG_MAX_CONCURRENT_STREAMS, MAX_STREAMS },
		{ GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS,
		    MIN_PING_MS },
		{ GRPC_ARG_HTTP2_MAX_PING_STRIKES, 0 },
		{ GRPC_ARG_KEEPALIVE_TIME_MS, KEEPALIVE_MS },
		{ GRPC_ARG_KEEPALIVE_TIMEOUT_MS, KEEPALIVE_TIMEOUT_MS },
		{ GRPC_ARG_SERVER_HANDSHAKE_TIMEOUT_MS, HANDSHAKE_TIMEOUT_MS },
	};
	grpc_channel_args args = hg_rpc_args(options->max_message_bytes, more,
	    sizeof(more) / sizeof(*more));
	grpc_server *server = grpc_server_create(&args, NULL);

	free(args.args);
	return server;
}

/* Binds to host and port as gRPC did, for the errno that it does not tell. */
static int
bind_errno(const char *host, const char *port)
{
	const struct addrinfo hints = { .ai_flags = AI_PASSIVE,
		.ai_socktype = SOCK_STREAM };
	struct addrinfo *list = NULL;
	int fd = -1, saved = EINVAL, one = 1;

	if (getaddrinfo(host, port, &hints, &list) != 0)
		return EADDRNOTAVAIL;
	fd = socket(list->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		goto out;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(fd, list->ai_addr, list->ai_addrlen) < 0 ||
	    listen(fd, 1) < 0)
		saved = errno;
out:
	hg_fd_close(&fd);
	freeaddrinfo(list);
	return saved;
}

static void
explain_listen(const char *address, struct hg_error *err)
{
	char *host = hg_xstrdup(address);
	char *colon = strrchr(host, ':');
	int saved = EINVAL;

	if (colon && colon > host) {
		char *name = host;

		*colon = '\0';
		if (host[0] == '[' && colon[-1] == ']') {
			colon[-1] = '\0';
			name++;
		}
		saved = bind_errno(name, colon + 1);
	}
	free(host);
	errno = saved;
	hg_fail_errno(err, HG_UNAVAILABLE, "cannot listen on %s", address);
}

struct hg_rpc_server *
hg_rpc_server_new(struct hg_rpc_loop *loop,
    const struct hg_rpc_server_options *options,
    const struct hg_rpc_method *methods, size_t n_methods, void *ctx,
    int *ret_port, struct hg_error *err)
{
	struct hg_rpc_server *server;
	grpc_server *created = create_server(options);
	grpc_server_credentials *none =
	    grpc_insecure_server_credentials_create();
	int port = grpc_server_add_http2_port(created, options->address, none);

	grpc_server_credentials_release(none);
	if (port <= 0) {
		grpc_server_destroy(created);
		explain_listen(options->address, err);
		return NULL;
	}
	grpc_server_register_completion_queue(created, loop->cq, NULL);
	grpc_server_start(created);
	server = hg_xcalloc(1, sizeof(*server));
	server->loop = loop;
	server->server = created;
	server->methods = methods;
	server->n_methods = n_methods;
	server->ctx = ctx;
	for (size_t i = 0; i < SLOTS; i++)
		hg_rpc_server_ask(server);
	*ret_port = port;
	return server;
}

static bool
is_over(const struct hg_rpc_server *server)
{
	return server->has_stopped && !server->slots && !server->requests;
}

void
hg_rpc_server_request_over(struct hg_rpc_server *server)
{
	if (!is_over(server))
		return;
	hg_rpc_timer_stop(server->grace);
	server->grace = NULL;
	/* last: it may free the server */
	server->done(server->done_arg);
}

static void
on_stopped(struct op *op, bool ok)
{
	struct hg_rpc_server *server =
	    container_of(op, struct hg_rpc_server, stopped);

	(void)ok;
	server->has_stopped = true;
	hg_rpc_server_request_over(server);
}

static void
on_grace(void *arg)
{
	struct hg_rpc_server *server = arg;

	server->grace = NULL;
	grpc_server_cancel_all_calls(server->server);
}

void
hg_rpc_server_shutdown(struct hg_rpc_server *server, uint64_t grace_ns,
    void (*done)(void *arg), void *arg)
{
	hg_assert(!server->stopping);
	server->stopping = true;
	server->done = done;
	server->done_arg = arg;
	server->stopped.done = on_stopped;
	server->grace = hg_rpc_timer_start(
	    server->loop, grace_ns, on_grace, server);
	grpc_server_shutdown_and_notify(
	    server->server, server->loop->cq, &server->stopped);
}

static void
nothing(void *arg)
{
	(void)arg;
}

void
hg_rpc_server_free(struct hg_rpc_server *server)
{
	if (!server)
		return;
	if (!server->stopping) {
		hg_rpc_server_shutdown(server, 0, nothing, NULL);
		grpc_server_cancel_all_calls(server->server);
	}
	while (!is_over(server))
		hg_rpc_loop_turn(
		    server->loop, gpr_inf_future(GPR_CLOCK_MONOTONIC));
	grpc_server_destroy(server->server);
	free(server);
}
