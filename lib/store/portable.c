/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sets that any checkout can use: made from one whose paths are of this
 * checkout, and turned into one of another.
 */
#include "config.h"

#include <string.h>

#include "lib/base/hmap.h"
#include "lib/base/strbuf.h"
#include "lib/store/builder.h"
#include "lib/store/manifest.h"
#include "lib/store/set.h"

/* Appends path, with HG_SET_ROOT for root; returns where in pool it begins. */
static uint32_t
add_relative(struct hg_strbuf *pool, const char *path, const char *root)
{
	uint32_t at = (uint32_t)pool->len;
	size_t n = strlen(root);

	if (strncmp(path, root, n) == 0 && (path[n] == '/' || !path[n])) {
		hg_strbuf_addc(pool, HG_SET_ROOT);
		path += n;
	}
	hg_strbuf_add(pool, path, strlen(path) + 1);
	return at;
}

struct rebase {
	const char *root;
	struct hg_hmap missing;
};

static int
rebase_missing(const char *dir, void *value, void *arg)
{
	struct hg_strbuf relative = HG_STRBUF_INIT;
	struct rebase *r = arg;

	add_relative(&relative, dir, r->root);
	hg_hmap_set(&r->missing, relative.buf, value);
	hg_strbuf_release(&relative);
	return 0;
}

void
hg_set_make_portable(struct hg_set_builder *b, const char *root)
{
	struct hg_strbuf pool = HG_STRBUF_INIT;
	struct rebase r = { root, HG_HMAP_INIT };

	for (size_t i = 0; i < b->n_files; i++)
		b->files[i].path = add_relative(
		    &pool, b->pool.buf + b->files[i].path, root);
	hg_strbuf_release(&b->pool);
	b->pool = pool;
	hg_hmap_each(&b->missing, rebase_missing, &r);
	hg_hmap_release(&b->missing, NULL);
	b->missing = r.missing;
	hg_set_add_note(b, HG_SET_FROM, root);
}

static uint32_t
add_expanded(struct hg_strbuf *pool, const char *path, const char *root)
{
	uint32_t at = (uint32_t)pool->len;

	if (*path == HG_SET_ROOT) {
		hg_strbuf_adds(pool, root);
		path++;
	}
	hg_strbuf_add(pool, path, strlen(path) + 1);
	return at;
}

void
hg_set_expand(
    const struct hg_set_view *v, const char *root, struct hg_strbuf *out)
{
	struct hg_set_parts p = HG_SET_PARTS_INIT;
	struct hg_set_file f;

	p.head = *v->head;
	for (uint32_t i = 0; i < v->head->n_files; i++) {
		f = v->files[i];
		f.path = add_expanded(&p.pool, v->pool + f.path, root);
		hg_strbuf_add(&p.files, &f, sizeof(f));
	}
	memset(&f, 0, sizeof(f));
	f.kind = HG_SET_TO;
	f.path = add_expanded(&p.pool, root, root);
	hg_strbuf_add(&p.files, &f, sizeof(f));
	for (uint32_t i = 0; i < v->head->n_folders; i++) {
		struct hg_set_folder d = v->folders[i];

		d.path = add_expanded(&p.pool, v->pool + d.path, root);
		hg_strbuf_add(&p.folders, &d, sizeof(d));
	}
	for (uint32_t i = 0; i < v->head->n_names; i++) {
		uint32_t at =
		    add_expanded(&p.pool, v->pool + v->names[i], root);

		hg_strbuf_add(&p.names, &at, sizeof(at));
	}
	hg_set_join(&p, out);
	hg_set_parts_release(&p);
}
