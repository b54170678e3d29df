/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of this folder share. The tag of every operation given to gRPC
 * is a struct op inside the object that the operation is for; the loop calls
 * its done function and knows nothing else.
 */
#ifndef HG_RPC_CORE_H
#define HG_RPC_CORE_H

#include <grpc/grpc.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/rpc/rpc.h"

#define container_of(p, type, member) \
	((type *)(void *)((char *)(p) - offsetof(type, member)))

struct op {
	void (*done)(struct op *op, bool ok);
};

struct posted {
	struct posted *next;
	void (*fn)(void *arg);
	void *arg;
};

struct hg_rpc_loop {
	grpc_completion_queue *cq;
	bool stopped;
	/* loop_free has begun: calls that are started now are cancelled */
	bool closing;
	/* open calls of all channels, for cancelling them */
	struct hg_rpc_call *calls;

	/* a heap, the earliest first */
	struct hg_rpc_timer **timers;
	size_t n_timers;
	size_t cap_timers;

	/*
	 * Other threads wake the loop by an empty batch on a call of a channel
	 * that goes nowhere: it ends at once in the loop's queue. At most one
	 * such batch is under way.
	 */
	grpc_channel *nowhere;
	grpc_call *wake_call;
	struct op wake;
	pthread_mutex_t lock;
	/* these under lock */
	bool waking;
	struct posted *first;
	struct posted **last;
};

/* Deadline of the earliest timer, in gRPC's terms. */
gpr_timespec hg_rpc_timers_next(const struct hg_rpc_loop *loop);
/* Fires what is due. */
void hg_rpc_timers_run(struct hg_rpc_loop *loop);
/* Drops all without firing. */
void hg_rpc_timers_release(struct hg_rpc_loop *loop);

/* Handles one event, if one comes in time; false when there will be none. */
bool hg_rpc_loop_turn(struct hg_rpc_loop *loop, gpr_timespec deadline);

/* Cancels the open calls of a channel, or all when channel is NULL. */
void hg_rpc_calls_cancel(
    struct hg_rpc_loop *loop, const struct hg_rpc_channel *channel);

/* A whole message as one piece of memory. */
struct body {
	grpc_slice slice;
	const void *p;
	size_t n;
};

/*
 * Takes *buffer (sets it to NULL). False when there was none, or when it is
 * compressed: a few bytes could then become any number.
 */
bool hg_rpc_body_take(grpc_byte_buffer **buffer, struct body *ret);
void hg_rpc_body_release(struct body *body);
/* Copies. */
grpc_byte_buffer *hg_rpc_buffer_new(const void *p, size_t n);

/* Integer channel arguments. */
struct hg_rpc_arg {
	const char *key;
	int value;
};
/* The common arguments and n more; the result's args are free()d. */
grpc_channel_args hg_rpc_args(
    size_t max_message_bytes, const struct hg_rpc_arg *more, size_t n);

gpr_timespec hg_rpc_after(uint64_t delay_ns);
/* Starts a batch that cannot be refused. */
void hg_rpc_batch(
    grpc_call *call, const grpc_op *ops, size_t n, struct op *tag);

#endif
