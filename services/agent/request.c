/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Making the message for the coordinator. Inputs are listed with their digests;
 * contents go into one bundle, except for what the worker has itself. Nothing
 * that is not UTF-8 may go into a protobuf string, and nothing larger than a
 * message may be sent: both are found here, before any byte travels.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/alloc.h"
#include "lib/base/error.h"
#include "lib/base/limits.h"
#include "lib/base/path.h"
#include "lib/base/strbuf.h"
#include "lib/pack/pack.h"
#include "lib/wire/agent_msg.h"
#include "lib/wire/wire.h"
#include "services/agent/inputs.h"
#include "services/agent/contents.h"
#include "services/agent/request.h"

/* Source and bundle; leaves room for names and digests in a message. */
#define MAX_CONTENT_BYTES ((size_t)60 << 20)

#define COUNT(a) (sizeof(a) / sizeof(*(a)))

static const struct {
	const char *name;
	bool is_prefix;
} sent_env[] = {
#define HG_ENV(name, prefix) { name, prefix },
#include "services/agent/env.def"
};

struct build {
	const struct hg_request_parts *parts;
	struct hg_contents *contents;
	struct hg_pack_writer *writer;
	struct hg_strbuf bundle;
	const struct hg_content *source;
	struct hg_wire_compile message;
	struct hg_wire_include include;
	enum hg_reason reason;
};

bool
hg_request_sends_env(const char *var)
{
	for (size_t i = 0; i < COUNT(sent_env); i++) {
		size_t n = strlen(sent_env[i].name);

		if (strncmp(var, sent_env[i].name, n) == 0 &&
		    (sent_env[i].is_prefix || var[n] == '='))
			return strchr(var, '=') != NULL;
	}
	return false;
}

const char *
hg_request_env(const struct hg_agent_request *request, const char *name)
{
	size_t n = strlen(name);

	for (size_t i = 0; i < request->n_env; i++)
		if (strncmp(request->env[i], name, n) == 0 &&
		    request->env[i][n] == '=')
			return request->env[i] + n + 1;
	return NULL;
}

/* ---- UTF-8 -------------------------------------------------------------- */

static int
check_text(
    struct build *b, const char *what, const char *text, struct hg_error *err)
{
	if (!text || hg_wire_is_utf8(text, strlen(text)))
		return 0;
	b->reason = HG_REASON_not_utf8;
	return hg_fail(err, HG_UNSUPPORTED, "%s is not UTF-8", what);
}

static int
check_texts(struct build *b, const char *what, char *const *texts, size_t n,
    struct hg_error *err)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < n; i++)
		rc = check_text(b, what, texts[i], err);
	return rc;
}

static int
check_request(struct build *b, struct hg_error *err)
{
	const struct hg_agent_request *r = b->parts->request;
	int rc = check_text(b, "the working folder", r->cwd, err);

	if (rc == 0)
		rc = check_text(b, "the compiler's path", r->compiler, err);
	if (rc == 0)
		rc = check_text(b, "the source's name", r->source, err);
	if (rc == 0)
		rc = check_texts(b, "an argument", r->args, r->n_args, err);
	if (rc == 0)
		rc = check_texts(
		    b, "an output's name", r->outputs, r->n_outputs, err);
	return rc;
}

/* ---- inputs ------------------------------------------------------------- */

static int
too_large(struct build *b, struct hg_error *err)
{
	b->reason = HG_REASON_too_large;
	return hg_fail(err, HG_TOOBIG, "the inputs are larger than %zu MiB",
	    MAX_CONTENT_BYTES >> 20);
}

static int
get_content(struct build *b, const char *path, bool want_bytes,
    const struct hg_content **ret, struct hg_error *err)
{
	int rc = hg_contents_get(b->contents, path, want_bytes, ret, err);

	if (rc == -HG_TOOBIG)
		return too_large(b, err);
	b->reason = HG_REASON_search_failed;
	return rc;
}

static int
add_file(struct build *b, const struct hg_input *input,
    struct hg_wire_input *row, struct hg_error *err)
{
	const struct hg_content *c;
	int rc = get_content(b, input->path, !input->is_toolchain, &c, err);

	if (rc)
		return rc;
	row->digest = c->digest;
	row->mode = c->mode;
	if (!input->is_toolchain)
		rc = hg_pack_add_file(
		    b->writer, input->path, c->mode, c->p, c->n, err);
	hg_contents_drop(b->contents, c);
	return rc;
}

/* Links and folders of the toolchain are the worker's own business. */
static bool
is_listed(const struct hg_input *input)
{
	return input->kind == HG_INPUT_FILE ||
	       (!input->is_toolchain && input->kind != HG_INPUT_OTHER);
}

static int
add_input(struct build *b, const struct hg_input *input, struct hg_error *err)
{
	struct hg_wire_input *row = &b->message.inputs[b->message.n_inputs++];
	int rc = check_text(b, "an input's path", input->path, err);

	if (rc == 0)
		rc = check_text(b, "a link's target", input->target, err);
	if (rc)
		return rc;
	row->path = input->path;
	switch (input->kind) {
	case HG_INPUT_FILE:
		return add_file(b, input, row, err);
	case HG_INPUT_LINK:
		row->symlink = input->target;
		row->mode = 0777;
		return hg_pack_add_symlink(
		    b->writer, input->path, input->target, err);
	case HG_INPUT_FOLDER:
		row->folder = true;
		row->mode = 0755;
		return hg_pack_add_folder(b->writer, input->path, err);
	case HG_INPUT_OTHER:
		break;
	}
	return 0;
}

static int
add_inputs(struct build *b, struct hg_error *err)
{
	const struct hg_inputs *in = b->parts->inputs;
	int rc = 0;

	b->writer = hg_pack_writer_new(err);
	if (!b->writer)
		return -HG_NOMEM;
	b->message.inputs = hg_xcalloc(in->n, sizeof(*b->message.inputs));
	for (size_t i = 0; rc == 0 && i < in->n; i++)
		if (is_listed(in->v[i]))
			rc = add_input(b, in->v[i], err);
	if (rc == 0)
		rc = hg_pack_writer_finish(b->writer, &b->bundle, err);
	b->include.path = hg_xstrdup(HG_BUNDLE_KEY);
	b->include.content.p = b->bundle.buf;
	b->include.content.n = b->bundle.len;
	b->message.includes = &b->include;
	b->message.n_includes = 1;
	return rc;
}

static int
add_source(struct build *b, struct hg_error *err)
{
	const struct hg_agent_request *r = b->parts->request;
	char *path = hg_path_join(r->cwd, r->source);
	int rc = get_content(b, path, true, &b->source, err);

	free(path);
	if (rc)
		return rc;
	b->message.source.p = b->source->p;
	b->message.source.n = b->source->n;
	if (b->source->n > HG_MAX_SOURCE_BYTES ||
	    b->source->n + b->bundle.len > MAX_CONTENT_BYTES)
		return too_large(b, err);
	return 0;
}

/* ---- the rest ----------------------------------------------------------- */

/*
 * PATH without the folders that no worker shows to a compile: a user's own, or
 * one with links to us, would only keep equal compiles of two users apart.
 */
static char *
path_of_workers(const char *list)
{
	struct hg_strbuf kept = HG_STRBUF_INIT;

	for (const char *p = list; *p;) {
		size_t n = strcspn(p, ":");
		char *folder = hg_xstrndup(p, n);

		if (hg_inputs_is_toolchain(folder))
			hg_strbuf_addf(
			    &kept, "%s%s", kept.len ? ":" : "", folder);
		free(folder);
		p += n + (p[n] == ':');
	}
	return hg_strbuf_detach(&kept, NULL);
}

static int
add_env(struct build *b, struct hg_error *err)
{
	const struct hg_agent_request *r = b->parts->request;
	int rc = 0;

	b->message.env = hg_xcalloc(r->n_env, sizeof(*b->message.env));
	for (size_t i = 0; rc == 0 && i < r->n_env; i++) {
		struct hg_wire_env *e = &b->message.env[b->message.n_env];
		const char *equals;

		if (!hg_request_sends_env(r->env[i]))
			continue;
		rc = check_text(b, "an environment variable", r->env[i], err);
		equals = strchr(r->env[i], '=');
		e->name = hg_xstrndup(r->env[i], (size_t)(equals - r->env[i]));
		e->value = strcmp(e->name, "PATH") == 0
		    ? path_of_workers(equals + 1)
		    : hg_xstrdup(equals + 1);
		b->message.n_env++;
	}
	return rc;
}

static void
add_plain(struct build *b)
{
	const struct hg_agent_request *r = b->parts->request;
	struct hg_wire_compile *m = &b->message;

	m->source_file = r->source;
	m->compiler = hg_xstrdup(hg_path_base(r->compiler));
	m->compiler_path = r->compiler;
	m->args = r->args;
	m->n_args = r->n_args;
	m->target_arch = hg_xstrdup(b->parts->arch);
	m->target_os = hg_xstrdup("linux");
	m->cwd = r->cwd;
	m->toolchain = hg_xstrdup(b->parts->toolchain);
	m->protocol = HG_WIRE_PROTOCOL;
	m->outputs = r->outputs;
	m->n_outputs = r->n_outputs;
	m->umask = r->umask;
}

static void
build_release(struct build *b)
{
	struct hg_wire_compile *m = &b->message;

	for (size_t i = 0; i < m->n_env; i++) {
		free(m->env[i].name);
		free(m->env[i].value);
	}
	free(m->env);
	free(m->inputs);
	free(m->compiler);
	free(m->target_arch);
	free(m->target_os);
	free(m->toolchain);
	free(b->include.path);
	hg_contents_drop(b->contents, b->source);
	hg_pack_writer_free(b->writer);
	hg_strbuf_release(&b->bundle);
}

int
hg_request_pack(const struct hg_request_parts *parts, struct hg_contents *contents,
    struct hg_strbuf *out, enum hg_reason *ret_reason, struct hg_error *err)
{
	struct build b = {
		.parts = parts,
		.contents = contents,
		.bundle = HG_STRBUF_INIT,
		.reason = HG_REASON_search_failed,
	};
	int rc = check_request(&b, err);

	add_plain(&b);
	if (rc == 0)
		rc = add_env(&b, err);
	if (rc == 0)
		rc = add_inputs(&b, err);
	if (rc == 0)
		rc = add_source(&b, err);
	if (rc == 0)
		hg_wire_compile_pack(&b.message, out);
	else
		*ret_reason = b.reason;
	build_release(&b);
	return rc;
}
