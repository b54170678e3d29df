/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A node is a name in a folder, seen from one context: its text, and what that
 * asks for. Names that depend on the compile, those of macros and those that the
 * assembler looks for in the working folder, are looked up anew in each walk;
 * all else is kept for as long as the look-ups hold that it rests on.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/alloc.h"
#include "lib/base/error.h"
#include "lib/base/hmap.h"
#include "lib/base/limits.h"
#include "lib/base/path.h"
#include "lib/digest/digest.h"
#include "lib/scan/macros.h"
#include "lib/scan/text.h"
#include "services/agent/contents.h"
#include "services/agent/graph.h"
#include "services/agent/inputs.h"
#include "services/agent/tree.h"

/* A file that is not worth a look: generated data. */
#define MAX_TEXT_BYTES ((size_t)32 << 20)
/* Names looked up in one walk; hostile sources ask for more. */
#define MAX_WORK UINT64_C(2000000)
/* Macros that name macros; rounds of names that lead to new files. */
#define MAX_ALIASES 8
#define MAX_ROUNDS  32

struct node {
	/* the name, and the file it leads to if it is a link */
	struct hg_place *leaf;
	struct hg_place *file;
	/* shared; NULL before the first look */
	const struct hg_text *text;
	unsigned version;
	bool is_resolved;
	/* has names to be looked up in each walk */
	bool is_open;
	/* the walk that visited it last */
	unsigned long walk;
	/* what must be there, and on what the answers rest */
	struct hg_trail trail;
	struct node **child;
	size_t n_children, cap_children;
};

struct hg_context {
	struct hg_context *next;
	struct hg_graph_path path;
	const struct hg_macros *known;
	char id[HG_DIGEST_HEX_BYTES];
	/* path of the leaf to struct node */
	struct hg_hmap nodes;
};

struct hg_graph {
	struct hg_tree *tree;
	struct hg_contents *contents;
	struct hg_context *contexts;
	/* digest and id of what was known, to struct hg_text */
	struct hg_hmap texts;
	unsigned long walk;
	size_t bytes;
};

struct walk {
	struct hg_graph *g;
	struct hg_context *ctx;
	const struct hg_graph_job *job;
	struct hg_inputs *in;
	/* all nodes visited; those from done on are still to be looked at */
	struct node **node;
	size_t n, cap, done;
	enum hg_scan_reason reason;
};

/* A look-up: what is asked for, and where to put what is found. */
struct request {
	/* the folder of who asks */
	struct hg_place *from;
	enum hg_ref_kind kind;
	const char *name;
	struct hg_trail *trail;
	/* NULL: the nodes are visited at once */
	struct node *parent;
};

/* ---- life --------------------------------------------------------------- */

static void
node_free(void *p)
{
	struct node *n = p;

	hg_trail_release(&n->trail);
	free(n->child);
	free(n);
}

static void
text_free(void *p)
{
	hg_text_free(p);
}

static void
context_free(struct hg_context *c)
{
	hg_hmap_release(&c->nodes, node_free);
	free(c->path.quote);
	free(c->path.angle);
	free(c);
}

struct hg_graph *
hg_graph_new(struct hg_tree *tree, struct hg_contents *contents)
{
	struct hg_graph *g = hg_xcalloc(1, sizeof(*g));

	g->tree = tree;
	g->contents = contents;
	return g;
}

void
hg_graph_free(struct hg_graph *g)
{
	struct hg_context *next;

	if (!g)
		return;
	for (struct hg_context *c = g->contexts; c; c = next) {
		next = c->next;
		context_free(c);
	}
	hg_hmap_release(&g->texts, text_free);
	free(g);
}

size_t
hg_graph_bytes(const struct hg_graph *g)
{
	return g->bytes;
}

static bool
are_same(struct hg_place *const *a, struct hg_place *const *b, size_t n)
{
	return n == 0 || memcmp(a, b, n * sizeof(struct hg_place *)) == 0;
}

static bool
is_path(const struct hg_graph_path *a, const struct hg_graph_path *b)
{
	return a->n_quote == b->n_quote && a->n_angle == b->n_angle &&
	       are_same(a->quote, b->quote, a->n_quote) &&
	       are_same(a->angle, b->angle, a->n_angle);
}

static struct hg_place **
copy_places(struct hg_place *const *v, size_t n)
{
	struct hg_place **copy = hg_xcalloc(n, sizeof(struct hg_place *));

	if (n > 0)
		memcpy(copy, v, n * sizeof(struct hg_place *));
	return copy;
}

struct hg_context *
hg_graph_context(struct hg_graph *g, const struct hg_graph_path *path,
    const struct hg_macros *known, const char *id)
{
	struct hg_context **link = &g->contexts, *c;

	for (; (c = *link); link = &c->next)
		if (strcmp(c->id, id) == 0 && is_path(&c->path, path))
			break;
	if (c) {
		*link = c->next;
	} else {
		c = hg_xcalloc(1, sizeof(*c));
		c->path.quote = copy_places(path->quote, path->n_quote);
		c->path.n_quote = path->n_quote;
		c->path.angle = copy_places(path->angle, path->n_angle);
		c->path.n_angle = path->n_angle;
		c->known = known;
		memcpy(c->id, id, strlen(id) + 1);
		g->bytes += sizeof(*c) + (path->n_quote + path->n_angle) *
						 sizeof(struct hg_place *);
	}
	/* the one used last is looked at first */
	c->next = g->contexts;
	g->contexts = c;
	return c;
}

/* ---- inputs ------------------------------------------------------------- */

static bool
fail(struct walk *w, enum hg_scan_reason reason)
{
	if (w->reason == HG_SCAN_scanned)
		w->reason = reason;
	return false;
}

static void
add_place(struct walk *w, struct hg_place *p)
{
	if (hg_tree_add(w->g->tree, p, w->in, NULL))
		fail(w, HG_SCAN_limit);
}

static void
add_trail(struct walk *w, const struct hg_trail *trail)
{
	for (size_t i = 0; i < trail->n_pass; i++)
		add_place(w, trail->pass[i]);
}

/* Takes a node into the walk, once. */
static void
visit(struct walk *w, struct node *n)
{
	if (n->walk == w->g->walk)
		return;
	n->walk = w->g->walk;
	if (w->n >= HG_MAX_INPUTS) {
		fail(w, HG_SCAN_limit);
		return;
	}
	if (w->n == w->cap) {
		w->cap = w->cap ? 2 * w->cap : 256;
		w->node = hg_xrealloc(w->node, w->cap * sizeof(struct node *));
	}
	w->node[w->n++] = n;
}

static struct node *
get_node(struct walk *w, struct hg_place *leaf, struct hg_place *file)
{
	struct node *n = hg_hmap_get(&w->ctx->nodes, hg_place_path(leaf));

	if (!n) {
		n = hg_xcalloc(1, sizeof(*n));
		n->leaf = leaf;
		hg_hmap_set(&w->ctx->nodes, hg_place_path(leaf), n);
		w->g->bytes += sizeof(*n) + 128;
	}
	if (n->file != file) {
		n->file = file;
		n->text = NULL;
	}
	return n;
}

static void
add_child(struct walk *w, struct node *n, struct node *child)
{
	if (n->n_children == n->cap_children) {
		n->cap_children = n->cap_children ? 2 * n->cap_children : 4;
		n->child = hg_xrealloc(
		    n->child, n->cap_children * sizeof(struct node *));
	}
	n->child[n->n_children++] = child;
	w->g->bytes += sizeof(struct node *);
}

/* ---- searching ---------------------------------------------------------- */

static void
need(struct hg_trail *trail, struct hg_place *p)
{
	if (trail->n_pass == trail->cap_pass) {
		trail->cap_pass = trail->cap_pass ? 2 * trail->cap_pass : 8;
		trail->pass = hg_xrealloc(trail->pass,
		    trail->cap_pass * sizeof(struct hg_place *));
	}
	trail->pass[trail->n_pass++] = p;
}

static void
rest_on(struct hg_trail *trail, struct hg_place *p)
{
	if (trail->n_seen == trail->cap_seen) {
		trail->cap_seen = trail->cap_seen ? 2 * trail->cap_seen : 16;
		trail->seen = hg_xrealloc(
		    trail->seen, trail->cap_seen * sizeof(*trail->seen));
	}
	trail->seen[trail->n_seen++] = hg_place_seen(p);
}

/* Is the name in that folder? Then it is taken. */
static bool
try(struct walk *w, const struct request *r, struct hg_place *folder)
{
	struct hg_place *file, *leaf;
	struct node *n;

	r->trail->leaf = NULL;
	file = hg_tree_find(w->g->tree, folder, r->name, r->trail);
	leaf = r->trail->leaf;
	if (!file || !leaf)
		return false;
	if (hg_place_kind(file) != HG_PLACE_FILE) {
		/* searched on, but it was seen */
		need(r->trail, file);
		return false;
	}
	rest_on(r->trail, leaf);
	if (file != leaf)
		rest_on(r->trail, file);
	if (r->kind == HG_REF_EXISTS || r->kind == HG_REF_ASSEMBLER) {
		need(r->trail, leaf);
		need(r->trail, file);
		return true;
	}
	n = get_node(w, leaf, file);
	if (r->parent)
		add_child(w, r->parent, n);
	else
		visit(w, n);
	return true;
}

/* Tries folders in order, up to the first that has it. */
static bool
try_all(struct walk *w, const struct request *r, struct hg_place *const *folder,
    size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (try(w, r, folder[i]) && r->kind != HG_REF_NEXT)
			return true;
	return false;
}

/* Looks for what a directive asks for; finding nothing is fine. */
static void
search(struct walk *w, const struct request *r, enum hg_ref_form form)
{
	const struct hg_graph_path *path = &w->ctx->path;
	struct hg_place *root = hg_tree_root(w->g->tree);

	if (hg_tree_work(w->g->tree) > MAX_WORK) {
		fail(w, HG_SCAN_limit);
		return;
	}
	if (*r->name == '/') {
		try(w, r, root);
		return;
	}
	if (form == HG_REF_QUOTE || r->kind == HG_REF_NEXT)
		if ((try(w, r, r->from) && r->kind != HG_REF_NEXT) ||
		    try_all(w, r, path->quote, path->n_quote))
			return;
	try_all(w, r, path->angle, path->n_angle);
}

/* ---- one node ----------------------------------------------------------- */

static enum hg_scan_reason
trouble_of(const struct walk *w, const struct hg_text *t)
{
	if (t->flags & HG_TEXT_LIMIT)
		return HG_SCAN_limit;
	if (t->flags & HG_TEXT_TIME)
		return HG_SCAN_time;
	if (t->flags & HG_TEXT_COMPUTED)
		return HG_SCAN_computed;
	if ((t->flags & HG_TEXT_TRIGRAPH) && w->job->trigraphs)
		return HG_SCAN_trigraphs;
	return HG_SCAN_scanned;
}

/* The text of a content, from memory if it was seen before. */
static const struct hg_text *
text_of(struct walk *w, const struct hg_content *c)
{
	char hex[HG_DIGEST_HEX_BYTES], key[2 * HG_DIGEST_HEX_BYTES];
	struct hg_text *t;

	hg_digest_hex(&c->digest, hex);
	memcpy(key, hex, sizeof(hex) - 1);
	memcpy(key + sizeof(hex) - 1, w->ctx->id, sizeof(w->ctx->id));
	t = hg_hmap_get(&w->g->texts, key);
	if (!t) {
		t = hg_text_new(c->p, c->n, w->ctx->known);
		hg_hmap_set(&w->g->texts, key, t);
		w->g->bytes += t->bytes + 2 * sizeof(key);
	}
	return t;
}

/* Sees to it that the node has the text that the file has now. */
static bool
read_node(struct walk *w, struct node *n)
{
	unsigned version = hg_place_version(w->g->tree, n->file);
	const struct hg_content *c;
	const struct hg_text *text;

	if (n->text && n->version == version)
		return true;
	if (hg_contents_get(
		w->g->contents, hg_place_path(n->file), HG_WANT_BYTES, &c,
		NULL))
		return fail(w, HG_SCAN_unread);
	if (c->n > MAX_TEXT_BYTES) {
		hg_contents_drop(w->g->contents, c);
		return fail(w, HG_SCAN_limit);
	}
	text = text_of(w, c);
	hg_contents_drop(w->g->contents, c);
	if (text != n->text)
		n->is_resolved = false;
	n->text = text;
	n->version = version;
	return true;
}

static bool
is_open_ref(const struct hg_ref *ref)
{
	return ref->form == HG_REF_MACRO || ref->kind == HG_REF_ASSEMBLER;
}

static bool
still_holds(struct walk *w, const struct node *n)
{
	for (size_t i = 0; i < n->trail.n_seen; i++)
		if (!hg_tree_holds(w->g->tree, &n->trail.seen[i]))
			return false;
	return true;
}

static void
resolve(struct walk *w, struct node *n)
{
	struct request r = {
		.from = hg_place_parent(n->leaf),
		.trail = &n->trail,
		.parent = n,
	};

	n->trail.n_pass = 0;
	n->trail.n_seen = 0;
	n->n_children = 0;
	n->is_open = false;
	for (size_t i = 0; i < n->text->n_refs; i++) {
		const struct hg_ref *ref = &n->text->ref[i];

		if (is_open_ref(ref)) {
			n->is_open = true;
			continue;
		}
		r.kind = ref->kind;
		r.name = ref->name;
		search(w, &r, ref->form);
	}
	n->is_resolved = true;
	w->g->bytes += n->trail.n_pass * sizeof(struct hg_place *) +
		       n->trail.n_seen * sizeof(struct hg_seen);
}

static bool
look_at(struct walk *w, struct node *n)
{
	enum hg_scan_reason trouble;

	if (!read_node(w, n))
		return false;
	trouble = trouble_of(w, n->text);
	if (trouble != HG_SCAN_scanned)
		return fail(w, trouble);
	if (!n->is_resolved || !still_holds(w, n))
		resolve(w, n);
	add_place(w, n->leaf);
	add_place(w, n->file);
	add_trail(w, &n->trail);
	for (size_t i = 0; i < n->n_children; i++)
		visit(w, n->child[i]);
	return w->reason == HG_SCAN_scanned;
}

/* ---- names that depend on the compile ----------------------------------- */

/* Looks for a name that one compile asks for, not to be remembered. */
static void
search_once(struct walk *w, struct hg_place *from, enum hg_ref_kind kind,
    enum hg_ref_form form, const char *name)
{
	struct hg_trail trail = { .pass = NULL };
	const struct request r = {
		.from = from,
		.kind = kind,
		.name = name,
		.trail = &trail,
	};

	search(w, &r, form);
	add_trail(w, &trail);
	hg_trail_release(&trail);
}

struct macro {
	struct hg_place *from;
	enum hg_ref_kind kind;
	int depth;
};

static void expand(struct walk *w, const struct macro *m, const char *name);

static void
expand_body(struct walk *w, const struct macro *m, const char *body)
{
	const struct macro inner = { m->from, m->kind, m->depth + 1 };
	size_t n = strlen(body);
	char *name;

	if (*body != '<' && *body != '"') {
		if (m->depth < MAX_ALIASES && *body)
			expand(w, &inner, body);
		return;
	}
	if (n < 3)
		return;
	name = hg_xstrndup(body + 1, n - 2);
	search_once(w, m->from, m->kind,
	    *body == '<' ? HG_REF_ANGLE : HG_REF_QUOTE, name);
	free(name);
}

/* Could the body of a -D be a header's name, or a macro's? */
static bool
is_plain_body(const char *body)
{
	size_t n = strlen(body);

	if (n > 2 && *body == '<')
		return strcspn(body, ">") == n - 1;
	if (n > 2 && *body == '"')
		return strcspn(body + 1, "\"") == n - 2;
	return n > 0 && (*body < '0' || *body > '9') &&
	       strspn(body, "abcdefghijklmnopqrstuvwxyz"
			    "ABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789") == n;
}

static void
expand_defines(struct walk *w, const struct macro *m, const char *name)
{
	size_t n = strlen(name);

	for (size_t i = 0; i < w->job->n_defines; i++) {
		const char *d = w->job->defines[i];

		if (strncmp(d, name, n) != 0)
			continue;
		if (d[n] == '=' && is_plain_body(d + n + 1))
			expand_body(w, m, d + n + 1);
		else if (d[n] == '=' || d[n] == '(' || d[n] == '\0')
			fail(w, HG_SCAN_computed);
	}
}

static int
by_name(const void *key, const void *macro)
{
	return strcmp(key, ((const struct hg_ref_macro *)macro)->name);
}

static void
expand_in(struct walk *w, const struct macro *m, const char *name,
    const struct hg_text *t)
{
	const struct hg_ref_macro *found = NULL, *end = t->macro + t->n_macros;

	if (t->n_macros > 0)
		found = bsearch(name, t->macro, t->n_macros,
		    sizeof(*t->macro), by_name);
	if (!found)
		return;
	while (found > t->macro && strcmp(found[-1].name, name) == 0)
		found--;
	for (; found < end && strcmp(found->name, name) == 0; found++)
		expand_body(w, m, found->body);
}

/*
 * All that the macro may stand for, as far as the files visited and the command
 * define it. One that nobody defines stands in a branch that is not taken.
 */
static void
expand(struct walk *w, const struct macro *m, const char *name)
{
	uint32_t hash = hg_text_hash(name, strlen(name));
	/* those that are found meanwhile have their turn in the next round */
	size_t n = w->done;

	expand_defines(w, m, name);
	for (size_t i = 0; i < n && w->reason == HG_SCAN_scanned; i++) {
		const struct hg_text *t = w->node[i]->text;

		if (hg_text_has_other(t, hash))
			fail(w, HG_SCAN_computed);
		else
			expand_in(w, m, name, t);
	}
}

static void
search_open(struct walk *w, const struct node *n)
{
	for (size_t i = 0; i < n->text->n_refs; i++) {
		const struct hg_ref *ref = &n->text->ref[i];
		const struct macro m = { hg_place_parent(n->leaf), ref->kind,
			0 };

		if (ref->form == HG_REF_MACRO)
			expand(w, &m, ref->name);
		else if (ref->kind == HG_REF_ASSEMBLER)
			search_once(w, w->job->cwd, ref->kind, ref->form,
			    ref->name);
	}
}

/* ---- the walk ----------------------------------------------------------- */

static void
look_at_all(struct walk *w)
{
	while (w->done < w->n && look_at(w, w->node[w->done]))
		w->done++;
}

/* Until nothing new turns up. */
static void
close_all(struct walk *w)
{
	size_t before;
	int rounds = 0;

	do {
		before = w->n;
		for (size_t i = 0; i < before; i++)
			if (w->node[i]->is_open &&
			    w->reason == HG_SCAN_scanned)
				search_open(w, w->node[i]);
		if (w->reason == HG_SCAN_scanned)
			look_at_all(w);
		if (++rounds > MAX_ROUNDS)
			fail(w, HG_SCAN_limit);
	} while (w->n > before && w->reason == HG_SCAN_scanned);
}

/* The files that the command names. */
static void
start(struct walk *w)
{
	const struct hg_graph_job *job = w->job;
	struct hg_trail trail = { .pass = NULL };
	const struct request r = {
		.from = job->cwd,
		.kind = HG_REF_INCLUDE,
		.name = job->source,
		.trail = &trail,
	};

	if (!try(w, &r,
		*job->source == '/' ? hg_tree_root(w->g->tree) : job->cwd))
		fail(w, HG_SCAN_unread);
	add_trail(w, &trail);
	hg_trail_release(&trail);
	if (job->predef)
		search_once(w, job->cwd, HG_REF_INCLUDE, HG_REF_ANGLE,
		    job->predef);
	for (size_t i = 0; i < job->n_files; i++)
		search_once(w, job->cwd, HG_REF_INCLUDE, HG_REF_QUOTE,
		    job->files[i]);
	for (size_t i = 0; i < job->n_more; i++)
		search_once(w, job->cwd, HG_REF_EXISTS, HG_REF_QUOTE,
		    job->more[i]);
}

enum hg_scan_reason
hg_graph_walk(struct hg_graph *g, struct hg_context *ctx,
    const struct hg_graph_job *job, struct hg_inputs *in)
{
	struct walk w = {
		.g = g,
		.ctx = ctx,
		.job = job,
		.in = in,
		.reason = HG_SCAN_scanned,
	};

	g->walk++;
	start(&w);
	if (w.reason == HG_SCAN_scanned)
		look_at_all(&w);
	if (w.reason == HG_SCAN_scanned)
		close_all(&w);
	free(w.node);
	return w.reason;
}
