/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Compile: from our cache, or together with an equal one under way, or by a
 * worker.
 */
#include "config.h"

#include <stdlib.h>

#include "lib/base/alloc.h"
#include "lib/base/error.h"
#include "lib/base/log.h"
#include "lib/base/strbuf.h"
#include "lib/wire/wire.h"
#include "services/coordinator/coordinator.h"
#include "services/coordinator/depot.h"
#include "services/coordinator/deps.h"
#include "services/coordinator/job.h"
#include "services/coordinator/rpc_methods.h"

static int
check(const struct hg_wire_compile *compile, struct hg_error *err)
{
	if (!*compile->source_file)
		return hg_fail(err, HG_INVALID, "source_file is empty");
	if (!*compile->compiler)
		return hg_fail(err, HG_INVALID, "compiler is empty");
	return 0;
}

static bool
answer_from_cache(struct hg_coord *c, struct hg_rpc_request *req,
    const struct hg_digest *digest)
{
	size_t n;
	const void *p = hg_result_cache_get(c->cache, digest, &n);

	if (!p)
		return false;
	c->counters.cached++;
	hg_log(HG_LOG_DEBUG, "answered from the cache", "bytes=%zu", n);
	hg_rpc_reply(req, p, n);
	return true;
}

/* Asks the caller for contents that are not here; true when some are not. */
static bool
ask_for_missing(struct hg_coord *c, struct hg_rpc_request *req,
    const struct hg_wire_compile *compile, struct hg_error *err)
{
	struct hg_strbuf missing = HG_STRBUF_INIT, body = HG_STRBUF_INIT;
	struct hg_wire_result result = { 0 };
	bool lacks = false;

	if (hg_content_id_is_set(&compile->input_list) &&
	    hg_depot_missing(
		c->depot, &compile->input_list, &missing, err) != 0) {
		hg_coord_refuse_undecodable(req, err);
		lacks = true;
	} else if (missing.len > 0) {
		result.missing = (struct hg_blob){ missing.buf, missing.len };
		hg_wire_result_pack(&result, &body);
		hg_rpc_reply(req, body.buf, body.len);
		lacks = true;
	}
	hg_strbuf_release(&missing);
	hg_strbuf_release(&body);
	return lacks;
}

struct ask {
	struct hg_coord *coord;
	struct hg_rpc_request *req;
};

static bool
answer_with(void *arg, const struct hg_digest *kept)
{
	const struct ask *a = arg;

	return answer_from_cache(a->coord, a->req, kept);
}

/* From a result whose compile read only what is the same here. */
static bool
answer_by_deps(struct hg_coord *c, struct hg_rpc_request *req,
    const struct hg_wire_compile *compile)
{
	struct ask a = { c, req };
	struct hg_wire_input_list *list;
	bool done;

	if (!hg_content_id_is_set(&compile->input_list) ||
	    !hg_deps_knows(c->deps, compile))
		return false;
	list = hg_depot_list(c->depot, &compile->input_list);
	done = list && hg_deps_find(c->deps, compile, list, answer_with, &a);
	hg_wire_input_list_free(list);
	return done;
}

static void
start(struct hg_coord *c, struct hg_rpc_request *req,
    const struct hg_digest *digest, const void *head, size_t n)
{
	struct hg_error err;
	struct hg_wire_compile *compile = hg_wire_compile_unpack(head, n, &err);
	struct hg_job *job;

	if (!compile || check(compile, &err) < 0) {
		hg_coord_refuse_undecodable(req, &err);
	} else if (answer_by_deps(c, req, compile)) {
		c->counters.asked++;
	} else if (!ask_for_missing(c, req, compile, &err)) {
		c->counters.asked++;
		hg_result_cache_count_miss(c->cache);
		job = hg_job_new(c, req, compile, digest);
		hg_job_submit(job);
	}
	hg_wire_compile_free(compile);
}

/* The request without its bundle, which is with the depot. */
static void
accept_head(struct hg_coord *c, struct hg_rpc_request *req)
{
	struct hg_digest digest;
	struct hg_blob bundle;
	struct hg_job *job;
	const void *body;
	size_t n;

	body = hg_rpc_request_body(req, &n);
	n = hg_wire_compile_head(body, n, &bundle);
	hg_digest_bytes(body, n, &digest);
	/* what was answered or is under way was found well-formed then */
	if (answer_from_cache(c, req, &digest)) {
		c->counters.asked++;
		return;
	}
	job = hg_job_find(c, &digest, body, n);
	if (job) {
		c->counters.asked++;
		hg_result_cache_count_miss(c->cache);
		hg_job_join(job, req);
	} else {
		start(c, req, &digest, body, n);
	}
}

/* A request whose bundle is being stored. */
struct intake {
	struct hg_coord *coord;
	struct hg_rpc_request *req;
};

static void
on_stored(
    void *arg, const struct hg_strbuf *bundle, const struct hg_error *err)
{
	struct intake *in = arg;
	struct hg_coord *c = in->coord;

	(void)bundle;
	if (!err)
		accept_head(c, in->req);
	else if (err->code == HG_IO)
		hg_rpc_refuse(in->req, HG_RPC_INTERNAL, err->text);
	else
		hg_coord_refuse_undecodable(in->req, err);
	free(in);
	c->calls--;
	hg_coord_call_ended(c);
}

void
hg_coord_on_compile(void *ctx, struct hg_rpc_request *req)
{
	struct hg_coord *c = ctx;
	struct hg_blob bundle;
	struct intake *in;
	const void *body;
	size_t n;

	if (c->draining) {
		hg_rpc_refuse(req, HG_RPC_UNAVAILABLE,
		    "the coordinator is shutting down");
		return;
	}
	body = hg_rpc_request_body(req, &n);
	hg_wire_compile_head(body, n, &bundle);
	if (bundle.n == 0) {
		accept_head(c, req);
		return;
	}
	in = hg_xcalloc(1, sizeof(*in));
	*in = (struct intake){ c, req };
	/* it counts as one, so that draining waits for it */
	c->calls++;
	hg_depot_store(c->depot, bundle.p, bundle.n, on_stored, in);
}
