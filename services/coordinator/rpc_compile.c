/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Compile: from our cache, or together with an equal one under way, or by a
 * worker.
 */
#include "config.h"

#include "lib/base/error.h"
#include "lib/base/log.h"
#include "lib/wire/wire.h"
#include "services/coordinator/coordinator.h"
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

static void
start(struct hg_coord *c, struct hg_rpc_request *req,
    const struct hg_digest *digest, const void *body, size_t n)
{
	struct hg_error err;
	struct hg_wire_compile *compile = hg_wire_compile_unpack(body, n, &err);
	struct hg_job *job;

	if (!compile || check(compile, &err) < 0) {
		hg_coord_refuse_undecodable(req, &err);
		hg_wire_compile_free(compile);
		return;
	}
	c->counters.asked++;
	job = hg_job_new(c, req, compile, digest);
	hg_wire_compile_free(compile);
	hg_job_submit(job);
}

void
hg_coord_on_compile(void *ctx, struct hg_rpc_request *req)
{
	struct hg_coord *c = ctx;
	struct hg_digest digest;
	struct hg_job *job;
	const void *body;
	size_t n;

	if (c->draining) {
		hg_rpc_refuse(req, HG_RPC_UNAVAILABLE,
		    "the coordinator is shutting down");
		return;
	}
	body = hg_rpc_request_body(req, &n);
	hg_digest_bytes(body, n, &digest);
	/* what was answered or is under way was found well-formed then */
	if (answer_from_cache(c, req, &digest)) {
		c->counters.asked++;
		return;
	}
	job = hg_job_find(c, &digest, body, n);
	if (job) {
		c->counters.asked++;
		hg_job_join(job, req);
	} else {
		start(c, req, &digest, body, n);
	}
}
