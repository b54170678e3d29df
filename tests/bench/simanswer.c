/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What does not depend on how often a source is compiled is made once for each
 * list of inputs: the packed rows of what the compiler "has looked at". So
 * thousands of answers a second cost little here, and what is measured is the
 * others.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/alloc.h"
#include "lib/base/error.h"
#include "lib/base/hmap.h"
#include "lib/base/path.h"
#include "lib/base/strbuf.h"
#include "lib/base/time.h"
#include "lib/blob/blobs.h"
#include "lib/digest/content_id.h"
#include "lib/digest/digest.h"
#include "lib/observe/observe.h"
#include "lib/rpc/rpc.h"
#include "lib/wire/wire.h"
#include "services/worker/needed.h"
#include "services/worker/view.h"
#include "tests/bench/simanswer.h"

#define STORE_BYTES ((uint64_t)4 << 30)

/* Files that are only written with options that few use. */
static const char *const unusual[] = { ".dwo", ".gcno", ".su", ".ci" };

struct sim_answers {
	struct hg_rpc_loop *loop;
	struct sim_answer_options options;
	struct hg_blobs *blobs;
	struct hg_view view;
	char *object;
	uint64_t random;
	/* to the real worker */
	struct hg_rpc_channel *real;
	/* struct hg_strbuf: packed observations, or whole answers, by key */
	struct hg_hmap ready;
	/* struct hg_digest by path */
	struct hg_hmap compilers;
	unsigned active;
	uint64_t total;
};

/* A compile that "runs". */
struct sim_job {
	struct sim_answers *answers;
	struct hg_rpc_request *req;
	struct hg_rpc_timer *timer;
	struct hg_rpc_call *call;
	uint64_t started_ns;
	uint64_t sleep_ns;
	/* the answer's, without times; or the key it is to be kept under */
	struct hg_strbuf body;
	char *key;
};

/* ---- jobs ---------------------------------------------------------------- */

static void
job_end(struct sim_job *job)
{
	job->answers->active--;
	hg_strbuf_release(&job->body);
	free(job->key);
	free(job);
}

static void
on_cancel(void *arg)
{
	struct sim_job *job = arg;

	if (job->call) {
		/* its end answers */
		hg_rpc_call_cancel(job->call);
		return;
	}
	hg_rpc_timer_stop(job->timer);
	hg_rpc_refuse(job->req, HG_RPC_CANCELLED, "cancelled");
	job_end(job);
}

static struct sim_job *
job_new(struct sim_answers *a, struct hg_rpc_request *req)
{
	struct sim_job *job = hg_xcalloc(1, sizeof(*job));
	uint64_t range = a->options.max_sleep_ns - a->options.min_sleep_ns;

	/* the multiplier of Knuth's MMIX */
	a->random = a->random * 6364136223846793005u + 1442695040888963407u;
	job->answers = a;
	job->req = req;
	job->started_ns = hg_now_ns();
	job->sleep_ns = a->options.min_sleep_ns +
	    (range ? (a->random >> 11) % (range + 1) : 0);
	hg_strbuf_init(&job->body);
	a->active++;
	return job;
}

static void
on_slept(void *arg)
{
	struct sim_job *job = arg;
	uint64_t took_ns = hg_now_ns() - job->started_ns;
	const struct hg_wire_result times = {
		.compile_time_ms = (int64_t)(took_ns / HG_NS_PER_MS),
		.cpu_us = took_ns / 1000,
	};

	/* parts of a message put together are one message */
	hg_wire_result_pack(&times, &job->body);
	job->answers->total++;
	hg_rpc_reply(job->req, job->body.buf, job->body.len);
	job_end(job);
}

static void
start_sleeping(struct sim_job *job)
{
	job->timer = hg_rpc_timer_start(
	    job->answers->loop, job->sleep_ns, on_slept, job);
	hg_rpc_request_on_cancel(job->req, on_cancel, job);
}

/* ---- answers that are made up -------------------------------------------- */

static bool
is_unusual(const char *path)
{
	for (size_t i = 0; i < sizeof(unusual) / sizeof(*unusual); i++)
		if (strcmp(hg_path_ext(path), unusual[i]) == 0)
			return true;
	return false;
}

static void
make_depfile(const struct hg_wire_compile *c, const struct hg_needed *in,
    struct hg_strbuf *ret)
{
	hg_strbuf_addf(ret, "%s:", c->outputs[0]);
	for (size_t i = 0; i < in->n; i++)
		if (hg_content_id_is_set(&in->v[i].id))
			hg_strbuf_addf(ret, " \\\n %s", in->v[i].path);
	hg_strbuf_addc(ret, '\n');
}

static void
add_outputs(struct sim_job *job, const struct hg_wire_compile *c,
    const struct hg_needed *in)
{
	struct sim_answers *a = job->answers;
	struct hg_strbuf dep = HG_STRBUF_INIT;
	struct hg_wire_result r = { .success = true };

	r.outputs = hg_xcalloc(c->n_outputs + 1, sizeof(*r.outputs));
	for (size_t i = 0; i < c->n_outputs; i++) {
		struct hg_wire_output *o = &r.outputs[r.n_outputs];
		bool is_dep = strcmp(hg_path_ext(c->outputs[i]), ".d") == 0;

		if (is_unusual(c->outputs[i]))
			continue;
		if (is_dep && dep.len == 0)
			make_depfile(c, in, &dep);
		o->path = c->outputs[i];
		o->mode = 0644;
		o->content = is_dep
		    ? (struct hg_blob){ dep.buf, dep.len }
		    : (struct hg_blob){ a->object, a->options.object_bytes };
		r.n_outputs++;
	}
	if (r.n_outputs == 0)
		r.object =
		    (struct hg_blob){ a->object, a->options.object_bytes };
	hg_wire_result_pack(&r, &job->body);
	free(r.outputs);
	hg_strbuf_release(&dep);
}

static int
compiler_digest(struct sim_answers *a, const char *path,
    struct hg_digest *ret, struct hg_error *err)
{
	struct hg_digest *d = hg_hmap_get(&a->compilers, path);
	int rc = d ? 0 : hg_digest_file(path, ret, err);

	if (d) {
		*ret = *d;
	} else if (rc == 0) {
		d = hg_xmalloc(sizeof(*d));
		*d = *ret;
		hg_hmap_set(&a->compilers, path, d);
	}
	return rc;
}

static int
observe_input(struct sim_answers *a, const struct hg_wire_input *row,
    struct hg_wire_observed *ret, struct hg_error *err)
{
	struct hg_strbuf content = HG_STRBUF_INIT;
	int rc = hg_blobs_get(a->blobs, &row->id, &content, err);

	ret->path = row->path;
	ret->kind = HG_OBSERVED_READ;
	hg_digest_bytes(content.buf, content.len, &ret->digest);
	hg_strbuf_release(&content);
	return rc;
}

/* The compiler was run, and read all its inputs. */
static int
make_observed(struct sim_answers *a, const struct hg_wire_compile *c,
    const struct hg_needed *in, struct hg_strbuf *ret, struct hg_error *err)
{
	struct hg_wire_result r = { 0 };
	int rc;

	r.observed = hg_xcalloc(in->n + 1, sizeof(*r.observed));
	r.observed[0].path = c->compiler_path;
	r.observed[0].kind = HG_OBSERVED_RUN;
	rc = compiler_digest(
	    a, c->compiler_path, &r.observed[r.n_observed++].digest, err);
	for (size_t i = 0; rc == 0 && i < in->n; i++)
		if (hg_content_id_is_set(&in->v[i].id))
			rc = observe_input(
			    a, &in->v[i], &r.observed[r.n_observed++], err);
	if (rc == 0)
		hg_wire_result_pack(&r, ret);
	free(r.observed);
	return rc;
}

static int
add_observed(struct sim_job *job, const struct hg_wire_compile *c,
    const struct hg_needed *in, struct hg_error *err)
{
	struct sim_answers *a = job->answers;
	struct hg_strbuf *packed = hg_hmap_get(&a->ready, job->key);
	int rc = 0;

	if (!packed) {
		packed = hg_xcalloc(1, sizeof(*packed));
		hg_strbuf_init(packed);
		rc = make_observed(a, c, in, packed, err);
		hg_hmap_set(&a->ready, job->key, packed);
	}
	hg_strbuf_add(&job->body, packed->buf, packed->len);
	return rc;
}

/* Contents are here, or asked for in body: then true. */
static bool
lacks_contents(struct sim_job *job, const struct hg_wire_compile *c,
    struct hg_needed *in, struct hg_error *err)
{
	struct sim_answers *a = job->answers;
	struct hg_strbuf missing = HG_STRBUF_INIT;
	struct hg_wire_result r = { 0 };

	if (hg_needed_keep(a->blobs, c, err) == 0)
		(void)hg_needed_receive(
		    in, a->blobs, c, &a->view, &missing, err);
	r.missing = (struct hg_blob){ missing.buf, missing.len };
	if (missing.len > 0)
		hg_wire_result_pack(&r, &job->body);
	hg_strbuf_release(&missing);
	return r.missing.n > 0;
}

static void
answer_made_up(struct sim_job *job, const struct hg_wire_compile *c)
{
	struct hg_needed in = { NULL, 0, NULL };
	struct hg_error err = { .text = "" };

	if (c->protocol > 0 && job->answers->blobs &&
	    lacks_contents(job, c, &in, &err)) {
		hg_rpc_reply(job->req, job->body.buf, job->body.len);
		job_end(job);
	} else if (err.code || (in.n > 0 && add_observed(job, c, &in, &err))) {
		hg_rpc_refuse(job->req, HG_RPC_INVALID_ARGUMENT, err.text);
		job_end(job);
	} else {
		add_outputs(job, c, &in);
		start_sleeping(job);
	}
	hg_needed_release(&in);
}

/* ---- answers of a real worker --------------------------------------------- */

static bool
is_final(const struct hg_rpc_result *result)
{
	struct hg_error err;
	struct hg_wire_result *r =
	    hg_wire_result_unpack(result->body, result->n, &err);
	bool yes = r && r->success && r->missing.n == 0;

	hg_wire_result_free(r);
	return yes;
}

static void
on_real_answer(void *arg, const struct hg_rpc_result *result)
{
	struct sim_job *job = arg;
	struct hg_strbuf *kept;

	if (result->status != HG_RPC_OK) {
		hg_rpc_refuse(job->req, result->status, result->message);
	} else {
		if (is_final(result) &&
		    !hg_hmap_get(&job->answers->ready, job->key)) {
			kept = hg_xcalloc(1, sizeof(*kept));
			hg_strbuf_init(kept);
			hg_strbuf_add(kept, result->body, result->n);
			hg_hmap_set(&job->answers->ready, job->key, kept);
		}
		hg_rpc_reply(job->req, result->body, result->n);
	}
	job_end(job);
}

static void
answer_like_real(struct sim_job *job)
{
	struct sim_answers *a = job->answers;
	struct hg_strbuf *kept = hg_hmap_get(&a->ready, job->key);
	struct hg_rpc_call_options call = { .method = HG_METHOD_COMPILE };

	if (kept) {
		hg_strbuf_add(&job->body, kept->buf, kept->len);
		start_sleeping(job);
		return;
	}
	call.body = hg_rpc_request_body(job->req, &call.n);
	job->call = hg_rpc_call_start(a->real, &call, on_real_answer, job);
	hg_rpc_request_on_cancel(job->req, on_cancel, job);
}

/* ---- */

/* What an answer depends on, but for what it "computed". */
static char *
key_of(const struct hg_wire_compile *c)
{
	char hex[HG_CONTENT_ID_HEX_BYTES];

	hg_content_id_hex(&c->input_list, hex);
	return hg_xasprintf("%s %s %s", hex,
	    c->n_outputs > 0 ? c->outputs[0] : "", c->compiler_path);
}

void
sim_answer(struct sim_answers *a, struct hg_rpc_request *req)
{
	struct hg_error err = { .text = "" };
	struct hg_wire_compile *c;
	struct sim_job *job;
	const void *body;
	size_t n;

	body = hg_rpc_request_body(req, &n);
	c = hg_wire_compile_unpack(body, n, &err);
	if (!c) {
		hg_rpc_refuse(req, HG_RPC_INVALID_ARGUMENT, err.text);
		return;
	}
	job = job_new(a, req);
	job->key = key_of(c);
	if (a->real)
		answer_like_real(job);
	else
		answer_made_up(job, c);
	hg_wire_compile_free(c);
}

unsigned
sim_answers_active(const struct sim_answers *a)
{
	return a->active;
}

uint64_t
sim_answers_total(const struct sim_answers *a)
{
	return a->total;
}

/* As hard to compress as objects are: half of it repeats. */
static char *
make_object(size_t n, uint64_t random)
{
	char *p = hg_xmalloc(n + 1);

	for (size_t i = 0; i < n; i++) {
		random = random * 6364136223846793005u + 1;
		p[i] = i % 2 ? '\0' : (char)(random >> 56);
	}
	return p;
}

struct sim_answers *
sim_answers_new(struct hg_rpc_loop *loop,
    const struct sim_answer_options *options, struct hg_error *err)
{
	struct sim_answers *a = hg_xcalloc(1, sizeof(*a));
	const struct hg_rpc_channel_options to = { .target = options->like };

	a->loop = loop;
	a->options = *options;
	a->random = options->seed;
	hg_view_init(&a->view, "/", false);
	a->object = make_object(options->object_bytes, options->seed);
	if (options->store_dir) {
		a->blobs = hg_blobs_open(options->store_dir, STORE_BYTES, err);
		if (!a->blobs)
			goto fail;
	}
	if (options->like) {
		a->real = hg_rpc_channel_new(loop, &to, err);
		if (!a->real)
			goto fail;
	}
	return a;
fail:
	sim_answers_free(a);
	return NULL;
}

static void
free_packed(void *p)
{
	hg_strbuf_release(p);
	free(p);
}

void
sim_answers_free(struct sim_answers *a)
{
	if (!a)
		return;
	hg_assert(a->active == 0);
	if (a->real)
		hg_rpc_channel_free(a->real);
	hg_blobs_close(a->blobs);
	hg_view_release(&a->view);
	hg_hmap_release(&a->ready, free_packed);
	hg_hmap_release(&a->compilers, free);
	free(a->object);
	free(a);
}
