/* SPDX-License-Identifier: Apache-2.0 */
/*
 * proto/agent.proto as tables. Both messages begin with a version: launcher and
 * agent come from one installation, but an agent may outlive an upgrade, and
 * must then be refused rather than misunderstood.
 */
#include "config.h"

#include <stdlib.h>

#include "lib/base/error.h"
#include "lib/base/limits.h"
#include "lib/wire/agent_msg.h"
#include "lib/wire/codec.h"
#include "proto/agent.pb-c.h"

#define MAX_TEXT 4096
/* enum hg_observed_kind's greatest */
#define MAX_OBSERVED_KIND 3

/* What agent_msg.h shows comes first, so that one is also the other. */
struct request {
	struct hg_agent_request m;
	uint32_t version;
};

struct reply {
	struct hg_agent_reply m;
	uint32_t version;
};

#define S struct hg_agent_request
HG_TABLE(compile, S, hybridgrid__agent__agent_compile__descriptor,
	HG_STRING(S, 1, compiler, HG_MAX_PATH_BYTES),
	HG_STRINGS(S, 2, args, HG_MAX_ARGS),
	HG_STRING(S, 3, cwd, HG_MAX_PATH_BYTES),
	HG_STRINGS(S, 4, env, HG_MAX_ARGS),
	HG_STRING(S, 5, source, HG_MAX_PATH_BYTES),
	HG_STRINGS(S, 6, outputs, HG_MAX_OUTPUTS),
	HG_SCALAR(S, 7, umask),
	HG_STRING(S, 8, coordinator, HG_MAX_ARG_BYTES),
	HG_SCALAR(S, 9, timeout_ms),
	HG_STRINGS(S, 10, preprocess_args, HG_MAX_ARGS))
#undef S

static const struct hg_codec_message status_table = {
	.pb = &hybridgrid__agent__agent_status__descriptor,
};
static const struct hg_codec_message stop_table = {
	.pb = &hybridgrid__agent__agent_stop__descriptor,
};

#define S struct request
HG_TABLE(request, S, hybridgrid__agent__agent_request__descriptor,
	HG_SCALAR(S, 1, version),
	HG_CHOICE(S, 2, m.kind, HG_AGENT_COMPILE, &compile_table),
	HG_CHOICE(S, 3, m.kind, HG_AGENT_STATUS, &status_table),
	HG_CHOICE(S, 4, m.kind, HG_AGENT_STOP, &stop_table))
#undef S

#define S struct hg_wire_output
HG_TABLE(output, S, hybridgrid__agent__agent_output__descriptor,
	HG_STRING(S, 1, path, HG_MAX_PATH_BYTES),
	HG_BLOB(S, 2, content),
	HG_SCALAR(S, 3, mode))
#undef S

#define S struct hg_wire_observed
HG_TABLE(observed, S, hybridgrid__agent__agent_observed__descriptor,
	HG_STRING(S, 1, path, HG_MAX_PATH_BYTES),
	HG_ENUM(S, 2, kind, MAX_OBSERVED_KIND),
	HG_DIGEST(S, 3, digest))
#undef S

#define S struct hg_agent_reply
HG_TABLE(result, S, hybridgrid__agent__agent_result__descriptor,
	HG_SCALAR(S, 1, exit_code),
	HG_BLOB(S, 2, out),
	HG_BLOB(S, 3, err),
	HG_LIST(S, 4, outputs, HG_MAX_OUTPUTS, &output_table),
	HG_LIST(S, 5, observed, HG_MAX_OBSERVED, &observed_table),
	HG_STRING(S, 6, worker_id, MAX_TEXT),
	HG_SCALAR(S, 7, from_cache),
	HG_SCALAR(S, 8, compile_time_ms))
HG_TABLE(info, S, hybridgrid__agent__agent_info__descriptor,
	HG_SCALAR(S, 1, pid),
	HG_SCALAR(S, 2, compiles),
	HG_SCALAR(S, 3, remote),
	HG_SCALAR(S, 4, local),
	HG_SCALAR(S, 5, active),
	HG_SCALAR(S, 6, uptime_ms))
#undef S

#define S struct reply
HG_TABLE(reply, S, hybridgrid__agent__agent_reply__descriptor,
	HG_SCALAR(S, 1, version),
	HG_STRING(S, 2, m.local_reason, MAX_TEXT),
	HG_STRING(S, 3, m.detail, MAX_TEXT),
	HG_MEMBERS(4, &result_table),
	HG_MEMBERS(5, &info_table))
#undef S

static int
check_version(uint32_t version, struct hg_error *err)
{
	if (version == HG_AGENT_VERSION)
		return 0;
	return hg_fail(err, HG_UNSUPPORTED,
	    "launcher and agent differ: version %u met %d; stop the old "
	    "hg-agent, the next compile starts a new one",
	    version, HG_AGENT_VERSION);
}

void
hg_agent_request_pack(const struct hg_agent_request *m, struct hg_strbuf *out)
{
	struct request r = { .m = *m, .version = HG_AGENT_VERSION };

	hg_codec_pack(&request_table, &r, out);
}

struct hg_agent_request *
hg_agent_request_unpack(const void *p, size_t n, struct hg_error *err)
{
	struct request *r = hg_codec_unpack(&request_table, p, n, err);

	if (!r)
		return NULL;
	if (check_version(r->version, err))
		goto fail;
	/* this is also what a request of no kind at all looks like */
	if (r->m.kind == HG_AGENT_COMPILE && r->m.compiler[0] != '/') {
		hg_fail(err, HG_PROTOCOL,
		    "AgentRequest names no compiler by its full path");
		goto fail;
	}
	return &r->m;
fail:
	hg_codec_free(&request_table, r);
	return NULL;
}

void
hg_agent_request_free(struct hg_agent_request *m)
{
	hg_codec_free(&request_table, m);
}

void
hg_agent_reply_pack(const struct hg_agent_reply *m, struct hg_strbuf *out)
{
	struct reply r = { .m = *m, .version = HG_AGENT_VERSION };

	hg_codec_pack(&reply_table, &r, out);
}

struct hg_agent_reply *
hg_agent_reply_unpack(const void *p, size_t n, struct hg_error *err)
{
	struct reply *r = hg_codec_unpack(&reply_table, p, n, err);

	if (r && check_version(r->version, err)) {
		hg_codec_free(&reply_table, r);
		return NULL;
	}
	return r ? &r->m : NULL;
}

void
hg_agent_reply_free(struct hg_agent_reply *m)
{
	hg_codec_free(&reply_table, m);
}
