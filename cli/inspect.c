/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hgbuild cache inspect: an entry, found by its key or its file, or all that was
 * made of a source. The keys of those begin as the digest of the source does.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/inspect.h"
#include "cli/json.h"
#include "lib/base/alloc.h"
#include "lib/base/error.h"
#include "lib/base/fd.h"
#include "lib/base/path.h"
#include "lib/store/cache.h"

/* A file DIR/ab/ab12….m, whatever cache it belongs to. */
static int
inspect_file(const char *path, const struct hg_inspect_entry *e, json_t **ret,
    struct hg_error *err)
{
	char *folder = hg_path_dir(path);
	char *dir = hg_path_join(folder, "..");
	struct hg_cache *c = hg_cache_new(dir);
	int rc = hg_inspect_json(c, e, ret, err);

	hg_cache_free(c);
	free(dir);
	free(folder);
	return rc;
}

static bool
is_in_cache(struct hg_cache *c, const struct hg_inspect_entry *e)
{
	int fd = hg_cache_open(c, &e->key, e->ending);
	bool there = fd >= 0;

	hg_fd_close(&fd);
	return there;
}

static int
inspect_key(struct hg_cache *c, const char *key, json_t **ret,
    struct hg_error *err)
{
	static const char *const endings[] = { HG_ENTRY_MANIFEST,
		HG_ENTRY_RESULT };

	for (size_t i = 0; i < sizeof(endings) / sizeof(*endings); i++) {
		char *name = hg_xasprintf("%s.%s", key, endings[i]);
		struct hg_inspect_entry e;
		bool is_key = hg_folder_parse(name, &e.key, e.ending);

		free(name);
		if (!is_key)
			return hg_fail(err, HG_INVALID,
			    "'%.100s' is neither a file nor a key", key);
		if (is_in_cache(c, &e))
			return hg_inspect_json(c, &e, ret, err);
	}
	return hg_fail(err, HG_NOTFOUND, "there is no entry %s in %s", key,
	    hg_cache_dir(c));
}

/* ---- all of a source --------------------------------------------------- */

/* What was of use last comes first. */
static int
by_use(const void *va, const void *vb)
{
	const struct hg_folder_file *a = va, *b = vb;

	if (a->used_ns != b->used_ns)
		return a->used_ns > b->used_ns ? -1 : 1;
	return memcmp(&a->key, &b->key, sizeof(a->key));
}

/* Entries that vanish or are damaged are left out: verify tells of those. */
static void
add_entries(struct hg_cache *c, const struct hg_folder_list *l,
    const struct hg_digest *source, json_t *entries)
{
	for (size_t i = 0; i < l->n; i++) {
		const struct hg_folder_file *f = &l->v[i];
		struct hg_inspect_entry e = { .key = f->key };
		struct hg_error err;
		json_t *one;

		memcpy(e.ending, f->ending, sizeof(e.ending));
		if (memcmp(f->key.b, source->b, HG_PAIR_BYTES) == 0 &&
		    hg_inspect_json(c, &e, &one, &err) == 0)
			json_array_append_new(entries, one);
	}
}

static int
inspect_source(struct hg_cache *c, const char *path, json_t **ret,
    struct hg_error *err)
{
	struct hg_folder_list l = HG_FOLDER_LIST_INIT;
	json_t *entries = json_array();
	struct hg_digest source;
	int rc = hg_digest_file(path, &source, err);

	if (rc == 0)
		rc = hg_folder_read(c, source.b[0], &l, err);
	if (rc == 0 && l.n > 0) {
		qsort(l.v, l.n, sizeof(*l.v), by_use);
		add_entries(c, &l, &source, entries);
	}
	if (rc == 0 && json_array_size(entries) == 0)
		rc = hg_fail(err, HG_NOTFOUND,
		    "there is nothing in %s that was made of %s as it is now",
		    hg_cache_dir(c), path);
	if (rc == 0)
		*ret = json_pack("{s:s,s:o,s:O}", "kind", "source", "path",
		    hg_json_text(path), "entries", entries);
	json_decref(entries);
	hg_folder_list_release(&l);
	return rc;
}

/* ---- the command ------------------------------------------------------- */

static int
inspect(const char *what, const char *dir, json_t **ret, struct hg_error *err)
{
	bool is_file = strchr(what, '/') || access(what, F_OK) == 0;
	struct hg_inspect_entry e;
	struct hg_cache *c;
	int rc;

	if (is_file && hg_folder_parse(hg_path_base(what), &e.key, e.ending)) {
		/* its result tells of it */
		if (strcmp(e.ending, HG_ENTRY_LINK) == 0)
			memcpy(e.ending, HG_ENTRY_RESULT,
			    sizeof(HG_ENTRY_RESULT));
		return inspect_file(what, &e, ret, err);
	}
	c = hg_cache_new(dir);
	rc = is_file ? inspect_source(c, what, ret, err)
		     : inspect_key(c, what, ret, err);
	hg_cache_free(c);
	return rc;
}

static void
print(const json_t *j)
{
	const json_t *entries = json_object_get(j, "entries"), *one;
	size_t i;

	if (!entries) {
		hg_inspect_print(j);
		return;
	}
	json_array_foreach (entries, i, one) {
		if (i > 0)
			putchar('\n');
		hg_inspect_print(one);
	}
}

int
hg_cli_cache_inspect(struct hg_cli *cli)
{
	struct hg_error err;
	json_t *j = NULL;

	if (cli->argc != 1)
		return hg_cli_usage(
		    "cache inspect needs one source, key or file");
	if (cli->cfg_error.code != HG_OK)
		return hg_cli_fail(&cli->cfg_error);
	if (inspect(cli->argv[0], cli->cfg.cache_dir, &j, &err))
		return hg_cli_fail(&err);
	if (cli->json)
		return hg_json_print(j);
	print(j);
	json_decref(j);
	return 0;
}
