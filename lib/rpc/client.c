/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Channels and unary calls. A call is one batch: everything is sent, and the
 * batch ends when the status is there. Nothing is retried here; who calls knows
 * better what may be done twice, and where else.
 */
#include "config.h"

#include <grpc/grpc_security.h>
#include <grpc/support/alloc.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/alloc.h"
#include "lib/base/error.h"
#include "lib/base/time.h"
#include "lib/rpc/core.h"

/* A restarted server is found again within this. */
#define MAX_BACKOFF_MS 2000
#define INITIAL_BACKOFF_MS 100
/* Also bounds one attempt to connect. */
#define CONNECT_TIMEOUT_MS 2000
#define KEEPALIVE_TIMEOUT_NS (5 * HG_NS_PER_SEC)
#define MAX_METADATA 32

struct hg_rpc_channel {
	struct hg_rpc_loop *loop;
	grpc_channel *channel;
};

struct hg_rpc_call {
	struct op ended;
	struct hg_rpc_loop *loop;
	/* NULL when it was freed before the call ended */
	struct hg_rpc_channel *channel;
	struct hg_rpc_call *next;
	struct hg_rpc_call **prev;
	grpc_call *call;
	/* by us, not by the server */
	bool is_cancelled;
	grpc_metadata_array initial;
	grpc_metadata_array trailing;
	grpc_byte_buffer *reply;
	grpc_status_code status;
	grpc_slice message;
	void (*done)(void *arg, const struct hg_rpc_result *result);
	void *arg;
};

/* ---- channels ---------------------------------------------------------- */

static int
to_ms(uint64_t ns)
{
	uint64_t ms = (ns + HG_NS_PER_MS - 1) / HG_NS_PER_MS;

	return ms > INT_MAX ? INT_MAX : (int)ms;
}

static grpc_channel *
create_channel(const struct hg_rpc_channel_options *options)
{
	uint64_t timeout_ns = options->keepalive_timeout_ns ?
	    options->keepalive_timeout_ns : KEEPALIVE_TIMEOUT_NS;
	const struct hg_rpc_arg more[] = {
		{ GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, INITIAL_BACKOFF_MS },
		{ GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, CONNECT_TIMEOUT_MS },
		{ GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, MAX_BACKOFF_MS },
		{ GRPC_ARG_DNS_MIN_TIME_BETWEEN_RESOLUTIONS_MS,
		    MAX_BACKOFF_MS },
		{ GRPC_ARG_ENABLE_RETRIES, 0 },
		/* our peers are near; a proxy for the web is not for them */
		{ GRPC_ARG_ENABLE_HTTP_PROXY, 0 },
		{ GRPC_ARG_SERVICE_CONFIG_DISABLE_RESOLUTION, 1 },
		/* a new channel is a new connection */
		{ GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1 },
		{ GRPC_ARG_KEEPALIVE_TIMEOUT_MS, to_ms(timeout_ns) },
		{ GRPC_ARG_KEEPALIVE_TIME_MS, options->keepalive_ns ?
			to_ms(options->keepalive_ns) : INT_MAX },
	};
	grpc_channel_args args = hg_rpc_args(options->max_message_bytes, more,
	    sizeof(more) / sizeof(*more));
	grpc_channel_credentials *none = grpc_insecure_credentials_create();
	grpc_channel *channel =
	    grpc_channel_create(options->target, none, &args);

	grpc_channel_credentials_release(none);
	free(args.args);
	return channel;
}

struct hg_rpc_channel *
hg_rpc_channel_new(struct hg_rpc_loop *loop,
    const struct hg_rpc_channel_options *options, struct hg_error *err)
{
	struct hg_rpc_channel *channel;
	grpc_channel *created;

	if (!options->target || options->target[0] == '\0') {
		hg_fail(err, HG_INVALID, "no address to connect to");
		return NULL;
	}
	created = create_channel(options);
	if (!created) {
		hg_fail(err, HG_INVALID, "cannot connect to an address like %s",
		    options->target);
		return NULL;
	}
	channel = hg_xcalloc(1, sizeof(*channel));
	channel->loop = loop;
	channel->channel = created;
	return channel;
}

void
hg_rpc_calls_cancel(
    struct hg_rpc_loop *loop, const struct hg_rpc_channel *channel)
{
	for (struct hg_rpc_call *c = loop->calls; c; c = c->next)
		if (!channel || c->channel == channel) {
			hg_rpc_call_cancel(c);
			c->channel = NULL;
		}
}

void
hg_rpc_channel_free(struct hg_rpc_channel *channel)
{
	if (!channel)
		return;
	hg_rpc_calls_cancel(channel->loop, channel);
	grpc_channel_destroy(channel->channel);
	free(channel);
}

/* ---- calls ------------------------------------------------------------- */

static void
link_call(struct hg_rpc_call *call)
{
	call->next = call->loop->calls;
	call->prev = &call->loop->calls;
	if (call->next)
		call->next->prev = &call->next;
	call->loop->calls = call;
}

static void
free_call(struct hg_rpc_call *call)
{
	*call->prev = call->next;
	if (call->next)
		call->next->prev = call->prev;
	grpc_metadata_array_destroy(&call->initial);
	grpc_metadata_array_destroy(&call->trailing);
	grpc_slice_unref(call->message);
	grpc_call_unref(call->call);
	free(call);
}

/*
 * A server that is shutting down resets calls that cross its farewell, and they
 * end as cancelled. Nobody here wanted that: the server was not available.
 */
static enum hg_rpc_status
status_of(const struct hg_rpc_call *call)
{
	if (call->status == GRPC_STATUS_CANCELLED && !call->is_cancelled)
		return HG_RPC_UNAVAILABLE;
	return (enum hg_rpc_status)call->status;
}

static void
on_ended(struct op *op, bool ok)
{
	struct hg_rpc_call *call = container_of(op, struct hg_rpc_call, ended);
	struct hg_rpc_result result = { 0 };
	struct body body = { 0 };
	char *message = grpc_slice_to_c_string(call->message);

	(void)ok;
	result.status = status_of(call);
	result.message = message;
	if (hg_rpc_body_take(&call->reply, &body)) {
		result.body = body.p;
		result.n = body.n;
	} else if (result.status == HG_RPC_OK) {
		result.status = HG_RPC_INTERNAL;
		result.message = "the answer carries no message";
	}
	call->done(call->arg, &result);
	hg_rpc_body_release(&body);
	gpr_free(message);
	free_call(call);
}

/*
 * What cannot be sent (a newline in a token, say) must not be left out in
 * silence: then the call ends before it begins.
 */
static size_t
fill_metadata(struct hg_rpc_call *call, const char *const *pairs,
    grpc_metadata *ret)
{
	size_t n = 0;

	for (; pairs && pairs[0]; pairs += 2) {
		hg_assert(pairs[1] && n < MAX_METADATA);
		ret[n].key = grpc_slice_from_copied_string(pairs[0]);
		ret[n].value = grpc_slice_from_copied_string(pairs[1]);
		n++;
		if (grpc_header_key_is_legal(ret[n - 1].key) &&
		    grpc_header_nonbin_value_is_legal(ret[n - 1].value))
			continue;
		n--;
		grpc_slice_unref(ret[n].key);
		grpc_slice_unref(ret[n].value);
		grpc_call_cancel_with_status(call->call,
		    GRPC_STATUS_INVALID_ARGUMENT,
		    "a metadata key or value cannot be sent", NULL);
	}
	return n;
}

static void
start_batch(
    struct hg_rpc_call *call, const struct hg_rpc_call_options *options)
{
	grpc_metadata metadata[MAX_METADATA] = { 0 };
	size_t n_metadata =
	    fill_metadata(call, options->metadata, metadata);
	grpc_byte_buffer *body = hg_rpc_buffer_new(options->body, options->n);
	grpc_op ops[] = {
		{ .op = GRPC_OP_SEND_INITIAL_METADATA,
		    .data.send_initial_metadata = { .count = n_metadata,
			.metadata = metadata } },
		{ .op = GRPC_OP_SEND_MESSAGE,
		    .data.send_message.send_message = body },
		{ .op = GRPC_OP_SEND_CLOSE_FROM_CLIENT },
		{ .op = GRPC_OP_RECV_INITIAL_METADATA,
		    .data.recv_initial_metadata.recv_initial_metadata =
			&call->initial },
		{ .op = GRPC_OP_RECV_MESSAGE,
		    .data.recv_message.recv_message = &call->reply },
		{ .op = GRPC_OP_RECV_STATUS_ON_CLIENT,
		    .data.recv_status_on_client = {
			.trailing_metadata = &call->trailing,
			.status = &call->status,
			.status_details = &call->message } },
	};

	if (options->wait_for_ready)
		ops[0].flags = GRPC_INITIAL_METADATA_WAIT_FOR_READY |
		    GRPC_INITIAL_METADATA_WAIT_FOR_READY_EXPLICITLY_SET;
	hg_rpc_batch(
	    call->call, ops, sizeof(ops) / sizeof(*ops), &call->ended);
	grpc_byte_buffer_destroy(body);
	for (size_t i = 0; i < n_metadata; i++) {
		grpc_slice_unref(metadata[i].key);
		grpc_slice_unref(metadata[i].value);
	}
}

struct hg_rpc_call *
hg_rpc_call_start(struct hg_rpc_channel *channel,
    const struct hg_rpc_call_options *options,
    void (*done)(void *arg, const struct hg_rpc_result *result), void *arg)
{
	struct hg_rpc_call *call = hg_xcalloc(1, sizeof(*call));
	grpc_slice method = grpc_slice_from_copied_string(options->method);
	gpr_timespec deadline = options->timeout_ns ?
	    hg_rpc_after(options->timeout_ns) :
	    gpr_inf_future(GPR_CLOCK_MONOTONIC);

	call->ended.done = on_ended;
	call->loop = channel->loop;
	call->channel = channel;
	call->done = done;
	call->arg = arg;
	call->message = grpc_empty_slice();
	grpc_metadata_array_init(&call->initial);
	grpc_metadata_array_init(&call->trailing);
	call->call = grpc_channel_create_call(channel->channel, NULL,
	    GRPC_PROPAGATE_DEFAULTS, channel->loop->cq, method, NULL, deadline,
	    NULL);
	grpc_slice_unref(method);
	link_call(call);
	start_batch(call, options);
	if (channel->loop->closing)
		hg_rpc_call_cancel(call);
	return call;
}

void
hg_rpc_call_cancel(struct hg_rpc_call *call)
{
	call->is_cancelled = true;
	grpc_call_cancel(call->call, NULL);
}
