/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A set holds the files that were read, as the checksum of their name and their
 * content's id, and the checksums of the names that were missing. Two names with
 * one checksum would give a wrong set; so would a link that a name with ".." in
 * it leads through. Neither gives a wrong object: the client compares what the
 * result's compile has seen with its own files, and compiles itself if that
 * differs.
 */
#include "config.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/alloc.h"
#include "lib/base/hmap.h"
#include "lib/base/path.h"
#include "lib/base/strbuf.h"
#include "lib/observe/observe.h"
#include "lib/toolchain/host_paths.h"
#include "lib/wire/wire.h"
#include "services/coordinator/deps.h"

/* Sets of one command: as many as a header's states that are switched between. */
#define MAX_SETS 8

struct read {
	uint64_t name;
	struct hg_content_id id;
};

struct set {
	/* the newest first */
	struct set *next;
	struct hg_digest kept;
	size_t n_reads;
	size_t n_absent;
	/* reads, then the names that were missing */
	struct read reads[];
};

struct command {
	/* towards the less and the more recently used */
	struct command *older;
	struct command *newer;
	struct set *sets;
	size_t n_sets;
	size_t bytes;
	char key[HG_DIGEST_HEX_BYTES];
};

struct hg_deps {
	size_t max_bytes;
	size_t bytes;
	struct hg_hmap table;
	struct command *oldest;
	struct command *newest;
};

static uint64_t *
absent_of(const struct set *s)
{
	return (uint64_t *)(uintptr_t)(s->reads + s->n_reads);
}

static size_t
size_of(const struct set *s)
{
	return sizeof(*s) + s->n_reads * sizeof(*s->reads) +
	    s->n_absent * sizeof(uint64_t);
}

/* ---- names ------------------------------------------------------------------ */

static void
plain_name(const char *cwd, const char *path, struct hg_strbuf *ret)
{
	char *joined = hg_path_join(cwd, path);

	hg_path_plain(joined, ret);
	free(joined);
}

/* The request as it is but for its list of inputs. */
static void
key_of(const struct hg_wire_compile *compile, char ret[HG_DIGEST_HEX_BYTES])
{
	struct hg_wire_compile bare = *compile;
	struct hg_strbuf packed = HG_STRBUF_INIT;
	struct hg_digest d;

	bare.input_list = (struct hg_content_id){ { 0 } };
	hg_wire_compile_pack(&bare, &packed);
	hg_digest_bytes(packed.buf, packed.len, &d);
	hg_digest_hex(&d, ret);
	hg_strbuf_release(&packed);
}

/* Rows of a list by the checksums of their names. */
struct rows {
	struct read *v;
	size_t n;
};

static int
by_name(const void *a, const void *b)
{
	const struct read *x = a, *y = b;

	return (x->name > y->name) - (x->name < y->name);
}

static struct rows
rows_of(const struct hg_wire_input_list *list)
{
	struct rows rows = { hg_xcalloc(list->n_inputs + 1, sizeof(*rows.v)),
		list->n_inputs };

	for (size_t i = 0; i < rows.n; i++) {
		const struct hg_wire_input *in = &list->inputs[i];

		rows.v[i].name = hg_checksum(in->path, strlen(in->path));
		rows.v[i].id = in->id;
	}
	qsort(rows.v, rows.n, sizeof(*rows.v), by_name);
	return rows;
}

static const struct read *
find_row(const struct rows *rows, uint64_t name)
{
	const struct read key = { .name = name };

	return bsearch(&key, rows->v, rows->n, sizeof(*rows->v), by_name);
}

/* ---- commands ----------------------------------------------------------------- */

struct hg_deps *
hg_deps_new(size_t max_bytes)
{
	struct hg_deps *d = hg_xcalloc(1, sizeof(*d));

	d->max_bytes = max_bytes;
	return d;
}

static void
unlist(struct hg_deps *d, struct command *c)
{
	*(c->older ? &c->older->newer : &d->oldest) = c->newer;
	*(c->newer ? &c->newer->older : &d->newest) = c->older;
	c->older = c->newer = NULL;
}

static void
list_newest(struct hg_deps *d, struct command *c)
{
	c->older = d->newest;
	*(d->newest ? &d->newest->newer : &d->oldest) = c;
	d->newest = c;
}

static void
drop_last_set(struct hg_deps *d, struct command *c)
{
	struct set **at = &c->sets, *last;

	while ((*at)->next)
		at = &(*at)->next;
	last = *at;
	*at = NULL;
	c->n_sets--;
	c->bytes -= size_of(last);
	d->bytes -= size_of(last);
	free(last);
}

static void
forget(struct hg_deps *d, struct command *c)
{
	while (c->sets)
		drop_last_set(d, c);
	hg_hmap_del(&d->table, c->key);
	unlist(d, c);
	d->bytes -= sizeof(*c);
	free(c);
}

void
hg_deps_free(struct hg_deps *d)
{
	if (!d)
		return;
	while (d->oldest)
		forget(d, d->oldest);
	hg_hmap_release(&d->table, NULL);
	free(d);
}

static struct command *
command_of(struct hg_deps *d, const char *key)
{
	struct command *c = hg_hmap_get(&d->table, key);

	if (c) {
		unlist(d, c);
	} else {
		c = hg_xcalloc(1, sizeof(*c));
		memcpy(c->key, key, sizeof(c->key));
		hg_hmap_set(&d->table, key, c);
		d->bytes += sizeof(*c);
	}
	list_newest(d, c);
	return c;
}

/* ---- adding ------------------------------------------------------------------- */

/* Takes one row of what was seen; false when the list does not tell it all. */
static bool
take_seen(struct set *s, const struct rows *rows,
    const struct hg_wire_observed *o, const char *name, uint64_t *absent)
{
	uint64_t sum = hg_checksum(name, strlen(name));
	const struct read *row;

	switch (o->kind) {
	case HG_OBSERVED_READ:
		if (hg_host_shows(name))
			return true;
		row = find_row(rows, sum);
		if (!row || !hg_content_id_is_set(&row->id))
			return false;
		s->reads[s->n_reads++] = *row;
		return true;
	case HG_OBSERVED_ABSENT:
		absent[s->n_absent++] = sum;
		return true;
	default:
		return true;
	}
}

static struct set *
new_set(const struct hg_wire_compile *compile,
    const struct hg_wire_input_list *list, const struct hg_wire_result *result)
{
	size_t n = result->n_observed;
	struct set *s = hg_xcalloc(
	    1, sizeof(*s) + n * (sizeof(*s->reads) + sizeof(uint64_t)));
	uint64_t *absent = hg_xcalloc(n + 1, sizeof(*absent));
	struct rows rows = rows_of(list);
	struct hg_strbuf name = HG_STRBUF_INIT;
	bool whole = n > 0;

	for (size_t i = 0; whole && i < n; i++) {
		plain_name(compile->cwd, result->observed[i].path, &name);
		whole = take_seen(
		    s, &rows, &result->observed[i], name.buf, absent);
	}
	memcpy(absent_of(s), absent, s->n_absent * sizeof(*absent));
	hg_strbuf_release(&name);
	free(absent);
	free(rows.v);
	if (whole)
		return hg_xrealloc(s, size_of(s));
	free(s);
	return NULL;
}

void
hg_deps_add(struct hg_deps *d, const struct hg_wire_compile *compile,
    const struct hg_wire_input_list *list, const struct hg_wire_result *result,
    const struct hg_digest *kept)
{
	struct set *s = new_set(compile, list, result);
	char key[HG_DIGEST_HEX_BYTES];
	struct command *c;

	if (!s)
		return;
	s->kept = *kept;
	key_of(compile, key);
	c = command_of(d, key);
	s->next = c->sets;
	c->sets = s;
	c->n_sets++;
	c->bytes += size_of(s);
	d->bytes += size_of(s);
	if (c->n_sets > MAX_SETS)
		drop_last_set(d, c);
	while (d->bytes > d->max_bytes && d->oldest)
		forget(d, d->oldest);
}

/* ---- finding ------------------------------------------------------------------ */

bool
hg_deps_knows(struct hg_deps *d, const struct hg_wire_compile *compile)
{
	char key[HG_DIGEST_HEX_BYTES];

	key_of(compile, key);
	return hg_hmap_get(&d->table, key) != NULL;
}

static bool
fits(const struct set *s, const struct rows *rows)
{
	const uint64_t *absent = absent_of(s);

	for (size_t i = 0; i < s->n_reads; i++) {
		const struct read *row = find_row(rows, s->reads[i].name);

		if (!row || !hg_content_id_equal(&row->id, &s->reads[i].id))
			return false;
	}
	for (size_t i = 0; i < s->n_absent; i++)
		if (find_row(rows, absent[i]))
			return false;
	return true;
}

bool
hg_deps_find(struct hg_deps *d, const struct hg_wire_compile *compile,
    const struct hg_wire_input_list *list,
    bool (*found)(void *arg, const struct hg_digest *kept), void *arg)
{
	char key[HG_DIGEST_HEX_BYTES];
	struct rows rows;
	struct command *c;
	bool done = false;

	key_of(compile, key);
	if (!hg_hmap_get(&d->table, key))
		return false;
	c = command_of(d, key);
	rows = rows_of(list);
	for (struct set *s = c->sets; s && !done; s = s->next)
		done = fits(s, &rows) && found(arg, &s->kept);
	free(rows.v);
	return done;
}
