/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One request from arrival to answer. It first waits for its own end
 * (RECV_CLOSE_ON_SERVER), so that a caller that goes away is noticed while its
 * message is still read or its handler at work. It is freed when it is answered
 * and none of its operations is under way.
 */
#include "config.h"

#include <grpc/support/alloc.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/alloc.h"
#include "lib/base/error.h"
#include "lib/base/strvec.h"
#include "lib/base/time.h"
#include "lib/rpc/request.h"

/* A status message travels in the trailers, which are limited to 8 KiB. */
#define MAX_STATUS_BYTES 1024

static void
free_request(struct hg_rpc_request *req)
{
	grpc_call_details_destroy(&req->details);
	grpc_metadata_array_destroy(&req->metadata);
	hg_rpc_body_release(&req->body);
	if (req->reply)
		grpc_byte_buffer_destroy(req->reply);
	grpc_slice_unref(req->status_text);
	gpr_free(req->peer);
	hg_strvec_release(&req->headers);
	if (req->call)
		grpc_call_unref(req->call);
	free(req);
}

static void
maybe_free(struct hg_rpc_request *req)
{
	struct hg_rpc_server *server = req->server;

	if (!req->over || req->pending)
		return;
	free_request(req);
	server->requests--;
	hg_rpc_server_request_over(server);
}

static void
start(struct hg_rpc_request *req, const grpc_op *ops, size_t n, struct op *tag)
{
	req->pending++;
	hg_rpc_batch(req->call, ops, n, tag);
}

static void
on_sent(struct op *op, bool ok)
{
	struct hg_rpc_request *req =
	    container_of(op, struct hg_rpc_request, sent);

	(void)ok;
	req->pending--;
	maybe_free(req);
}

/* On the loop: gives the answer to gRPC. */
static void
send_answer(void *arg)
{
	struct hg_rpc_request *req = arg;
	const grpc_op ops[] = {
		{ .op = GRPC_OP_SEND_INITIAL_METADATA },
		{ .op = GRPC_OP_SEND_STATUS_FROM_SERVER,
		    .data.send_status_from_server = { .status = req->status,
			.status_details = &req->status_text } },
		{ .op = GRPC_OP_SEND_MESSAGE,
		    .data.send_message.send_message = req->reply },
	};

	req->over = true;
	if (req->gone)
		maybe_free(req);
	else
		start(req, ops, req->reply ? 3 : 2, &req->sent);
}

static void
answer(struct hg_rpc_request *req, enum hg_rpc_status status, const char *text,
    grpc_byte_buffer *reply)
{
	bool twice = atomic_exchange(&req->answered, true);

	hg_assert(!twice);
	req->status = (grpc_status_code)status;
	req->status_text = grpc_slice_from_copied_buffer(
	    text, strnlen(text, MAX_STATUS_BYTES));
	req->reply = reply;
	hg_rpc_loop_post(req->server->loop, send_answer, req);
}

static void
on_closed(struct op *op, bool ok)
{
	struct hg_rpc_request *req =
	    container_of(op, struct hg_rpc_request, closed);

	(void)ok;
	req->pending--;
	req->gone = req->cancelled != 0;
	if (req->gone && req->on_cancel && !atomic_load(&req->answered))
		req->on_cancel(req->on_cancel_arg);
	maybe_free(req);
}

static void
copy_headers(struct hg_rpc_request *req)
{
	for (size_t i = 0; i < req->metadata.count; i++) {
		const grpc_metadata *md = &req->metadata.metadata[i];
		const grpc_slice both[] = { md->key, md->value };

		for (size_t k = 0; k < 2; k++)
			hg_strvec_add_take(&req->headers,
			    hg_xstrndup((const char *)
				GRPC_SLICE_START_PTR(both[k]),
				GRPC_SLICE_LENGTH(both[k])));
	}
	req->peer = grpc_call_get_peer(req->call);
}

static void
on_received(struct op *op, bool ok)
{
	struct hg_rpc_request *req =
	    container_of(op, struct hg_rpc_request, received);

	req->pending--;
	if (req->gone) {
		/* its handler need not see it */
		req->over = true;
		maybe_free(req);
		return;
	}
	if (!hg_rpc_body_take(&req->message, &req->body) || !ok) {
		answer(req, HG_RPC_INVALID_ARGUMENT,
		    "there is no message, or it is compressed", NULL);
		return;
	}
	copy_headers(req);
	req->handler(req->server->ctx, req);
}

static hg_rpc_handler_fn *
find_handler(const struct hg_rpc_server *server, grpc_slice path)
{
	for (size_t i = 0; i < server->n_methods; i++)
		if (grpc_slice_str_cmp(path, server->methods[i].path) == 0)
			return server->methods[i].handler;
	return NULL;
}

static void
on_arrived(struct op *op, bool ok)
{
	struct hg_rpc_request *req =
	    container_of(op, struct hg_rpc_request, arrived);
	struct hg_rpc_server *server = req->server;
	grpc_op closed = { .op = GRPC_OP_RECV_CLOSE_ON_SERVER,
		.data.recv_close_on_server.cancelled = &req->cancelled };
	grpc_op received = { .op = GRPC_OP_RECV_MESSAGE,
		.data.recv_message.recv_message = &req->message };

	server->slots--;
	if (!ok) {
		free_request(req);
		hg_rpc_server_request_over(server);
		return;
	}
	server->requests++;
	hg_rpc_server_ask(server);
	start(req, &closed, 1, &req->closed);
	req->handler = find_handler(server, req->details.method);
	if (req->handler)
		start(req, &received, 1, &req->received);
	else
		answer(req, HG_RPC_UNIMPLEMENTED, "no such method here", NULL);
}

void
hg_rpc_server_ask(struct hg_rpc_server *server)
{
	struct hg_rpc_request *req;
	grpc_call_error rc;

	if (server->stopping)
		return;
	req = hg_xcalloc(1, sizeof(*req));
	req->server = server;
	req->arrived.done = on_arrived;
	req->closed.done = on_closed;
	req->received.done = on_received;
	req->sent.done = on_sent;
	req->status_text = grpc_empty_slice();
	atomic_init(&req->answered, false);
	grpc_call_details_init(&req->details);
	grpc_metadata_array_init(&req->metadata);
	rc = grpc_server_request_call(server->server, &req->call, &req->details,
	    &req->metadata, server->loop->cq, server->loop->cq, &req->arrived);
	hg_assert(rc == GRPC_CALL_OK);
	server->slots++;
}

/* ---- what a handler sees ----------------------------------------------- */

const void *
hg_rpc_request_body(const struct hg_rpc_request *req, size_t *ret_n)
{
	*ret_n = req->body.n;
	return req->body.p;
}

const char *
hg_rpc_request_peer(const struct hg_rpc_request *req)
{
	return req->peer;
}

const char *
hg_rpc_request_metadata(const struct hg_rpc_request *req, const char *key)
{
	for (size_t i = 0; i < req->headers.n; i += 2)
		if (strcmp(req->headers.v[i], key) == 0)
			return req->headers.v[i + 1];
	return NULL;
}

uint64_t
hg_rpc_request_time_left_ns(const struct hg_rpc_request *req)
{
	gpr_timespec deadline = req->details.deadline, left;

	if (gpr_time_cmp(deadline, gpr_inf_future(deadline.clock_type)) == 0)
		return UINT64_MAX;
	left = gpr_time_sub(deadline, gpr_now(deadline.clock_type));
	if (left.tv_sec < 0)
		return 0;
	return (uint64_t)left.tv_sec * HG_NS_PER_SEC + (uint64_t)left.tv_nsec;
}

void
hg_rpc_request_on_cancel(
    struct hg_rpc_request *req, void (*fn)(void *arg), void *arg)
{
	req->on_cancel = fn;
	req->on_cancel_arg = arg;
	if (req->gone && fn)
		fn(arg);
}

void
hg_rpc_reply(struct hg_rpc_request *req, const void *body, size_t n)
{
	answer(req, HG_RPC_OK, "", hg_rpc_buffer_new(body, n));
}

void
hg_rpc_refuse(struct hg_rpc_request *req, enum hg_rpc_status status,
    const char *message)
{
	answer(req, status, message, NULL);
}
