/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The C side of tests/e2e/t3000-wire-python.t: lib/rpc and lib/wire without a
 * coordinator or worker around them.
 *
 *   wirepeer serve                          until SIGTERM; a Compile's object
 *                                           is its source and its includes
 *   wirepeer compile ADDRESS SOURCE OBJECT  calls a worker
 */
#include "config.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/alloc.h"
#include "lib/base/error.h"
#include "lib/base/fd.h"
#include "lib/base/limits.h"
#include "lib/base/strbuf.h"
#include "lib/base/time.h"
#include "lib/rpc/rpc.h"
#include "lib/wire/wire.h"

struct wirepeer {
	struct hg_rpc_loop *loop;
	struct hg_rpc_server *server;
	struct hg_rpc_channel *channel;
	pthread_t thread;
};

/* Text that is not UTF-8: its string is an approximation. */
static const char latin1[] = "caf\xE9\n";

/* ---- serving ----------------------------------------------------------- */

#define UNPACK(M, req, err) \
	({ \
		size_t n_body; \
		const void *body = hg_rpc_request_body(req, &n_body); \
		hg_wire_##M##_unpack(body, n_body, err); \
	})

static void
reply(struct hg_rpc_request *req, struct hg_strbuf *sb)
{
	hg_rpc_reply(req, sb->buf, sb->len);
	hg_strbuf_release(sb);
}

static void
refuse(struct hg_rpc_request *req, const struct hg_error *err)
{
	hg_rpc_refuse(req, HG_RPC_INVALID_ARGUMENT, err->text);
}

static void
on_handshake(void *ctx, struct hg_rpc_request *req)
{
	struct hg_wire_handshake_reply r = { .accepted = true,
		.heartbeat_seconds = 10 };
	struct hg_strbuf sb = HG_STRBUF_INIT;
	struct hg_error err;
	struct hg_wire_handshake *m = UNPACK(handshake, req, &err);

	(void)ctx;
	if (!m) {
		refuse(req, &err);
		return;
	}
	r.assigned_id = m->worker_id;
	r.message = m->caps.n_architectures ? m->caps.architectures[0] : NULL;
	r.epoch = m->worker_id;
	hg_wire_handshake_reply_pack(&r, &sb);
	hg_wire_handshake_free(m);
	reply(req, &sb);
}

static void
on_compile(void *ctx, struct hg_rpc_request *req)
{
	struct hg_strbuf sb = HG_STRBUF_INIT, object = HG_STRBUF_INIT;
	struct hg_wire_result r = { .success = true,
		.out = { latin1, sizeof(latin1) - 1 }, .cpu_us = 1 };
	struct hg_error err;
	struct hg_wire_compile *m = UNPACK(compile, req, &err);

	(void)ctx;
	if (!m) {
		refuse(req, &err);
		return;
	}
	hg_strbuf_add(&object, m->source.p, m->source.n);
	for (size_t i = 0; i < m->n_includes; i++) {
		hg_strbuf_adds(&object, m->includes[i].path);
		hg_strbuf_add(&object, m->includes[i].content.p,
		    m->includes[i].content.n);
	}
	r.object = (struct hg_blob){ object.buf, object.len };
	r.err = (struct hg_blob){ m->source_file, strlen(m->source_file) };
	r.exit_code = (int32_t)m->n_args;
	r.worker_id = m->target_arch;
	hg_wire_result_pack(&r, &sb);
	hg_strbuf_release(&object);
	hg_wire_compile_free(m);
	reply(req, &sb);
}

static void
on_health(void *ctx, struct hg_rpc_request *req)
{
	static char status[] = "ok", version[] = "test";
	struct hg_wire_health_reply r = { .healthy = true, .status = status,
		.active_tasks = 3, .uptime_seconds = 1 << 20, .slots = 9,
		.version = version, .cache_hits = 5 };
	struct hg_strbuf sb = HG_STRBUF_INIT;

	(void)ctx;
	hg_wire_health_reply_pack(&r, &sb);
	reply(req, &sb);
}

static void
on_status(void *ctx, struct hg_rpc_request *req)
{
	static char one[] = "one", two[] = "two", closed[] = "closed";
	struct hg_wire_worker workers[] = {
		{ .worker_id = one, .caps = { .cpu_cores = 4 },
		    .circuit_state = closed, .latency_ms = 0.5 },
		{ .worker_id = two, .total_tasks = 7, .draining = true } };
	struct hg_wire_status_reply r = { workers, 2 };
	struct hg_strbuf sb = HG_STRBUF_INIT;

	(void)ctx;
	hg_wire_status_reply_pack(&r, &sb);
	reply(req, &sb);
}

static const struct hg_rpc_method methods[] = {
	{ HG_METHOD_HANDSHAKE, on_handshake },
	{ HG_METHOD_COMPILE, on_compile },
	{ HG_METHOD_HEALTH, on_health },
	{ HG_METHOD_STATUS, on_status },
};

static void
on_shut(void *arg)
{
	struct wirepeer *peer = arg;

	hg_rpc_server_free(peer->server);
	hg_rpc_loop_stop(peer->loop);
}

static void
shut(void *arg)
{
	struct wirepeer *peer = arg;

	hg_rpc_server_shutdown(peer->server, HG_NS_PER_SEC, on_shut, peer);
}

static void *
run(void *arg)
{
	hg_rpc_loop_run(arg);
	return NULL;
}

static int
serve(struct wirepeer *peer, struct hg_error *err)
{
	struct hg_rpc_server_options options = { .address = "127.0.0.1:0" };
	sigset_t signals;
	int port, signal_number;

	peer->server = hg_rpc_server_new(peer->loop, &options, methods,
	    sizeof(methods) / sizeof(*methods), peer, &port, err);
	if (!peer->server)
		return -(int)err->code;
	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	pthread_sigmask(SIG_BLOCK, &signals, NULL);
	pthread_create(&peer->thread, NULL, run, peer->loop);
	printf("ready grpc=127.0.0.1:%d\n", port);
	fflush(stdout);
	sigwait(&signals, &signal_number);
	hg_rpc_loop_post(peer->loop, shut, peer);
	pthread_join(peer->thread, NULL);
	return 0;
}

/* ---- calling ----------------------------------------------------------- */

static void
close_channel(void *arg)
{
	struct wirepeer *peer = arg;

	hg_rpc_channel_free(peer->channel);
	hg_rpc_loop_stop(peer->loop);
}

/* Packs the request with fields that a peer of the specification ignores. */
static void
pack_compile(char *source_file, const struct hg_strbuf *source,
    struct hg_strbuf *out)
{
	static char gcc[] = "gcc", dash_o2[] = "-O2", dash_i[] = "-I.",
		    value[] = "4", header[] = "inc/a.h", cwd[] = "/";
	static const char text[] = "#define A 4\n";
	char *args[] = { dash_o2, dash_i };
	struct hg_wire_include includes[] = {
		{ header, { text, sizeof(text) - 1 } } };
	struct hg_wire_env env[] = { { value, value } };
	struct hg_wire_input inputs[] = { { .path = header } };
	struct hg_wire_compile m = { .source_file = source_file,
		.source = { source->buf, source->len }, .compiler = gcc,
		.args = args, .n_args = 2, .includes = includes,
		.n_includes = 1, .inputs = inputs, .n_inputs = 1, .env = env,
		.n_env = 1, .cwd = cwd, .protocol = HG_WIRE_PROTOCOL };

	hg_wire_compile_pack(&m, out);
}

static int
write_result(const struct hg_wire_result *r, const char *object,
    struct hg_error *err)
{
	printf("exit=%d worker=%s outputs=%zu out=%zu err=%zu\n", r->exit_code,
	    r->worker_id, r->n_outputs, r->out.n, r->err.n);
	return hg_write_file_atomic(
	    object, r->object.p, r->object.n, 0644, err);
}

static int
compile(struct wirepeer *peer, char **argv, struct hg_error *err)
{
	struct hg_strbuf source = HG_STRBUF_INIT, request = HG_STRBUF_INIT;
	struct hg_rpc_channel_options channel = { .target = argv[0] };
	struct hg_rpc_call_options call = { .method = HG_METHOD_COMPILE,
		.timeout_ns = 20 * HG_NS_PER_SEC };
	struct hg_wire_result *result = NULL;
	void *body = NULL;
	size_t n = 0;
	int rc = hg_read_file(argv[1], HG_MAX_SOURCE_BYTES, &source, err);

	if (rc)
		return rc;
	pack_compile(argv[1], &source, &request);
	call.body = request.buf;
	call.n = request.len;
	peer->channel = hg_rpc_channel_new(peer->loop, &channel, err);
	hg_assert(peer->channel);
	pthread_create(&peer->thread, NULL, run, peer->loop);
	rc = hg_rpc_call_wait(peer->loop, peer->channel, &call, -1, &body, &n,
	    NULL, err);
	if (rc == 0)
		result = hg_wire_result_unpack(body, n, err);
	if (rc == 0)
		rc = result ? write_result(result, argv[2], err) :
			      -(int)err->code;
	hg_rpc_loop_post(peer->loop, close_channel, peer);
	pthread_join(peer->thread, NULL);
	hg_wire_result_free(result);
	hg_strbuf_release(&source);
	hg_strbuf_release(&request);
	free(body);
	return rc;
}

int
main(int argc, char **argv)
{
	struct wirepeer peer = { 0 };
	struct hg_error err = { 0 };
	int rc;

	peer.loop = hg_rpc_loop_new(&err);
	hg_assert(peer.loop);
	if (argc == 2 && strcmp(argv[1], "serve") == 0)
		rc = serve(&peer, &err);
	else if (argc == 5 && strcmp(argv[1], "compile") == 0)
		rc = compile(&peer, argv + 2, &err);
	else
		rc = hg_fail(&err, HG_INVALID,
		    "usage: wirepeer serve | compile ADDRESS SOURCE OBJECT");
	hg_rpc_loop_free(peer.loop);
	if (rc)
		fprintf(stderr, "wirepeer: %s\n", err.text);
	return rc ? EXIT_FAILURE : EXIT_SUCCESS;
}
