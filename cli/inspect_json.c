/* SPDX-License-Identifier: Apache-2.0 */
/* Cache entries as JSON. */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cli/inspect.h"
#include "cli/json.h"
#include "lib/base/alloc.h"
#include "lib/base/error.h"
#include "lib/base/fd.h"
#include "lib/base/strbuf.h"
#include "lib/store/cache.h"
#include "lib/store/inspect.h"
#include "lib/store/result.h"

static const char *const role_name[] = {
	[HG_OUTPUT_MAIN] = "output",
	[HG_OUTPUT_DEP] = "depfile",
	[HG_OUTPUT_OTHER] = "other",
};

/* Another version may have roles that this one does not know. */
static const char *
role_text(unsigned role)
{
	return role < sizeof(role_name) / sizeof(*role_name) ? role_name[role]
							     : "unknown";
}

static json_t *
digest_json(const struct hg_digest *d)
{
	char hex[HG_DIGEST_HEX_BYTES];

	hg_digest_hex(d, hex);
	return json_string(hex);
}

static bool
is_in_cache(
    struct hg_cache *c, const struct hg_digest *key, const char *ending)
{
	int fd = hg_cache_open(c, key, ending);
	bool there = fd >= 0;

	hg_fd_close(&fd);
	return there;
}

static json_t *
input_json(const struct hg_manifest_input *in)
{
	static const struct hg_digest none;
	json_t *j = json_pack("{s:s,s:o}", "kind", in->kind, "path",
	    hg_json_text(in->path));

	if (hg_digest_equal(&in->digest, &none))
		return j;
	json_object_set_new(j, "digest", digest_json(&in->digest));
	if (strcmp(in->kind, "listing") != 0 && strcmp(in->kind, "day") != 0)
		json_object_set_new(
		    j, "bytes", json_integer((json_int_t)in->size));
	return j;
}

static json_t *
set_json(struct hg_cache *c, const struct hg_manifest_set *s)
{
	static const struct hg_digest none;
	json_t *inputs = json_array(), *missing = json_array();
	bool shares = !hg_digest_equal(&s->shared, &none);

	for (size_t i = 0; i < s->n_inputs; i++)
		json_array_append_new(inputs, input_json(&s->inputs[i]));
	for (size_t i = 0; i < s->missing.n; i++)
		json_array_append_new(missing, hg_json_text(s->missing.v[i]));
	return json_pack("{s:o,s:b,s:o,s:b,s:I,s:o,s:o}", "result",
	    digest_json(&s->result), "present",
	    is_in_cache(c, &s->result, HG_ENTRY_RESULT), "shared",
	    shares ? digest_json(&s->shared) : json_null(),
	    "bound_to_names", s->names != 0, "compile_us", (json_int_t)s->compile_us, "inputs",
	    inputs, "missing", missing);
}

/* What the entry's file tells. */
static void
add_file(json_t *entry, int fd)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return;
	json_object_set_new(entry, "bytes", json_integer(st.st_size));
	json_object_set_new(entry, "used", json_integer(st.st_mtim.tv_sec));
}

static int
manifest_json(struct hg_cache *c, const struct hg_inspect_entry *e,
    json_t **ret, struct hg_error *err)
{
	int fd = hg_cache_open(c, &e->key, HG_ENTRY_MANIFEST);
	struct hg_manifest m;
	json_t *sets;
	int rc;

	if (fd < 0)
		return hg_fail_errno(err, errno == ENOENT ? HG_NOTFOUND : HG_IO,
		    "cannot open the manifest");
	rc = hg_manifest_load(fd, &e->key, &m, err);
	if (rc == 0) {
		sets = json_array();
		for (size_t i = 0; i < m.n_sets; i++)
			json_array_append_new(sets, set_json(c, &m.sets[i]));
		*ret = json_pack("{s:s,s:o,s:o,s:o}", "kind", "manifest",
		    "key", digest_json(&e->key), "namespace",
		    hg_json_text(m.namespace), "sets", sets);
		add_file(*ret, fd);
	}
	hg_manifest_release(&m);
	hg_fd_close(&fd);
	return rc;
}

static json_t *
text_json(const void *p, size_t n)
{
	char *text = hg_xstrndup(p, n);
	json_t *j = hg_json_text(text);

	free(text);
	return j;
}

static json_t *
output_json(struct hg_result_reader *reader, size_t i)
{
	const struct hg_output *o = &hg_result_head(reader)->outputs[i];
	struct hg_strbuf content = HG_STRBUF_INIT;
	int rc = hg_result_read(reader, i, &content, NULL);
	char mode[16];

	hg_strbuf_release(&content);
	snprintf(mode, sizeof(mode), "%04o", (unsigned)o->mode & 07777);
	return json_pack("{s:s,s:o,s:s,s:I,s:b,s:b}", "role",
	    role_text(o->role), "path", hg_json_text(o->path), "mode", mode, "bytes",
	    (json_int_t)o->n, "linked", o->linked, "intact", rc == 0);
}

static int
result_json(struct hg_cache *c, const struct hg_inspect_entry *e,
    json_t **ret, struct hg_error *err)
{
	struct hg_result_reader *reader = hg_result_open(c, &e->key, err);
	int fd;
	const struct hg_result *r;
	json_t *outputs;

	if (!reader)
		return -(int)err->code;
	r = hg_result_head(reader);
	outputs = json_array();
	for (size_t i = 0; i < r->n_outputs; i++)
		json_array_append_new(outputs, output_json(reader, i));
	*ret = json_pack("{s:s,s:o,s:i,s:o,s:o,s:o}", "kind", "result", "key",
	    digest_json(&e->key), "exit_code", r->exit_code, "stdout",
	    text_json(r->out, r->out_n), "stderr",
	    text_json(r->err, r->err_n), "outputs", outputs);
	hg_result_close(reader);
	fd = hg_cache_open(c, &e->key, HG_ENTRY_RESULT);
	if (fd >= 0)
		add_file(*ret, fd);
	hg_fd_close(&fd);
	return 0;
}

int
hg_inspect_json(struct hg_cache *c, const struct hg_inspect_entry *e,
    json_t **ret, struct hg_error *err)
{
	if (strcmp(e->ending, HG_ENTRY_MANIFEST) == 0)
		return manifest_json(c, e, ret, err);
	if (strcmp(e->ending, HG_ENTRY_RESULT) == 0)
		return result_json(c, e, ret, err);
	return hg_fail(err, HG_INVALID,
	    "entries that end in .%s cannot be shown", e->ending);
}
