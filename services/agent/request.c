/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Making the message for the coordinator. Inputs are listed with their digests in
 * a list that is a content too; contents travel only where they lack. Nothing
 * that is not UTF-8 may go into a protobuf string, and nothing larger than a
 * message may be sent: both are found here, before any byte travels.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/alloc.h"
#include "lib/base/error.h"
#include "lib/base/fd.h"
#include "lib/base/limits.h"
#include "lib/base/path.h"
#include "lib/base/strbuf.h"
#include "lib/blob/bundle.h"
#include "lib/pack/pack.h"
#include "lib/toolchain/host_paths.h"
#include "lib/wire/agent_msg.h"
#include "lib/wire/wire.h"
#include "services/agent/inputs.h"
#include "services/agent/contents.h"
#include "services/agent/request.h"
#include "services/agent/toolset.h"

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
	struct hg_request *request;
	struct hg_wire_compile message;
	struct hg_wire_input_list list;
	struct hg_wire_input_list tools;
	/* the compile needs more of the worker's places for tools than tools */
	bool has_extras;
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
too_large(struct build *b, const char *path, struct hg_error *err)
{
	b->reason = HG_REASON_too_large;
	return hg_fail(err, HG_TOOBIG, "%.150s is too large to travel", path);
}

static void
add_content(struct build *b, const struct hg_request_content *c)
{
	struct hg_request *r = b->request;

	r->contents[r->n_contents++] = *c;
}

static int
add_file(struct build *b, const struct hg_input *input, bool is_tool,
    struct hg_wire_input *row, struct hg_error *err)
{
	const struct hg_content *c;
	int rc = hg_contents_get(b->contents, input->path, HG_WANT_ID, &c, err);

	if (rc)
		return rc;
	row->id = c->id;
	row->mode = c->mode;
	if (c->n > (is_tool ? HG_MAX_FILE_BYTES : HG_MAX_SOURCE_BYTES))
		rc = too_large(b, input->path, err);
	else
		add_content(b, &(struct hg_request_content){ .id = c->id,
				   .path = input->path, .n = c->n,
				   .is_tool = is_tool });
	hg_contents_drop(b->contents, c);
	return rc;
}

static int
add_input(struct build *b, const struct hg_input *input, bool is_tool,
    struct hg_error *err)
{
	struct hg_wire_input_list *list = is_tool ? &b->tools : &b->list;
	struct hg_wire_input *row = &list->inputs[list->n_inputs++];
	int rc = check_text(b, "an input's path", input->path, err);

	if (rc == 0)
		rc = check_text(b, "a link's target", input->target, err);
	if (rc)
		return rc;
	row->path = input->path;
	switch (input->kind) {
	case HG_INPUT_FILE:
		return add_file(b, input, is_tool, row, err);
	case HG_INPUT_LINK:
		row->symlink = input->target;
		return 0;
	case HG_INPUT_FOLDER:
		row->folder = true;
		return 0;
	case HG_INPUT_OTHER:
		break;
	}
	return 0;
}

/*
 * Where workers have tools of their own: nothing, unless the compiler goes along;
 * then what is not a part of it goes with it.
 */
static int
add_covered(struct build *b, const struct hg_input *input, struct hg_error *err)
{
	const struct hg_toolset *tools = b->parts->tools;

	if (!tools || hg_toolset_has(tools, input->path))
		return 0;
	b->has_extras = true;
	return add_input(b, input, true, err);
}

static bool
is_covered(const struct build *b, const struct hg_input *input)
{
	return b->parts->tools
	    ? hg_toolset_covers(b->parts->tools, input->path)
	    : input->is_toolchain;
}

static int
add_all(struct build *b, struct hg_error *err)
{
	const struct hg_inputs *in = b->parts->inputs;
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < in->n; i++) {
		if (in->v[i]->kind == HG_INPUT_OTHER)
			continue;
		rc = is_covered(b, in->v[i])
		    ? add_covered(b, in->v[i], err)
		    : add_input(b, in->v[i], false, err);
	}
	return rc;
}

static int
add_tools(struct build *b, const struct hg_inputs *tools, struct hg_error *err)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < tools->n; i++)
		if (tools->v[i]->kind != HG_INPUT_OTHER &&
		    hg_toolset_covers(b->parts->tools, tools->v[i]->path))
			rc = add_input(b, tools->v[i], true, err);
	return rc;
}

static int
by_path(const void *a, const void *b)
{
	const struct hg_wire_input *x = a, *y = b;

	return strcmp(x->path, y->path);
}

/* Packs a list, which becomes a content. */
static void
finish_list(struct build *b, struct hg_wire_input_list *list,
    struct hg_strbuf *packed, struct hg_content_id *ret_id)
{
	/* folders before what they hold */
	if (list->n_inputs > 0)
		qsort(list->inputs, list->n_inputs, sizeof(*list->inputs),
		    by_path);
	hg_wire_input_list_pack(list, packed);
	hg_content_id_bytes(packed->buf, packed->len, ret_id);
	add_content(b, &(struct hg_request_content){
			   .id = *ret_id, .list = packed, .n = packed->len });
}

static int
add_inputs(struct build *b, struct hg_error *err)
{
	static const struct hg_inputs none = HG_INPUTS_INIT;
	const struct hg_inputs *tools = b->parts->tools
	    ? hg_toolset_inputs(b->parts->tools)
	    : &none;
	size_t n = b->parts->inputs->n + tools->n;
	struct hg_request *r = b->request;
	int rc;

	b->list.inputs = hg_xcalloc(n + 1, sizeof(*b->list.inputs));
	b->tools.inputs = hg_xcalloc(n + 1, sizeof(*b->tools.inputs));
	/* and the two lists */
	r->contents = hg_xcalloc(n + 2, sizeof(*r->contents));
	rc = add_all(b, err);
	if (rc == 0)
		finish_list(b, &b->list, &r->list, &b->message.input_list);
	if (rc == 0 && b->parts->tools)
		rc = add_tools(b, tools, err);
	if (rc == 0 && b->parts->tools)
		finish_list(b, &b->tools, &r->tools,
		    &b->message.toolchain_list);
	/* no worker's own places hold what this compile needs */
	if (b->has_extras)
		*b->message.toolchain = '\0';
	return rc;
}

/* ---- the rest ----------------------------------------------------------- */

char *
hg_request_worker_path(const struct hg_toolset *tools, const char *list)
{
	struct hg_strbuf kept = HG_STRBUF_INIT;

	for (const char *p = list; *p;) {
		size_t n = strcspn(p, ":");
		char *folder = hg_xstrndup(p, n);

		if (tools ? hg_toolset_covers(tools, folder)
			  : hg_host_shows(folder))
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
		    ? hg_request_worker_path(
			  b->parts->tools, equals + 1)
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
	m->accepts_packed = true;
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
	free(b->list.inputs);
	free(b->tools.inputs);
	free(m->compiler);
	free(m->target_arch);
	free(m->target_os);
	free(m->toolchain);
}

int
hg_request_make(const struct hg_request_parts *parts,
    struct hg_contents *contents, struct hg_request *ret,
    enum hg_reason *ret_reason, struct hg_error *err)
{
	struct build b = {
		.parts = parts,
		.contents = contents,
		.request = ret,
		.reason = HG_REASON_search_failed,
	};
	int rc = check_request(&b, err);

	add_plain(&b);
	if (rc == 0)
		rc = add_env(&b, err);
	if (rc == 0)
		rc = add_inputs(&b, err);
	if (rc == 0)
		hg_wire_compile_pack(&b.message, &ret->head);
	else
		*ret_reason = b.reason;
	build_release(&b);
	return rc;
}

void
hg_request_release(struct hg_request *r)
{
	hg_strbuf_release(&r->head);
	hg_strbuf_release(&r->list);
	hg_strbuf_release(&r->tools);
	free(r->contents);
	*r = (struct hg_request)HG_REQUEST_INIT;
}

/* ---- contents ----------------------------------------------------------- */

static int
bundle_file(struct hg_pack_writer *w, const struct hg_request_content *c,
    struct hg_error *err)
{
	struct hg_strbuf bytes = HG_STRBUF_INIT;
	struct hg_content_id now;
	int rc = hg_read_file(c->path, HG_MAX_FILE_BYTES, &bytes, err);

	if (rc == 0) {
		hg_content_id_bytes(bytes.buf, bytes.len, &now);
		if (!hg_content_id_equal(&now, &c->id))
			rc = hg_fail(err, HG_IO,
			    "%.150s has changed meanwhile", c->path);
	}
	if (rc == 0)
		rc = hg_bundle_add(w, &c->id, bytes.buf, bytes.len, err);
	hg_strbuf_release(&bytes);
	return rc;
}

int
hg_request_bundle(const struct hg_request *r,
    bool (*wanted)(void *arg, const struct hg_request_content *c), void *arg,
    struct hg_strbuf *out, struct hg_error *err)
{
	struct hg_pack_writer *w = hg_pack_writer_new(err);
	size_t taken = 0;
	int rc = w ? 0 : -HG_NOMEM;

	for (size_t i = 0; rc == 0 && i < r->n_contents; i++) {
		const struct hg_request_content *c = &r->contents[i];

		if (taken > 0 && hg_bundle_is_full(w, c->n))
			break;
		if (!wanted(arg, c))
			continue;
		rc = c->path ? bundle_file(w, c, err)
			     : hg_bundle_add(w, &c->id, c->list->buf,
				   c->list->len, err);
		taken++;
	}
	if (rc == 0 && taken > 0)
		rc = hg_pack_writer_finish(w, out, err);
	hg_pack_writer_free(w);
	return rc;
}
