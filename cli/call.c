/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hg-call TARGET METHOD TIMEOUT_MS: sends standard input as one gRPC request
 * and prints the reply's bytes. On failure it prints "CODE sentence" to stderr
 * and leaves with that code's exit status. A program of its own so that hgbuild
 * does not link gRPC.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/error.h"
#include "lib/base/fd.h"
#include "lib/base/limits.h"
#include "lib/base/parse.h"
#include "lib/base/strbuf.h"
#include "lib/base/time.h"
#include "lib/rpc/rpc.h"

#define USAGE "usage: hg-call TARGET METHOD TIMEOUT_MS"

struct call {
	struct hg_rpc_loop *loop;
	int rc;
	struct hg_error err;
};

/* Our code for a status of gRPC. */
static enum hg_code
code_of(enum hg_rpc_status status)
{
	if (status == HG_RPC_UNAUTHENTICATED)
		return HG_DENIED;
	for (int c = 1; c < HG_CODE_COUNT; c++) {
		if (hg_code_grpc((enum hg_code)c) == (int)status)
			return (enum hg_code)c;
	}
	return HG_INTERNAL;
}

static void
on_done(void *arg, const struct hg_rpc_result *result)
{
	struct call *call = arg;

	if (result->status != HG_RPC_OK)
		call->rc = hg_fail(&call->err, code_of(result->status), "%s",
		    *result->message ? result->message : "no reason given");
	else
		call->rc = hg_write_all(
		    STDOUT_FILENO, result->body, result->n, &call->err);
	hg_rpc_loop_stop(call->loop);
}

static int
run(const char *target, const char *method, uint64_t timeout_ms,
    const struct hg_strbuf *body, struct call *call)
{
	struct hg_rpc_channel_options to = { .target = target,
		.max_message_bytes = HG_MAX_MESSAGE_BYTES };
	struct hg_rpc_call_options what = { .method = method,
		.body = body->buf,
		.n = body->len,
		.timeout_ns = timeout_ms * HG_NS_PER_MS };
	struct hg_rpc_channel *channel;

	call->loop = hg_rpc_loop_new(&call->err);
	if (!call->loop)
		return -(int)call->err.code;
	channel = hg_rpc_channel_new(call->loop, &to, &call->err);
	if (channel) {
		hg_rpc_call_start(channel, &what, on_done, call);
		hg_rpc_loop_run(call->loop);
	} else {
		call->rc = -(int)call->err.code;
	}
	hg_rpc_channel_free(channel);
	hg_rpc_loop_free(call->loop);
	return call->rc;
}

/* --help and --version, as every program has them */
static int
tell(const char *option)
{
	if (strcmp(option, "--version") == 0) {
		printf("hg-call (%s) %s\n", PACKAGE_NAME, PACKAGE_VERSION);
		return 0;
	}
	if (strcmp(option, "--help") == 0) {
		printf(USAGE "\nSends standard input as one gRPC request for "
			     "hgbuild, prints the reply.\n");
		return 0;
	}
	return -1;
}

int
main(int argc, char **argv)
{
	struct hg_strbuf body = HG_STRBUF_INIT;
	struct call call = { 0 };
	uint64_t ms = 0;
	int rc;

	if (argc == 2 && tell(argv[1]) == 0)
		return 0;
	if (argc != 4)
		rc = hg_fail(&call.err, HG_INVALID, USAGE);
	else
		rc = hg_parse_u64(argv[3], 1, 86400000, &ms, &call.err);
	if (rc == 0)
		rc = hg_read_fd(
		    STDIN_FILENO, HG_MAX_MESSAGE_BYTES, &body, &call.err);
	if (rc == 0)
		rc = run(argv[1], argv[2], ms, &body, &call);
	hg_strbuf_release(&body);
	if (rc == 0)
		return 0;
	fprintf(stderr, "%s %s\n", hg_code_name(call.err.code), call.err.text);
	return hg_code_exit(call.err.code);
}
