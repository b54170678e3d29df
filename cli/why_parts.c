/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Comparing the parts of two keys. What both have is crossed out; of what is
 * left, a part that is gone and a new one that belong together (the same
 * variable, an option with another value) make one difference.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "cli/why.h"
#include "lib/base/alloc.h"

enum part_kind {
	VALUE,
	CONTENT,
	OPAQUE,
	WORD,
	VARIABLE,
};

struct part_row {
	const char *field;
	enum part_kind kind;
	const char *text;
};

static const struct part_row rows[] = {
#define HG_WHY_PART(field, kind, text) { field, kind, text },
#include "cli/why.def"
};

struct part {
	struct hg_record_field f;
	/* what a CONTENT is the content of */
	const char *subject;
	bool done;
};

struct parts {
	struct part *v;
	size_t n;
};

static struct part_row
row_of(const char *field)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		if (strcmp(rows[i].field, field) == 0)
			return rows[i];
	return (struct part_row){ field, VALUE, field };
}

static void
take_apart(const struct hg_record *r, struct parts *ret)
{
	size_t at = 0, cap = 0;
	struct hg_record_field f;

	memset(ret, 0, sizeof(*ret));
	while (hg_record_next(r, &at, &f)) {
		if (ret->n == cap) {
			cap = cap ? 2 * cap : 64;
			ret->v = hg_xrealloc(ret->v, cap * sizeof(*ret->v));
		}
		ret->v[ret->n] = (struct part){ .f = f, .subject = "" };
		if (ret->n > 0)
			ret->v[ret->n].subject = ret->v[ret->n - 1].f.p;
		ret->n++;
	}
}

static bool
is_same(const struct part *a, const struct part *b)
{
	return a->f.n == b->f.n && strcmp(a->f.name, b->f.name) == 0 &&
	    memcmp(a->f.p, b->f.p, a->f.n) == 0;
}

/* Crosses out what both have; true when that stood in the same order. */
static bool
cross_out(struct parts *was, struct parts *now)
{
	bool in_order = true;
	size_t next = 0;

	for (size_t i = 0; i < was->n; i++) {
		for (size_t k = 0; k < now->n; k++) {
			/* most likely it stands behind the one before */
			size_t j = (next + k) % now->n;

			if (now->v[j].done || !is_same(&was->v[i], &now->v[j]))
				continue;
			was->v[i].done = now->v[j].done = true;
			in_order &= j >= next;
			next = j + 1;
			break;
		}
	}
	return in_order;
}

/*
 * How much of a part says which one it is: a variable's name; of an argument
 * what stands before '=', else a letter that takes a value.
 */
static size_t
stem(enum part_kind kind, const char *s)
{
	size_t n = strcspn(s, "=");

	if (kind == WORD && s[n] != '=' && s[0] == '-' && s[1] != '\0' &&
	    strchr("IOLBFTlgx", s[1]))
		return 2;
	return kind == WORD || kind == VARIABLE ? n : 0;
}

static bool
belong_together(enum part_kind kind, const struct part *a, const struct part *b)
{
	size_t n = stem(kind, a->f.p);

	return strcmp(a->f.name, b->f.name) == 0 &&
	    n == stem(kind, b->f.p) && memcmp(a->f.p, b->f.p, n) == 0;
}

static size_t
count_left(const struct parts *p, const char *field)
{
	size_t n = 0;

	for (size_t i = 0; i < p->n; i++)
		n += !p->v[i].done && strcmp(p->v[i].f.name, field) == 0;
	return n;
}

/* The one that took the place of part a, or NULL. */
static struct part *
successor(const struct parts *was, const struct part *a,
    const struct parts *now)
{
	enum part_kind kind = row_of(a->f.name).kind;
	bool single = kind == WORD && count_left(was, a->f.name) == 1 &&
	    count_left(now, a->f.name) == 1;

	for (size_t i = 0; i < now->n; i++) {
		struct part *b = &now->v[i];

		if (b->done || strcmp(a->f.name, b->f.name) != 0)
			continue;
		if (single || belong_together(kind, a, b))
			return b;
	}
	return NULL;
}

/* ---- words ------------------------------------------------------------- */

/* "inc" of "CPATH=inc" */
static const char *
value_of(const char *variable)
{
	const char *eq = strchr(variable, '=');

	return eq ? eq + 1 : "";
}

static char *
text_of_word(const char *noun, const char *was, const char *now)
{
	if (!was)
		return hg_xasprintf("%s %s is new", noun, now);
	if (!now)
		return hg_xasprintf("%s %s is gone", noun, was);
	return hg_xasprintf("%s %s is now %s", noun, was, now);
}

static char *
text_of_variable(const char *noun, const char *was, const char *now)
{
	const char *any = now ? now : was;
	int n = (int)strcspn(any, "=");

	if (!was)
		return hg_xasprintf("%s %.*s was not set, and is now '%s'",
		    noun, n, any, value_of(now));
	if (!now)
		return hg_xasprintf("%s %.*s was '%s', and is not set now",
		    noun, n, any, value_of(was));
	return hg_xasprintf("%s %.*s was '%s', and is now '%s'", noun, n, any,
	    value_of(was), value_of(now));
}

static char *
text_of_value(const char *noun, const char *was, const char *now)
{
	if (!was)
		return hg_xasprintf("%s did not count, and is now %s", noun, now);
	if (!now)
		return hg_xasprintf("%s was %s, and does not count now", noun, was);
	return hg_xasprintf("%s was %s, and is now %s", noun, was, now);
}

static char *
describe(const struct part_row *row, const struct part *was,
    const struct part *now)
{
	const char *a = was ? was->f.p : NULL, *b = now ? now->f.p : NULL;

	switch (row->kind) {
	case WORD:
		return text_of_word(row->text, a, b);
	case VARIABLE:
		return text_of_variable(row->text, a, b);
	case VALUE:
		return text_of_value(row->text, a, b);
	case CONTENT:
		return hg_xasprintf("%s %s has other content", row->text,
		    (now ? now : was)->subject);
	case OPAQUE:
		break;
	}
	return hg_xasprintf("%s is another", row->text);
}

static void
add_change(struct hg_changes *c, const struct part *was, const struct part *now)
{
	const char *field = (was ? was : now)->f.name;
	struct part_row row = row_of(field);
	bool shown = row.kind != CONTENT && row.kind != OPAQUE;
	struct hg_change *change;
	char *text = describe(&row, was, now);

	/* a processor's many registers are one difference */
	for (size_t i = 0; i < c->n; i++)
		if (strcmp(c->v[i].text, text) == 0) {
			free(text);
			return;
		}
	c->v = hg_xrealloc(c->v, (c->n + 1) * sizeof(*c->v));
	change = &c->v[c->n++];
	change->field = hg_xstrdup(field);
	change->was = was && shown ? hg_xstrdup(was->f.p) : NULL;
	change->now = now && shown ? hg_xstrdup(now->f.p) : NULL;
	change->text = text;
}

/* ---- the whole --------------------------------------------------------- */

void
hg_changes_find(const struct hg_record *was, const struct hg_record *now,
    struct hg_changes *ret)
{
	struct parts a, b;
	bool in_order;

	memset(ret, 0, sizeof(*ret));
	take_apart(was, &a);
	take_apart(now, &b);
	in_order = cross_out(&a, &b);
	for (size_t i = 0; i < a.n; i++) {
		struct part *next;

		if (a.v[i].done)
			continue;
		next = successor(&a, &a.v[i], &b);
		add_change(ret, &a.v[i], next);
		a.v[i].done = true;
		if (next)
			next->done = true;
	}
	for (size_t i = 0; i < b.n; i++)
		if (!b.v[i].done)
			add_change(ret, NULL, &b.v[i]);
	if (ret->n == 0 && !in_order) {
		ret->v = hg_xcalloc(1, sizeof(*ret->v));
		ret->n = 1;
		ret->v[0].field = hg_xstrdup("order");
		ret->v[0].text =
		    hg_xstrdup("the arguments stand in another order");
	}
	free(a.v);
	free(b.v);
}

void
hg_changes_release(struct hg_changes *c)
{
	for (size_t i = 0; i < c->n; i++) {
		free(c->v[i].field);
		free(c->v[i].was);
		free(c->v[i].now);
		free(c->v[i].text);
	}
	free(c->v);
	memset(c, 0, sizeof(*c));
}
