/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The messages of proto/agent.proto as plain structs, and their framing on a
 * stream socket. Links neither gRPC nor anything else that is slow to load: the
 * launcher uses this. Same rules as wire.h, except that paths and arguments are
 * any bytes without NUL.
 */
#ifndef HG_WIRE_AGENT_MSG_H
#define HG_WIRE_AGENT_MSG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/wire/wire.h"

#define HG_AGENT_VERSION 1

enum hg_agent_kind {
	HG_AGENT_COMPILE,
	HG_AGENT_STATUS,
	HG_AGENT_STOP,
};

struct hg_agent_request {
	enum hg_agent_kind kind;
	/* the rest only for HG_AGENT_COMPILE */
	char *compiler;
	char **args;
	size_t n_args;
	char **preprocess_args;
	size_t n_preprocess_args;
	char *cwd;
	char **env;
	size_t n_env;
	char *source;
	char **outputs;
	size_t n_outputs;
	uint32_t umask;
	char *coordinator;
	uint32_t timeout_ms;
};

struct hg_agent_reply {
	/* "" or the reason code for compiling locally, and its sentence */
	char *local_reason;
	char *detail;

	int32_t exit_code;
	struct hg_blob out;
	struct hg_blob err;
	struct hg_wire_output *outputs;
	size_t n_outputs;
	struct hg_wire_observed *observed;
	size_t n_observed;
	char *worker_id;
	bool from_cache;
	uint64_t compile_time_ms;

	/* for HG_AGENT_STATUS */
	uint32_t pid;
	uint64_t compiles;
	uint64_t remote;
	uint64_t local;
	uint32_t active;
	uint64_t uptime_ms;
};

void hg_agent_request_pack(
    const struct hg_agent_request *m, struct hg_strbuf *out);
struct hg_agent_request *hg_agent_request_unpack(
    const void *p, size_t n, struct hg_error *err);
void hg_agent_request_free(struct hg_agent_request *m);
void hg_agent_reply_pack(const struct hg_agent_reply *m, struct hg_strbuf *out);
struct hg_agent_reply *hg_agent_reply_unpack(
    const void *p, size_t n, struct hg_error *err);
void hg_agent_reply_free(struct hg_agent_reply *m);

/*
 * Sends and receives one frame: 4-byte little-endian length, then the bytes.
 * fd is a stream socket. Sending gives up when the other side has taken nothing
 * for 30 s (-HG_TIMEOUT), and never raises SIGPIPE.
 */
int hg_agent_send(int fd, const struct hg_strbuf *body, struct hg_error *err);
/*
 * deadline_ns (hg_now_ns() clock) bounds the whole wait; 0: none. -HG_TIMEOUT,
 * -HG_TOOBIG, or -HG_UNAVAILABLE when the other side has gone.
 */
int hg_agent_receive(int fd, size_t max_bytes, uint64_t deadline_ns,
    struct hg_strbuf *ret_body, struct hg_error *err);

#endif
