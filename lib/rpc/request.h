/* SPDX-License-Identifier: Apache-2.0 */
/* What server.c and request.c share. */
#ifndef HG_RPC_REQUEST_H
#define HG_RPC_REQUEST_H

#include <stdatomic.h>

#include "lib/base/strvec.h"
#include "lib/rpc/core.h"

struct hg_rpc_server {
	struct hg_rpc_loop *loop;
	grpc_server *server;
	const struct hg_rpc_method *methods;
	size_t n_methods;
	void *ctx;
	/* requests asked for, and requests not yet freed */
	size_t slots;
	size_t requests;

	struct op stopped;
	bool stopping;
	bool has_stopped;
	struct hg_rpc_timer *grace;
	void (*done)(void *arg);
	void *done_arg;
};

struct hg_rpc_request {
	struct op arrived;
	struct op closed;
	struct op received;
	struct op sent;
	struct hg_rpc_server *server;
	grpc_call *call;
	grpc_call_details details;
	grpc_metadata_array metadata;
	grpc_byte_buffer *message;
	struct body body;
	char *peer;
	/* key, value, key, value, ... */
	struct hg_strvec headers;
	/* operations under way */
	unsigned pending;
	/* gRPC writes this until closed is done; then it is in gone */
	int cancelled;
	bool gone;
	hg_rpc_handler_fn *handler;
	void (*on_cancel)(void *arg);
	void *on_cancel_arg;

	/* set by the answering thread, then handed to the loop */
	atomic_bool answered;
	grpc_status_code status;
	grpc_slice status_text;
	grpc_byte_buffer *reply;
	/* the loop has the answer */
	bool over;
};

/* Asks gRPC for one more request, unless the server is stopping. */
void hg_rpc_server_ask(struct hg_rpc_server *server);
/* A request or slot has ended; the server may be freed by this. */
void hg_rpc_server_request_over(struct hg_rpc_server *server);

#endif
