/* SPDX-License-Identifier: Apache-2.0 */
/* hgbuild cache inspect: an entry, readable. */
#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/json.h"
#include "lib/base/alloc.h"
#include "lib/base/fd.h"
#include "lib/base/path.h"
#include "lib/base/strbuf.h"
#include "lib/store/cache.h"
#include "lib/store/folder.h"
#include "lib/store/inspect.h"
#include "lib/store/result.h"

struct entry {
	struct hg_cache *cache;
	struct hg_digest key;
	char ending[HG_ENDING_BYTES];
};

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

/* ---- to JSON, from which the text is made too --------------------------- */

static json_t *
input_json(const struct hg_manifest_input *in)
{
	json_t *j = json_pack("{s:s,s:o}", "kind", in->kind, "path",
	    hg_json_text(in->path));

	if (strcmp(in->kind, "folder") == 0)
		return j;
	json_object_set_new(j, "digest", digest_json(&in->digest));
	if (strcmp(in->kind, "listing") != 0)
		json_object_set_new(
		    j, "bytes", json_integer((json_int_t)in->size));
	return j;
}

static json_t *
set_json(struct hg_cache *c, const struct hg_manifest_set *s)
{
	json_t *inputs = json_array(), *missing = json_array();

	for (size_t i = 0; i < s->n_inputs; i++)
		json_array_append_new(inputs, input_json(&s->inputs[i]));
	for (size_t i = 0; i < s->missing.n; i++)
		json_array_append_new(missing, hg_json_text(s->missing.v[i]));
	return json_pack("{s:o,s:b,s:b,s:I,s:o,s:o}", "result",
	    digest_json(&s->result), "present",
	    is_in_cache(c, &s->result, HG_ENTRY_RESULT), "bound_to_names",
	    s->names != 0, "compile_us", (json_int_t)s->compile_us, "inputs",
	    inputs, "missing", missing);
}

static int
manifest_json(const struct entry *e, json_t **ret, struct hg_error *err)
{
	int fd = hg_cache_open(e->cache, &e->key, HG_ENTRY_MANIFEST);
	struct hg_manifest m;
	json_t *sets;
	int rc;

	if (fd < 0)
		return hg_fail_errno(err, errno == ENOENT ? HG_NOTFOUND : HG_IO,
		    "cannot open the manifest");
	rc = hg_manifest_load(fd, &e->key, &m, err);
	hg_fd_close(&fd);
	if (rc == 0) {
		sets = json_array();
		for (size_t i = 0; i < m.n_sets; i++)
			json_array_append_new(
			    sets, set_json(e->cache, &m.sets[i]));
		*ret = json_pack("{s:s,s:o,s:o,s:o}", "kind", "manifest",
		    "key", digest_json(&e->key), "namespace",
		    hg_json_text(m.namespace), "sets", sets);
	}
	hg_manifest_release(&m);
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
	return json_pack("{s:s,s:o,s:s,s:I,s:b}", "role", role_text(o->role),
	    "path", hg_json_text(o->path), "mode", mode, "bytes",
	    (json_int_t)o->n, "intact", rc == 0);
}

static int
result_json(const struct entry *e, json_t **ret, struct hg_error *err)
{
	struct hg_result_reader *reader =
	    hg_result_open(e->cache, &e->key, err);
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
	return 0;
}

/* ---- text -------------------------------------------------------------- */

static const char *
member(const json_t *j, const char *name)
{
	const char *s = json_string_value(json_object_get(j, name));

	return s ? s : "";
}

static json_int_t
number(const json_t *j, const char *name)
{
	return json_integer_value(json_object_get(j, name));
}

static void
print_set(const json_t *set)
{
	const json_t *one;
	size_t i;

	printf("\nset: leads to result %s%s\n", member(set, "result"),
	    json_is_true(json_object_get(set, "present"))
		? ""
		: ", which is no longer there");
	printf("  compile     %.1f ms\n",
	    (double)number(set, "compile_us") / 1000);
	if (json_is_true(json_object_get(set, "bound_to_names")))
		printf("  only for outputs of the same names\n");
	json_array_foreach (json_object_get(set, "inputs"), i, one)
		printf("  %-10s  %s  %s\n", member(one, "kind"),
		    *member(one, "digest") ? member(one, "digest")
					   : "                                ",
		    member(one, "path"));
	json_array_foreach (json_object_get(set, "missing"), i, one)
		printf("  missing     %s\n", json_string_value(one));
}

static void
print_manifest(const json_t *j)
{
	const json_t *set;
	size_t i;

	printf("manifest %s\n", member(j, "key"));
	if (*member(j, "namespace"))
		printf("namespace %s\n", member(j, "namespace"));
	json_array_foreach (json_object_get(j, "sets"), i, set)
		print_set(set);
}

static void
print_result(const json_t *j)
{
	const json_t *o;
	size_t i;

	printf("result %s\nexit code %d\n", member(j, "key"),
	    (int)number(j, "exit_code"));
	json_array_foreach (json_object_get(j, "outputs"), i, o)
		printf("  %-8s  %s  %10" PRId64 " bytes  %s%s\n",
		    member(o, "role"), member(o, "mode"),
		    (int64_t)number(o, "bytes"), member(o, "path"),
		    json_is_true(json_object_get(o, "intact")) ? ""
							      : "  DAMAGED");
	if (*member(j, "stdout"))
		printf("stdout:\n%s\n", member(j, "stdout"));
	if (*member(j, "stderr"))
		printf("stderr:\n%s\n", member(j, "stderr"));
}

/* ---- which entry ------------------------------------------------------- */

/* A file DIR/ab/ab12….m, whatever cache it belongs to. */
static int
find_by_file(const char *path, struct entry *e, struct hg_error *err)
{
	char *folder, *dir;

	if (!hg_folder_parse(hg_path_base(path), &e->key, e->ending))
		return hg_fail(err, HG_INVALID,
		    "%s is not named like a cache entry", path);
	folder = hg_path_dir(path);
	dir = hg_path_join(folder, "..");
	e->cache = hg_cache_new(dir);
	free(dir);
	free(folder);
	return 0;
}

static int
find_by_key(const char *key, const char *dir, struct entry *e,
    struct hg_error *err)
{
	static const char *const endings[] = { HG_ENTRY_MANIFEST,
		HG_ENTRY_RESULT };
	int rc = -HG_NOTFOUND;

	e->cache = hg_cache_new(dir);
	for (size_t i = 0; rc && i < sizeof(endings) / sizeof(*endings); i++) {
		char *name = hg_xasprintf("%s.%s", key, endings[i]);

		if (!hg_folder_parse(name, &e->key, e->ending))
			rc = hg_fail(err, HG_INVALID,
			    "'%.100s' is neither a file nor a key", key);
		else if (is_in_cache(e->cache, &e->key, endings[i]))
			rc = 0;
		else
			hg_fail(err, HG_NOTFOUND,
			    "there is no entry %s in %s", key, dir);
		free(name);
	}
	return rc;
}

static int
load(const struct entry *e, json_t **ret, struct hg_error *err)
{
	if (strcmp(e->ending, HG_ENTRY_MANIFEST) == 0)
		return manifest_json(e, ret, err);
	if (strcmp(e->ending, HG_ENTRY_RESULT) == 0)
		return result_json(e, ret, err);
	return hg_fail(err, HG_INVALID,
	    "entries that end in .%s cannot be shown", e->ending);
}

int
hg_cli_cache_inspect(struct hg_cli *cli)
{
	const char *what = cli->argv[0];
	struct entry e = { .cache = NULL };
	struct hg_error err;
	json_t *j = NULL;
	int rc;

	if (cli->argc != 1)
		return hg_cli_usage("cache inspect needs one key or file");
	if (cli->cfg_error.code != HG_OK)
		return hg_cli_fail(&cli->cfg_error);
	if (strchr(what, '/') || access(what, F_OK) == 0)
		rc = find_by_file(what, &e, &err);
	else
		rc = find_by_key(what, cli->cfg.cache_dir, &e, &err);
	if (rc == 0)
		rc = load(&e, &j, &err);
	hg_cache_free(e.cache);
	if (rc)
		return hg_cli_fail(&err);
	if (cli->json)
		return hg_json_print(j);
	if (strcmp(member(j, "kind"), "manifest") == 0)
		print_manifest(j);
	else
		print_result(j);
	json_decref(j);
	return 0;
}
