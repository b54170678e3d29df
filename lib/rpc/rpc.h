/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Unary RPC over the gRPC C core, without any of its types.
 *
 * A loop is one thread and one completion queue. Everything of a loop (its
 * servers, channels, calls, timers) is touched only on the loop's thread,
 * where all callbacks run, except for the functions marked "any thread".
 * Callbacks must not block.
 */
#ifndef HG_RPC_RPC_H
#define HG_RPC_RPC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct hg_error;
struct hg_rpc_call;
struct hg_rpc_channel;
struct hg_rpc_loop;
struct hg_rpc_request;
struct hg_rpc_server;
struct hg_rpc_timer;

/* gRPC status codes that we use (numbers of the gRPC specification). */
enum hg_rpc_status {
	HG_RPC_OK = 0,
	HG_RPC_CANCELLED = 1,
	HG_RPC_UNKNOWN = 2,
	HG_RPC_INVALID_ARGUMENT = 3,
	HG_RPC_DEADLINE_EXCEEDED = 4,
	HG_RPC_NOT_FOUND = 5,
	HG_RPC_PERMISSION_DENIED = 7,
	HG_RPC_RESOURCE_EXHAUSTED = 8,
	HG_RPC_FAILED_PRECONDITION = 9,
	HG_RPC_UNIMPLEMENTED = 12,
	HG_RPC_INTERNAL = 13,
	HG_RPC_UNAVAILABLE = 14,
	HG_RPC_UNAUTHENTICATED = 16,
};

/* ---- the loop ---------------------------------------------------------- */

struct hg_rpc_loop *hg_rpc_loop_new(struct hg_error *err);
/* Runs callbacks until hg_rpc_loop_stop(). Call it in the loop's thread. */
void hg_rpc_loop_run(struct hg_rpc_loop *loop);
/* Any thread. */
void hg_rpc_loop_stop(struct hg_rpc_loop *loop);
/* Any thread: fn(arg) runs soon on the loop's thread, in order of posting. */
void hg_rpc_loop_post(
    struct hg_rpc_loop *loop, void (*fn)(void *arg), void *arg);
/*
 * After run has returned and servers and channels are freed. Calls that are
 * still open are cancelled and their callbacks run, as does what was posted;
 * timers do not fire any more. NULL is allowed.
 */
void hg_rpc_loop_free(struct hg_rpc_loop *loop);

/* One-shot: fn(arg) runs after delay, unless stopped before. */
struct hg_rpc_timer *hg_rpc_timer_start(struct hg_rpc_loop *loop,
    uint64_t delay_ns, void (*fn)(void *arg), void *arg);
/* Stops and frees; a timer that has fired is already freed. NULL is allowed. */
void hg_rpc_timer_stop(struct hg_rpc_timer *timer);

/* ---- server ------------------------------------------------------------ */

/*
 * The handler owns req until it calls hg_rpc_reply() or hg_rpc_refuse(), once,
 * now or later.
 */
typedef void hg_rpc_handler_fn(void *ctx, struct hg_rpc_request *req);

struct hg_rpc_method {
	/* "/hybridgrid.v1.BuildService/Compile" */
	const char *path;
	hg_rpc_handler_fn *handler;
};

struct hg_rpc_server_options {
	/* "127.0.0.1:9000"; port 0 is any free one */
	const char *address;
	/* 0: HG_MAX_MESSAGE_BYTES */
	size_t max_message_bytes;
};

/*
 * Starts serving. methods must outlive the server; ctx goes to each handler.
 * An unknown method is answered UNIMPLEMENTED. *ret_port is the real port.
 */
struct hg_rpc_server *hg_rpc_server_new(struct hg_rpc_loop *loop,
    const struct hg_rpc_server_options *options,
    const struct hg_rpc_method *methods, size_t n_methods, void *ctx,
    int *ret_port, struct hg_error *err);
/*
 * Refuses new calls and runs done(arg) (once) when all requests under way have
 * been answered. Those that are still open after grace are cancelled (what
 * hg_rpc_request_on_cancel() set runs), and must be answered nevertheless.
 */
void hg_rpc_server_shutdown(struct hg_rpc_server *server, uint64_t grace_ns,
    void (*done)(void *arg), void *arg);
/*
 * After done, or within it; or, when the loop does not run (any more), at any
 * time: then what is open is cancelled first, and waited for. NULL is allowed.
 */
void hg_rpc_server_free(struct hg_rpc_server *server);

/* The request's bytes, valid until it is answered. */
const void *hg_rpc_request_body(const struct hg_rpc_request *req, size_t *ret_n);
/* "ipv4:127.0.0.1:4711" as gRPC spells it; valid until answered. */
const char *hg_rpc_request_peer(const struct hg_rpc_request *req);
/* The value of a metadata key, or NULL; valid until answered. */
const char *hg_rpc_request_metadata(
    const struct hg_rpc_request *req, const char *key);
/* Time left to the caller's deadline; UINT64_MAX if there is none. */
uint64_t hg_rpc_request_time_left_ns(const struct hg_rpc_request *req);
/*
 * fn(arg) runs when the caller goes away before it is answered (cancel,
 * deadline, death); at once, when it has gone already. req must still be
 * answered; the answer goes nowhere. Where another thread answers, fn may just
 * be running then, so let arg live until something posted afterwards has run.
 */
void hg_rpc_request_on_cancel(
    struct hg_rpc_request *req, void (*fn)(void *arg), void *arg);
/* Any thread. Answers; the bytes are copied. Frees req. */
void hg_rpc_reply(struct hg_rpc_request *req, const void *body, size_t n);
/* Any thread. Answers with an error status and its sentence. Frees req. */
void hg_rpc_refuse(struct hg_rpc_request *req, enum hg_rpc_status status,
    const char *message);

/* ---- client ------------------------------------------------------------ */

struct hg_rpc_channel_options {
	/* "host:port" */
	const char *target;
	/* 0: HG_MAX_MESSAGE_BYTES */
	size_t max_message_bytes;
	/* 0: no keep-alive pings */
	uint64_t keepalive_ns;
	/* without an answer to a ping for this long the connection is given up;
	 * 0: 5 s */
	uint64_t keepalive_timeout_ns;
};

struct hg_rpc_channel *hg_rpc_channel_new(struct hg_rpc_loop *loop,
    const struct hg_rpc_channel_options *options, struct hg_error *err);
/* Calls still open on it are cancelled. */
void hg_rpc_channel_free(struct hg_rpc_channel *channel);

struct hg_rpc_result {
	enum hg_rpc_status status;
	/* the server's or gRPC's sentence, "" when status is OK */
	const char *message;
	const void *body;
	size_t n;
};

struct hg_rpc_call_options {
	const char *method;
	const void *body;
	size_t n;
	/* 0: none */
	uint64_t timeout_ns;
	/* wait for a connection rather than fail at once */
	bool wait_for_ready;
	/* key, value, key, value, ..., NULL; may be NULL */
	const char *const *metadata;
};

/*
 * Starts a call; done(arg, result) runs once, result valid within it. The body
 * is copied. The call frees itself after done.
 */
struct hg_rpc_call *hg_rpc_call_start(struct hg_rpc_channel *channel,
    const struct hg_rpc_call_options *options,
    void (*done)(void *arg, const struct hg_rpc_result *result), void *arg);
/*
 * Before done: makes it end soon with HG_RPC_CANCELLED, which no other call
 * does (cancelled by the server counts as HG_RPC_UNAVAILABLE).
 */
void hg_rpc_call_cancel(struct hg_rpc_call *call);

/*
 * Any thread but the loop's: starts a call there and waits for its end.
 * *ret_body (owned by the caller, free()) is set when 0 is returned; else err
 * says why. When cancel_fd is not -1 and becomes readable (or hangs up), the
 * call is cancelled and -HG_CANCELLED returned. *ret_status (may be NULL) is
 * always set. The loop must run, or be freed, until this returns.
 */
int hg_rpc_call_wait(struct hg_rpc_loop *loop, struct hg_rpc_channel *channel,
    const struct hg_rpc_call_options *options, int cancel_fd, void **ret_body,
    size_t *ret_n, enum hg_rpc_status *ret_status, struct hg_error *err);

#endif
