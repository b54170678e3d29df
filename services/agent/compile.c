/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The steps of a remote compile: is there a coordinator; what are the inputs;
 * send them; may the result be used. The first that fails ends it with the
 * reason for compiling locally.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>

#include "lib/base/alloc.h"
#include "lib/base/error.h"
#include "lib/base/log.h"
#include "lib/base/path.h"
#include "lib/base/strbuf.h"
#include "lib/base/strvec.h"
#include "lib/base/time.h"
#include "lib/observe/observe.h"
#include "lib/toolchain/toolchain.h"
#include "lib/wire/agent_msg.h"
#include "services/agent/agent.h"
#include "services/agent/check.h"
#include "services/agent/compile.h"
#include "services/agent/coords.h"
#include "services/agent/exchange.h"
#include "services/agent/inputs.h"
#include "services/agent/contents.h"
#include "services/agent/native.h"
#include "services/agent/request.h"
#include "services/agent/scan.h"
#include "services/agent/search.h"
#include "services/agent/toolset.h"

struct compile {
	struct hg_agent *agent;
	const struct hg_agent_request *request;
	/* as request, but what means this machine is said in other words; those */
	struct hg_agent_request sent;
	struct hg_strvec args;
	const char *specs;
	int cancel_fd;
	uint64_t end_ns;
	/* hex digest of the compiler */
	char toolchain[HG_DIGEST_HEX_BYTES];
	struct hg_wire_result *result;
	/* how the inputs were found */
	enum hg_scan_reason found;
	/* in requests, contents included */
	uint64_t sent_bytes;
	/* why it is to be done locally */
	enum hg_reason reason;
	struct hg_error err;
};

static uint64_t
time_left(const struct compile *c)
{
	uint64_t now = hg_now_ns();

	/* 0 would mean no limit to those who are asked */
	return now < c->end_ns ? c->end_ns - now : 1;
}

/* ---- the inputs --------------------------------------------------------- */

static int
add_observed(struct compile *c, struct hg_inputs *in,
    const struct hg_observed_list *list)
{
	const char *cwd = c->request->cwd;
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < list->n; i++) {
		const struct hg_observed *o = &list->v[i];

		switch (o->kind) {
		case HG_OBSERVED_READ:
		case HG_OBSERVED_FOLDER:
		case HG_OBSERVED_LISTED:
			rc = hg_inputs_add(in, cwd, o->path, &c->err);
			break;
		case HG_OBSERVED_ABSENT:
		case HG_OBSERVED_RUN:
		case HG_OBSERVED_WRITTEN:
			break;
		case HG_OBSERVED_OVERWRITTEN:
			return hg_fail(&c->err, HG_INVALID,
			    "the preprocessor changed %.150s", o->path);
		}
	}
	return rc;
}

/* Folders that must exist although the preprocessor does not look at them. */
static int
add_folders(struct compile *c, struct hg_inputs *in)
{
	const struct hg_agent_request *r = c->request;
	const char *pwd = hg_request_env(r, "PWD");
	int rc = hg_inputs_add(in, "/", r->cwd, &c->err);

	if (rc == 0)
		rc = hg_inputs_add(in, r->cwd, r->source, &c->err);
	if (rc == 0 && pwd && *pwd == '/')
		rc = hg_inputs_add(in, "/", pwd, &c->err);
	if (rc == 0)
		rc = hg_inputs_add(in, "/", "/tmp", &c->err);
	for (size_t i = 0; rc == 0 && i < r->n_outputs; i++) {
		char *dir = hg_path_dir(r->outputs[i]);

		rc = hg_inputs_add(in, r->cwd, dir, &c->err);
		free(dir);
	}
	return rc;
}

static int
preprocess(struct compile *c, struct hg_inputs *in)
{
	struct hg_observed_list list = { 0 };
	int rc = hg_search_run(c->agent->search, c->request, time_left(c),
	    c->cancel_fd, &list, &c->err);

	c->reason = HG_REASON_search_failed;
	if (rc)
		return rc;
	if (list.uses_time) {
		c->reason = HG_REASON_time_macro;
		rc = hg_fail(&c->err, HG_UNSUPPORTED,
		    "the source wants the time of this machine");
	}
	if (rc == 0)
		rc = add_observed(c, in, &list);
	if (rc == 0)
		rc = hg_scan_add_missed(c->agent->scan, c->request, in, &c->err);
	if (rc == 0)
		rc = add_folders(c, in);
	if (rc == -HG_TOOBIG)
		c->reason = HG_REASON_too_large;
	hg_observed_list_release(&list);
	return rc;
}

/* The folder of what follows a '=' or ',' in an argument, or is it all. */
static int
add_folder_of(struct compile *c, struct hg_inputs *in, const char *word)
{
	size_t n = strcspn(word, ",=");
	char *name = hg_xstrndup(word, n), *slash = strrchr(name, '/'), *path;
	struct stat st;
	int rc = 0;

	if (slash && slash != name) {
		*slash = '\0';
		path = hg_path_join(c->request->cwd, name);
		if (stat(path, &st) == 0 && S_ISDIR(st.st_mode))
			rc = hg_inputs_add(in, "/", path, &c->err);
		free(path);
	}
	free(name);
	return rc;
}

/*
 * Files that a compile writes beside its object are named by options of many
 * kinds; what such a name looks like is the same for all.
 */
static int
add_named_folders(struct compile *c, struct hg_inputs *in)
{
	const struct hg_agent_request *r = c->request;
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < r->n_args; i++) {
		const char *word = r->args[i];

		if (!strchr(word, '/'))
			continue;
		for (; rc == 0 && word; word = strpbrk(word, ",=")) {
			word += *word == ',' || *word == '=';
			rc = add_folder_of(c, in, word);
		}
	}
	return rc;
}

static int
find_inputs(struct compile *c, struct hg_inputs *in)
{
	uint64_t started = hg_now_ns();
	int rc = 0;

	c->found = hg_scan_find(
	    c->agent->scan, c->request, time_left(c), c->cancel_fd, in);
	if (c->found != HG_SCAN_scanned)
		rc = preprocess(c, in);
	if (rc == 0)
		rc = add_named_folders(c, in);
	hg_inputs_sort(in);
	hg_log(HG_LOG_INFO, "inputs", "source=\"%s\" found=%s n=%zu dur_us=%llu",
	    c->request->source, hg_scan_reason_name(c->found), in->n,
	    (unsigned long long)(hg_now_ns() - started) / 1000);
	return rc;
}

/* ---- the request -------------------------------------------------------- */

/* -march=native becomes what it is here, which is another input. */
static int
resolve_native(struct compile *c, struct hg_inputs *in, const char *path)
{
	const struct hg_agent_request *r = c->request;
	int rc;

	c->sent = *r;
	if (!hg_native_is_asked(r->args, r->n_args))
		return 0;
	c->reason = HG_REASON_not_remotable;
	c->specs = hg_native_specs(c->agent->natives, r->compiler, path,
	    c->toolchain, r->args, r->n_args, &c->err);
	if (!c->specs)
		return -(int)c->err.code;
	hg_strvec_addf(&c->args, "-specs=%s", c->specs);
	for (size_t i = 0; i < r->n_args; i++)
		hg_strvec_add(&c->args, r->args[i]);
	c->sent.args = c->args.v;
	c->sent.n_args = c->args.n;
	rc = hg_inputs_add(in, "/", c->specs, &c->err);
	hg_inputs_sort(in);
	return rc;
}

/* With tools the compiler's own files go along, for workers that lack them. */
static int
send_inputs(struct compile *c, const struct hg_inputs *in,
    const struct hg_toolset *tools)
{
	struct hg_request request = HG_REQUEST_INIT;
	struct utsname host;
	const struct hg_request_parts parts = {
		.request = &c->sent,
		.inputs = in,
		.tools = tools,
		.toolchain = c->toolchain,
		.arch = host.machine,
	};
	int rc;

	uname(&host);
	rc = hg_request_make(
	    &parts, c->agent->contents, &request, &c->reason, &c->err);
	if (rc == 0)
		rc = hg_exchange(c->agent, c->request->coordinator, &request,
		    c->end_ns, c->cancel_fd, &c->result, &c->sent_bytes,
		    &c->reason, &c->err);
	hg_request_release(&request);
	return rc;
}

/* ---- the result --------------------------------------------------------- */

/* What a worker says when its compiler is another one, or none. */
static bool
lacks_compiler(const char *infra_error)
{
	static const char code[] = "HYBRIDGRID_ERR_001";

	return strncmp(infra_error, code, sizeof(code) - 1) == 0;
}

static int
check_result(struct compile *c, const struct hg_inputs *in)
{
	bool in_tools;
	int rc;

	if (*c->result->infra_error) {
		if (lacks_compiler(c->result->infra_error))
			c->reason = HG_REASON_no_toolchain;
		return hg_fail(
		    &c->err, HG_UNAVAILABLE, "%.200s", c->result->infra_error);
	}
	c->reason = HG_REASON_time_macro;
	if (c->result->uses_time)
		return hg_fail(&c->err, HG_UNSUPPORTED,
		    "the source wants the time of this machine");
	c->reason = HG_REASON_inputs_differ;
	rc = hg_check_result(c->request, c->result, in, c->agent->contents,
	    &in_tools, &c->err);
	if (rc && in_tools)
		c->reason = HG_REASON_no_toolchain;
	else if (rc)
		hg_scan_missed(
		    c->agent->scan, c->request, c->result, c->found);
	return rc;
}

static int
try_once(struct compile *c, const struct hg_inputs *in,
    const struct hg_toolset *tools)
{
	int rc = send_inputs(c, in, tools);

	return rc ? rc : check_result(c, in);
}

/*
 * First as if workers had the compiler; when they have not, or have another file
 * where they show their own, with it; from then on at once with it.
 */
static int
try_workers(struct compile *c, struct hg_inputs *in)
{
	const struct hg_agent_request *r = c->request;
	const char *env = hg_request_env(r, "PATH");
	const char *path = env ? env : "";
	const struct hg_toolset *tools;
	int rc = hg_toolchain_digest(c->agent->toolchains, r->compiler, path,
	    c->toolchain, &c->err);

	if (rc == 0)
		rc = resolve_native(c, in, path);
	if (rc)
		return rc;
	tools = hg_toolset_find(
	    c->agent->toolsets, r->compiler, path, c->toolchain);
	rc = try_once(c, in, tools);
	if (rc == 0 || tools || c->reason != HG_REASON_no_toolchain)
		return rc;
	tools = hg_toolset_get(
	    c->agent->toolsets, r->compiler, path, c->toolchain, &c->err);
	if (!tools)
		return -(int)c->err.code;
	hg_wire_result_free(c->result);
	c->result = NULL;
	return try_once(c, in, tools);
}

static int
do_compile(struct compile *c)
{
	const struct hg_agent_request *r = c->request;
	struct hg_inputs in = HG_INPUTS_INIT;
	int rc = hg_coords_find(c->agent->coords, r->coordinator, c->cancel_fd,
	    &c->reason, &c->err);

	if (rc == 0)
		rc = find_inputs(c, &in);
	if (rc == 0)
		rc = try_workers(c, &in);
	hg_inputs_release(&in);
	hg_strvec_release(&c->args);
	return rc;
}

/* A compile here would not read our file. */
static void
hide_specs(struct compile *c)
{
	struct hg_wire_result *r = c->result;

	for (size_t i = 0; c->specs && i < r->n_observed; i++)
		if (strcmp(r->observed[i].path, c->specs) == 0) {
			free(r->observed[i].path);
			r->observed[i] = r->observed[--r->n_observed];
			return;
		}
}

/* ---- the reply ---------------------------------------------------------- */

static void
pack_result(const struct compile *c, struct hg_strbuf *ret_reply)
{
	const struct hg_wire_result *r = c->result;
	const struct hg_agent_reply reply = {
		.exit_code = r->exit_code,
		.out = r->out,
		.err = r->err,
		.outputs = r->outputs,
		.n_outputs = r->n_outputs,
		.observed = r->observed,
		.n_observed = r->n_observed,
		.worker_id = r->worker_id,
		.from_cache = r->from_cache,
		.compile_time_ms =
		    r->compile_time_ms > 0 ? (uint64_t)r->compile_time_ms : 0,
	};

	hg_agent_reply_pack(&reply, ret_reply);
}

static void
pack_local(struct compile *c, struct hg_strbuf *ret_reply)
{
	char reason[32];
	const struct hg_agent_reply reply = {
		.local_reason = reason,
		.detail = c->err.text,
	};

	snprintf(reason, sizeof(reason), "%s", hg_reason_name(c->reason));
	/* what others said may hold anything */
	if (!hg_wire_is_utf8(c->err.text, strlen(c->err.text)))
		for (char *p = c->err.text; *p; p++)
			if ((unsigned char)*p >= 0x80)
				*p = '?';
	hg_agent_reply_pack(&reply, ret_reply);
}

void
hg_compile_run(struct hg_agent *agent, const struct hg_agent_request *request,
    int cancel_fd, struct hg_strbuf *ret_reply)
{
	uint64_t started = hg_now_ns();
	struct compile c = {
		.agent = agent,
		.request = request,
		.cancel_fd = cancel_fd,
		.end_ns = started + request->timeout_ms * HG_NS_PER_MS,
	};

	if (request->timeout_ms == 0)
		c.end_ns = started + agent->config.launcher_timeout;
	atomic_fetch_add(&agent->compiles, 1);
	if (do_compile(&c) == 0) {
		atomic_fetch_add(&agent->remote, 1);
		hide_specs(&c);
		pack_result(&c, ret_reply);
		*c.err.text = '\0';
		c.reason = c.result->from_cache ? HG_REASON_remote_hit
						: HG_REASON_remote;
	} else {
		atomic_fetch_add(&agent->local, 1);
		pack_local(&c, ret_reply);
	}
	hg_log(HG_LOG_INFO, "compile",
	    "source=\"%s\" result=%s dur_ms=%llu sent=%llu detail=\"%s\"",
	    request->source, hg_reason_name(c.reason),
	    (unsigned long long)((hg_now_ns() - started) / HG_NS_PER_MS),
	    (unsigned long long)c.sent_bytes, c.err.text);
	hg_wire_result_free(c.result);
}
