/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Places hang in one hash table by folder and name. A folder's listing is kept
 * as hashes only: a wrong "perhaps" costs a look, and there is no wrong "no". When
 * a folder changes it is listed again, but what was found out by it stays good
 * unless a name turned up that was looked for in vain; so objects that a build
 * writes beside its sources disturb nobody.
 */
#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/alloc.h"
#include "lib/base/error.h"
#include "lib/base/file_sig.h"
#include "lib/base/limits.h"
#include "lib/base/strbuf.h"
#include "lib/base/time.h"
#include "services/agent/inputs.h"
#include "services/agent/tree.h"

/* As the kernel's. */
#define MAX_LINKS 40
/* A folder with more names is not listed: each name is looked for. */
#define MAX_NAMES 20000

/* A set of hashes; 0 is no member. */
struct hashes {
	uint64_t *slot;
	size_t cap;
	size_t n;
};

struct folder {
	/* what is in it; unless it is too large or not to be read */
	struct hashes names;
	bool is_listed;
	bool was_settled;
	struct hg_file_sig sig;
	/* the round in which the listing was compared */
	uint64_t compared;
	/* looked for and not in it */
	struct hashes vain;
};

struct hg_place {
	struct hg_place *parent;
	/* of the same bucket */
	struct hg_place *next;
	uint64_t hash;
	char *path;
	const char *name;
	enum hg_place_kind kind;
	struct hg_file_sig sig;
	bool is_settled;
	uint64_t looked;
	uint64_t added;
	/* changes when something else is here, or turned up in the folder */
	unsigned state;
	unsigned version;
	/* NULL while nothing is here */
	struct hg_input *input;
	struct folder *folder;
};

struct hg_tree {
	struct hg_place *root;
	struct hg_place **bucket;
	size_t buckets;
	size_t n;
	uint64_t round;
	uint64_t work;
	size_t bytes;
	bool is_stale;
};

/* ---- hashes ------------------------------------------------------------- */

static uint64_t
hash_of(const char *name, size_t n)
{
	uint64_t h = UINT64_C(14695981039346656037);

	for (size_t i = 0; i < n; i++)
		h = (h ^ (unsigned char)name[i]) * UINT64_C(1099511628211);
	h ^= h >> 29;
	return h ? h : 1;
}

static bool
hashes_have(const struct hashes *s, uint64_t hash)
{
	if (s->n == 0)
		return false;
	for (size_t i = hash & (s->cap - 1); s->slot[i];
	     i = (i + 1) & (s->cap - 1))
		if (s->slot[i] == hash)
			return true;
	return false;
}

static void
hashes_put(struct hashes *s, uint64_t hash)
{
	size_t i = hash & (s->cap - 1);

	while (s->slot[i])
		i = (i + 1) & (s->cap - 1);
	s->slot[i] = hash;
	s->n++;
}

static void
hashes_add(struct hashes *s, uint64_t hash)
{
	if (hashes_have(s, hash))
		return;
	if (2 * (s->n + 1) > s->cap) {
		struct hashes more = { .cap = s->cap ? 2 * s->cap : 16 };

		more.slot = hg_xcalloc(more.cap, sizeof(*more.slot));
		for (size_t i = 0; i < s->cap; i++)
			if (s->slot[i])
				hashes_put(&more, s->slot[i]);
		free(s->slot);
		*s = more;
	}
	hashes_put(s, hash);
}

static void
hashes_clear(struct hashes *s)
{
	free(s->slot);
	*s = (struct hashes){ .slot = NULL };
}

/* ---- looking ------------------------------------------------------------ */

static enum hg_place_kind
kind_of(mode_t mode)
{
	if (S_ISREG(mode))
		return HG_PLACE_FILE;
	if (S_ISDIR(mode))
		return HG_PLACE_FOLDER;
	return S_ISLNK(mode) ? HG_PLACE_LINK : HG_PLACE_OTHER;
}

static char *
read_link(const char *path)
{
	char buf[HG_MAX_PATH_BYTES];
	ssize_t n = readlink(path, buf, sizeof(buf));

	return n > 0 && (size_t)n < sizeof(buf) ? hg_xstrndup(buf, (size_t)n)
						: NULL;
}

/* What is here now is something else. */
static void
replace(struct hg_tree *t, struct hg_place *p, enum hg_place_kind kind)
{
	static const enum hg_input_kind kinds[] = {
		[HG_PLACE_FILE] = HG_INPUT_FILE,
		[HG_PLACE_LINK] = HG_INPUT_LINK,
		[HG_PLACE_FOLDER] = HG_INPUT_FOLDER,
		[HG_PLACE_OTHER] = HG_INPUT_OTHER,
	};
	char *target = NULL;

	if (kind == HG_PLACE_LINK) {
		target = read_link(p->path);
		if (!target)
			kind = HG_PLACE_NOTHING;
		t->is_stale |= p->folder != NULL;
	}
	hg_input_unref(p->input);
	p->input = kind == HG_PLACE_NOTHING
	    ? NULL
	    : hg_input_new(p->path, kinds[kind], target);
	p->kind = kind;
	p->state++;
}

static void
look(struct hg_tree *t, struct hg_place *p)
{
	enum hg_place_kind kind = HG_PLACE_NOTHING;
	struct hg_file_sig sig = { 0 };
	struct stat st;

	if (p->looked == t->round)
		return;
	p->looked = t->round;
	if (!hg_inputs_is_unreal(p->path) && lstat(p->path, &st) == 0) {
		hg_file_sig_of(&st, &sig);
		kind = kind_of(st.st_mode);
	}
	if (kind == p->kind && hg_file_sig_equal(&sig, &p->sig) && p->is_settled)
		return;
	p->is_settled = hg_file_sig_is_settled(&sig, hg_wall_ns());
	p->version++;
	/* a link with other times may lead elsewhere */
	if (kind != p->kind || kind == HG_PLACE_LINK)
		replace(t, p, kind);
	p->sig = sig;
}

/* ---- places ------------------------------------------------------------- */

static size_t
bucket_of(const struct hg_tree *t, const struct hg_place *parent, uint64_t hash)
{
	return (hash ^ ((uintptr_t)parent >> 4) * 31) & (t->buckets - 1);
}

static void
rehash(struct hg_tree *t, size_t buckets)
{
	struct hg_place **old = t->bucket;
	size_t n = t->buckets;

	t->bucket = hg_xcalloc(buckets, sizeof(struct hg_place *));
	t->buckets = buckets;
	for (size_t i = 0; i < n; i++) {
		struct hg_place *p = old[i], *next;

		for (; p; p = next) {
			size_t b = bucket_of(t, p->parent, p->hash);

			next = p->next;
			p->next = t->bucket[b];
			t->bucket[b] = p;
		}
	}
	free(old);
}

static struct hg_place *
get_place(const struct hg_tree *t, const struct hg_place *parent,
    const char *name, size_t n, uint64_t hash)
{
	struct hg_place *p = t->bucket[bucket_of(t, parent, hash)];

	while (p && (p->hash != hash || p->parent != parent ||
			strncmp(p->name, name, n) != 0 || p->name[n] != '\0'))
		p = p->next;
	return p;
}

static struct hg_place *
new_place(struct hg_tree *t, struct hg_place *parent, const char *name,
    size_t n, uint64_t hash)
{
	struct hg_place *p = hg_xcalloc(1, sizeof(*p));
	size_t above = parent->parent ? strlen(parent->path) : 0, b;

	p->parent = parent;
	p->hash = hash;
	p->path = hg_xmalloc(above + n + 2);
	memcpy(p->path, parent->path, above);
	p->path[above] = '/';
	memcpy(p->path + above + 1, name, n);
	p->path[above + 1 + n] = '\0';
	p->name = p->path + above + 1;
	if (t->n >= t->buckets)
		rehash(t, 2 * t->buckets);
	b = bucket_of(t, parent, hash);
	p->next = t->bucket[b];
	t->bucket[b] = p;
	t->n++;
	/* twice the path: the input has one too */
	t->bytes += sizeof(*p) + sizeof(struct hg_input) +
		    2 * (above + n + 2) + 64;
	return p;
}

static void
place_free(struct hg_place *p)
{
	if (p->folder) {
		hashes_clear(&p->folder->names);
		hashes_clear(&p->folder->vain);
		free(p->folder);
	}
	hg_input_unref(p->input);
	free(p->path);
	free(p);
}

/* ---- folders ------------------------------------------------------------ */

static bool
read_names(struct hg_place *p, struct hashes *ret)
{
	DIR *d = opendir(p->path);
	struct dirent *e;

	if (!d)
		return false;
	while ((e = readdir(d)) && ret->n <= MAX_NAMES)
		hashes_add(ret, hash_of(e->d_name, strlen(e->d_name)));
	closedir(d);
	return ret->n <= MAX_NAMES;
}

/* Has a name turned up that was looked for in vain? */
static bool
is_surprising(const struct folder *f, const struct hashes *names)
{
	for (size_t i = 0; i < f->vain.cap; i++)
		if (f->vain.slot[i] && hashes_have(names, f->vain.slot[i]))
			return true;
	return false;
}

/* The folder with a listing that is good for this round. */
static struct folder *
current_folder(struct hg_tree *t, struct hg_place *p)
{
	struct folder *f = p->folder;
	struct hashes names = { .slot = NULL };
	bool listed;

	if (!f) {
		f = p->folder = hg_xcalloc(1, sizeof(*f));
		t->bytes += sizeof(*f);
	}
	if (f->compared == t->round)
		return f;
	f->compared = t->round;
	if (f->was_settled && hg_file_sig_equal(&f->sig, &p->sig))
		return f;
	f->sig = p->sig;
	f->was_settled = hg_file_sig_is_settled(&p->sig, hg_wall_ns());
	listed = read_names(p, &names);
	if (!listed)
		hashes_clear(&names);
	if (f->vain.n > 0 && (!listed || is_surprising(f, &names))) {
		p->state++;
		hashes_clear(&f->vain);
	}
	t->bytes += (names.cap - f->names.cap) * sizeof(*names.slot);
	hashes_clear(&f->names);
	f->names = names;
	f->is_listed = listed;
	return f;
}

/* ---- trails ------------------------------------------------------------- */

static void
pass(struct hg_trail *trail, struct hg_place *p)
{
	if (!trail)
		return;
	if (trail->n_pass == trail->cap_pass) {
		trail->cap_pass = trail->cap_pass ? 2 * trail->cap_pass : 8;
		trail->pass = hg_xrealloc(trail->pass,
		    trail->cap_pass * sizeof(struct hg_place *));
	}
	trail->pass[trail->n_pass++] = p;
}

static void
saw(struct hg_trail *trail, struct hg_place *p)
{
	if (!trail)
		return;
	for (size_t i = trail->n_seen; i > 0 && i + 16 > trail->n_seen; i--)
		if (trail->seen[i - 1].place == p)
			return;
	if (trail->n_seen == trail->cap_seen) {
		trail->cap_seen = trail->cap_seen ? 2 * trail->cap_seen : 16;
		trail->seen = hg_xrealloc(
		    trail->seen, trail->cap_seen * sizeof(*trail->seen));
	}
	trail->seen[trail->n_seen++] = hg_place_seen(p);
}

void
hg_trail_release(struct hg_trail *trail)
{
	free(trail->pass);
	free(trail->seen);
	*trail = (struct hg_trail){ .pass = NULL };
}

/* ---- finding ------------------------------------------------------------ */

/* What has the name in a folder, or NULL. */
static struct hg_place *
child(struct hg_tree *t, struct hg_place *at, const char *name, size_t n,
    struct hg_trail *trail)
{
	uint64_t hash = hash_of(name, n);
	struct hg_place *p = get_place(t, at, name, n, hash);

	t->work++;
	look(t, at);
	if (at->kind != HG_PLACE_FOLDER) {
		saw(trail, at);
		return NULL;
	}
	if (!p) {
		struct folder *f = current_folder(t, at);

		if (strlen(at->path) + n + 1 >= HG_MAX_PATH_BYTES)
			return NULL;
		if (f->is_listed && !hashes_have(&f->names, hash)) {
			hashes_add(&f->vain, hash);
			t->bytes += sizeof(hash);
			saw(trail, at);
			return NULL;
		}
		p = new_place(t, at, name, n, hash);
	}
	look(t, p);
	if (p->kind != HG_PLACE_NOTHING)
		return p;
	saw(trail, p);
	return NULL;
}

/* target, and behind it what was left of the way. */
static char *
follow(const struct hg_place *link, const char *rest)
{
	const char *target = link->input->target;

	if (strlen(target) + strlen(rest) >= HG_MAX_PATH_BYTES)
		return NULL;
	return hg_xasprintf("%s%s", target, rest);
}

struct hg_place *
hg_tree_find(struct hg_tree *t, struct hg_place *from, const char *path,
    struct hg_trail *trail)
{
	struct hg_place *at = *path == '/' ? t->root : from, *start = at, *p;
	char *expanded = NULL, *next;
	const char *rest = path;
	bool has_leaf = false;
	int links = 0;

	for (;;) {
		size_t n;

		rest += strspn(rest, "/");
		n = strcspn(rest, "/");
		if (n == 0)
			break;
		if (n == 1 && rest[0] == '.') {
			rest++;
			continue;
		}
		if (n == 2 && rest[0] == '.' && rest[1] == '.') {
			pass(trail, at);
			at = at->parent ? at->parent : at;
			rest += 2;
			continue;
		}
		p = child(t, at, rest, n, trail);
		if (!p)
			goto nothing;
		rest += n;
		/* what is left behind a link ends as the path does */
		if (trail && !has_leaf && !rest[strspn(rest, "/")]) {
			trail->leaf = p;
			has_leaf = true;
		}
		if (p->kind != HG_PLACE_LINK) {
			at = p;
			continue;
		}
		pass(trail, p);
		saw(trail, p);
		next = ++links <= MAX_LINKS ? follow(p, rest) : NULL;
		free(expanded);
		expanded = next;
		if (!next)
			goto nothing;
		rest = next;
		if (*rest == '/')
			at = t->root;
	}
	free(expanded);
	return at;
nothing:
	/* some compilers look for the folder first */
	if (at != start)
		pass(trail, at);
	free(expanded);
	return NULL;
}

bool
hg_tree_holds(struct hg_tree *t, const struct hg_seen *seen)
{
	struct hg_place *p = seen->place;

	look(t, p);
	if (p->kind == HG_PLACE_FOLDER && p->folder)
		current_folder(t, p);
	return p->state == seen->state;
}

int
hg_tree_add(struct hg_tree *t, struct hg_place *place, struct hg_inputs *in,
    struct hg_error *err)
{
	int rc = 0;

	for (struct hg_place *p = place; rc == 0 && p->parent; p = p->parent) {
		if (p->added == t->round)
			break;
		look(t, p);
		p->added = t->round;
		if (p->input)
			rc = hg_inputs_share(in, p->input, err);
	}
	return rc;
}

enum hg_place_kind
hg_place_kind(const struct hg_place *p)
{
	return p->kind;
}

const char *
hg_place_path(const struct hg_place *p)
{
	return p->path;
}

struct hg_place *
hg_place_parent(const struct hg_place *p)
{
	return p->parent;
}

unsigned
hg_place_version(struct hg_tree *t, struct hg_place *p)
{
	look(t, p);
	return p->version;
}

struct hg_seen
hg_place_seen(struct hg_place *p)
{
	return (struct hg_seen){ p, p->state };
}

/* ---- the tree ----------------------------------------------------------- */

struct hg_tree *
hg_tree_new(void)
{
	struct hg_tree *t = hg_xcalloc(1, sizeof(*t));

	t->buckets = 1024;
	t->bucket = hg_xcalloc(t->buckets, sizeof(struct hg_place *));
	t->root = hg_xcalloc(1, sizeof(*t->root));
	t->root->path = hg_xstrdup("/");
	t->root->name = t->root->path;
	return t;
}

void
hg_tree_free(struct hg_tree *t)
{
	if (!t)
		return;
	for (size_t i = 0; i < t->buckets; i++) {
		struct hg_place *p = t->bucket[i], *next;

		for (; p; p = next) {
			next = p->next;
			place_free(p);
		}
	}
	place_free(t->root);
	free(t->bucket);
	free(t);
}

void
hg_tree_begin(struct hg_tree *t)
{
	t->round++;
	t->work = 0;
}

struct hg_place *
hg_tree_root(struct hg_tree *t)
{
	return t->root;
}

bool
hg_tree_is_stale(const struct hg_tree *t)
{
	return t->is_stale;
}

size_t
hg_tree_bytes(const struct hg_tree *t)
{
	return t->bytes;
}

uint64_t
hg_tree_work(const struct hg_tree *t)
{
	return t->work;
}
