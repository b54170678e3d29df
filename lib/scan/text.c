/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A lexer that knows of C and of assembler just what is needed to find
 * directives: comments, literals, raw strings, line splices. Everything else is
 * passed over. Line splices are taken out first, in a copy. Names are kept as
 * offsets while the buffer of names grows, and become pointers at the end.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/alloc.h"
#include "lib/base/strbuf.h"
#include "lib/scan/macros.h"
#include "lib/scan/text.h"

/* Directives of one file, and conditions within each other. */
#define MAX_REFS   20000
#define MAX_MACROS 200000
#define MAX_DEPTH  1000
/* A header's name; longer ones cannot be opened. */
#define MAX_NAME_BYTES 4095

enum {
	BLANK = 1 << 0,
	LETTER = 1 << 1,
	DIGIT = 1 << 2,
	/* ends a run of bytes that mean nothing */
	STOP = 1 << 3,
};

/* Bytes beyond ASCII may be part of names. */
static const unsigned char class[256] = {
	['\t'] = BLANK,
	['\v'] = BLANK,
	['\f'] = BLANK,
	['\r'] = BLANK,
	[' '] = BLANK,
	['\n'] = STOP,
	['"'] = STOP,
	['\''] = STOP,
	['/'] = STOP,
	['.'] = STOP,
	['$'] = LETTER | STOP,
	['_'] = LETTER | STOP,
	['0' ... '9'] = DIGIT | STOP,
	['A' ... 'Z'] = LETTER | STOP,
	['a' ... 'z'] = LETTER | STOP,
	[0x80 ... 0xff] = LETTER | STOP,
};

/* One #if and what belongs to it. */
struct branch {
	/* the text around it counts */
	bool outer;
	/* this part of it counts */
	bool live;
	/* a part that counts for certain was there: the others do not */
	bool settled;
};

struct offset_ref {
	enum hg_ref_kind kind;
	enum hg_ref_form form;
	size_t name;
};

struct offset_macro {
	size_t name;
	size_t body;
};

struct lexer {
	const char *p;
	const char *end;
	const struct hg_macros *known;
	struct branch branch[MAX_DEPTH];
	size_t depth;
	unsigned flags;
	struct hg_strbuf names;
	/* the rest of a directive */
	struct hg_strbuf line;
	struct offset_ref *ref;
	size_t n_refs, cap_refs;
	struct offset_macro *macro;
	size_t n_macros, cap_macros;
	uint32_t *other;
	size_t n_others, cap_others;
};

uint32_t
hg_text_hash(const char *name, size_t n)
{
	uint32_t h = 2166136261u;

	for (size_t i = 0; i < n; i++)
		h = (h ^ (unsigned char)name[i]) * 16777619u;
	return h;
}

static bool
is(int c, int what)
{
	return (class[(unsigned char)c] & what) != 0;
}

static bool
is_word(const char *p, size_t n, const char *word)
{
	return strlen(word) == n && memcmp(p, word, n) == 0;
}

static bool
is_live(const struct lexer *l)
{
	return l->depth == 0 || l->branch[l->depth - 1].live;
}

/* Room for one more; false beyond the limit. */
static bool
reserve(struct lexer *l, void **v, size_t *cap, size_t n, size_t size, size_t max)
{
	if (n >= max) {
		l->flags |= HG_TEXT_LIMIT;
		return false;
	}
	if (n == *cap) {
		*cap = *cap ? 2 * *cap : 16;
		*v = hg_xrealloc(*v, *cap * size);
	}
	return true;
}

static size_t
keep_name(struct lexer *l, const char *p, size_t n)
{
	size_t at = l->names.len;

	hg_strbuf_add(&l->names, p, n);
	hg_strbuf_addc(&l->names, '\0');
	return at;
}

static void
add_ref(struct lexer *l, enum hg_ref_kind kind, enum hg_ref_form form,
    const char *name, size_t n)
{
	if (n == 0 || n > MAX_NAME_BYTES || memchr(name, '\0', n) ||
	    !reserve(l, (void **)&l->ref, &l->cap_refs, l->n_refs,
		sizeof(*l->ref), MAX_REFS))
		return;
	l->ref[l->n_refs++] =
	    (struct offset_ref){ kind, form, keep_name(l, name, n) };
}

/* ---- passing over ------------------------------------------------------- */

/* From behind the opening to behind the end. */
static void
skip_comment(struct lexer *l)
{
	const char *p = l->p;

	while (p < l->end) {
		p = memchr(p, '*', (size_t)(l->end - p));
		if (!p) {
			p = l->end;
			break;
		}
		p++;
		if (*p == '/') {
			p++;
			break;
		}
	}
	l->p = p;
}

static void
skip_to_newline(struct lexer *l)
{
	const char *p = memchr(l->p, '\n', (size_t)(l->end - l->p));

	l->p = p ? p : l->end;
}

/* A comment, if one is here. */
static bool
took_comment(struct lexer *l)
{
	if (l->p[0] != '/' || (l->p[1] != '*' && l->p[1] != '/'))
		return false;
	l->p += 2;
	if (l->p[-1] == '*')
		skip_comment(l);
	else
		skip_to_newline(l);
	return true;
}

/* Blanks and comments; these may go over ends of lines. */
static void
skip_blanks(struct lexer *l)
{
	while (is(*l->p, BLANK) || took_comment(l))
		l->p += is(*l->p, BLANK);
}

/* A literal that ends at its quote, or else with the line. */
static void
skip_literal(struct lexer *l)
{
	char quote = *l->p++;

	for (; l->p < l->end && *l->p != '\n'; l->p++) {
		if (*l->p == quote) {
			l->p++;
			return;
		}
		if (*l->p == '\\' && l->p[1] != '\n')
			l->p++;
	}
	if (l->p > l->end)
		l->p = l->end;
}

/* R"delim( ... )delim", from its quote on; false if it is none. */
static bool
took_raw_string(struct lexer *l)
{
	const char *open = l->p + 1, *p;
	size_t n = strcspn(open, "()\\ \t\v\f\n\"");

	if (open[n] != '(' || n > 16)
		return false;
	for (p = open + n; p < l->end; p++) {
		p = memchr(p, ')', (size_t)(l->end - p));
		if (!p)
			return false;
		if ((size_t)(l->end - p) > n + 1 &&
		    memcmp(p + 1, open, n) == 0 && p[n + 1] == '"') {
			l->p = p + n + 2;
			return true;
		}
	}
	return false;
}

/* ---- assembler ---------------------------------------------------------- */

/*
 * What follows .incbin: a name between quotes, which in a string of C have
 * backslashes. A name that is put together by macros or operands is not found;
 * no preprocessor would either.
 */
static void
assembler_name(struct lexer *l, const char *p, const char *end)
{
	const char *start, *quote;

	while (p < end && is(*p, BLANK))
		p++;
	p += p < end && *p == '\\';
	start = p + 1;
	if (p >= end || *p != '"')
		return;
	quote = memchr(start, '"', (size_t)(end - start));
	if (quote && quote > start)
		add_ref(l, HG_REF_ASSEMBLER, HG_REF_QUOTE, start,
		    (size_t)(quote - start) - (quote[-1] == '\\'));
}

/* Directives of the assembler between p and end. */
static void
look_for_assembler(struct lexer *l, const char *p, const char *end)
{
	while (p < end && (p = memchr(p, '.', (size_t)(end - p)))) {
		size_t n = 1;

		while (p + n < end && is(p[n], LETTER))
			n++;
		if (is_word(p, n, ".incbin") || is_word(p, n, ".include"))
			assembler_name(l, p + n, end);
		p += n;
	}
}

/* In assembler itself the name follows outside of any string. */
static void
assembler_word(struct lexer *l)
{
	const char *start = l->p++;

	while (is(*l->p, LETTER))
		l->p++;
	if (is_word(start, (size_t)(l->p - start), ".incbin") ||
	    is_word(start, (size_t)(l->p - start), ".include")) {
		skip_blanks(l);
		/* a member of that name, in C, has no string behind it */
		if (*l->p == '"') {
			const char *name = l->p;

			skip_literal(l);
			assembler_name(l, name, l->p);
		}
	}
}

/* ---- tokens ------------------------------------------------------------- */

static void
string(struct lexer *l)
{
	const char *start = l->p;

	skip_literal(l);
	if (is_live(l))
		look_for_assembler(l, start + 1, l->p);
}

static void
word(struct lexer *l)
{
	const char *start = l->p;
	size_t n;

	while (is(*l->p, LETTER | DIGIT))
		l->p++;
	n = (size_t)(l->p - start);
	if (*l->p == '"' && n <= 3 && start[n - 1] == 'R') {
		const char *raw = l->p;

		if (took_raw_string(l) && is_live(l))
			look_for_assembler(l, raw, l->p);
	} else if (*start == '_' && start[1] == '_' && is_live(l) &&
	    (is_word(start, n, "__DATE__") || is_word(start, n, "__TIME__") ||
		is_word(start, n, "__TIMESTAMP__"))) {
		l->flags |= HG_TEXT_TIME;
	}
}

static void
number(struct lexer *l)
{
	while (is(*l->p, LETTER | DIGIT) || *l->p == '.' ||
	    (*l->p == '\'' && is(l->p[1], LETTER | DIGIT)))
		l->p++;
}

/* To the next line, with an eye on what is in the way. */
static void
rest_of_line(struct lexer *l)
{
	while (l->p < l->end) {
		char c = *l->p;

		if (!is(c, STOP))
			l->p++;
		else if (is(c, LETTER))
			word(l);
		else if (is(c, DIGIT))
			number(l);
		else if (c == '\n')
			break;
		else if (c == '"')
			string(l);
		else if (c == '\'')
			skip_literal(l);
		else if (c == '.')
			assembler_word(l);
		else if (!took_comment(l))
			l->p++;
	}
	l->p += l->p < l->end;
}

/* ---- directives --------------------------------------------------------- */

/* The rest of the directive without comments; l->p stays where it is. */
static const char *
look_at_line(struct lexer *l)
{
	const char *from = l->p;

	hg_strbuf_reset(&l->line);
	while (l->p < l->end && *l->p != '\n') {
		const char *start = l->p;

		if (took_comment(l)) {
			hg_strbuf_addc(&l->line, ' ');
			continue;
		}
		if (*l->p == '"' || *l->p == '\'')
			skip_literal(l);
		else
			l->p++;
		hg_strbuf_add(&l->line, start, (size_t)(l->p - start));
	}
	l->p = from;
	while (l->line.len > 0 && is(l->line.buf[l->line.len - 1], BLANK))
		hg_strbuf_setlen(&l->line, l->line.len - 1);
	return l->line.buf;
}

static size_t
name_length(const char *p)
{
	size_t n = 0;

	while (is(p[n], LETTER | DIGIT))
		n++;
	return is(*p, DIGIT) ? 0 : n;
}

/*
 * Adds the file that stands at p, up to the NUL: <...>, "..." or a macro. Returns
 * behind it.
 */
static const char *
header_name(struct lexer *l, enum hg_ref_kind kind, const char *p)
{
	const char *close;
	size_t n;

	while (is(*p, BLANK))
		p++;
	if (*p == '<' || *p == '"') {
		close = strchr(p + 1, *p == '<' ? '>' : '"');
		if (!close)
			return p;
		add_ref(l, kind, *p == '<' ? HG_REF_ANGLE : HG_REF_QUOTE, p + 1,
		    (size_t)(close - p - 1));
		return close + 1;
	}
	n = name_length(p);
	close = p + n + strspn(p + n, " \t");
	/* a call of a macro, or several tokens */
	if (n == 0 || (*close != '\0' && *close != ')'))
		l->flags |= HG_TEXT_COMPUTED;
	else
		add_ref(l, kind, HG_REF_MACRO, p, n);
	return p + n;
}

static void
include(struct lexer *l, enum hg_ref_kind kind)
{
	const char *p, *newline;
	struct hg_strbuf name = HG_STRBUF_INIT;

	skip_blanks(l);
	p = l->p;
	/* what looks like a comment in a name is none */
	if (*p == '<' || *p == '"') {
		newline = memchr(p, '\n', (size_t)(l->end - p));
		hg_strbuf_add(
		    &name, p, (size_t)((newline ? newline : l->end) - p));
	} else {
		hg_strbuf_adds(&name, look_at_line(l));
	}
	/* parameters may follow the name of what is embedded */
	if (kind == HG_REF_EXISTS && is(name.buf[0], LETTER))
		hg_strbuf_setlen(&name, name_length(name.buf));
	if (name.len > 0)
		header_name(l, kind, name.buf);
	hg_strbuf_release(&name);
}

static void
add_other(struct lexer *l, const char *name, size_t n)
{
	if (reserve(l, (void **)&l->other, &l->cap_others, l->n_others,
		sizeof(*l->other), MAX_MACROS))
		l->other[l->n_others++] = hg_text_hash(name, n);
}

static bool
may_name_header(const char *body, size_t n)
{
	if (n > MAX_NAME_BYTES || memchr(body, '\0', n))
		return false;
	if (n > 2 && body[0] == '<')
		return strcspn(body, ">") == n - 1;
	if (n > 2 && body[0] == '"')
		return strcspn(body + 1, "\"") == n - 2;
	return n > 0 && name_length(body) == n;
}

static void
define(struct lexer *l)
{
	const char *line, *body;
	size_t n, length;

	skip_blanks(l);
	line = look_at_line(l);
	n = name_length(line);
	if (n == 0)
		return;
	body = line + n + strspn(line + n, " \t\v\f\r");
	length = l->line.len - (size_t)(body - line);
	if (line[n] == '(' || !may_name_header(body, length)) {
		add_other(l, line, n);
	} else if (reserve(l, (void **)&l->macro, &l->cap_macros, l->n_macros,
		       sizeof(*l->macro), MAX_MACROS)) {
		struct offset_macro *m = &l->macro[l->n_macros++];

		m->name = keep_name(l, line, n);
		m->body = keep_name(l, body, length);
	}
}

/* What stands in parentheses at p. Returns behind it. */
static const char *
asked_file(struct lexer *l, enum hg_ref_kind kind, const char *p)
{
	p += strspn(p, " \t");
	return *p == '(' ? header_name(l, kind, p + 1) : p;
}

/*
 * Files that a condition asks for. A string has no other use there, nor has <
 * behind a parenthesis, so that macros around __has_include do not matter.
 */
static void
condition_files(struct lexer *l, const char *expression)
{
	for (const char *p = expression; *p;) {
		size_t n = name_length(p), skip = 0;

		if (*p == '"') {
			p = header_name(l, HG_REF_EXISTS, p);
			p += *p != '\0';
			continue;
		}
		if (*p == '(') {
			skip = 1 + strspn(p + 1, " \t");
			if (p[skip] == '<')
				p = header_name(l, HG_REF_EXISTS, p + skip);
			else
				p++;
			continue;
		}
		if (is_word(p, n, "__has_include") ||
		    is_word(p, n, "__has_embed"))
			p = asked_file(l, HG_REF_EXISTS, p + n);
		else if (is_word(p, n, "__has_include_next"))
			p = asked_file(l, HG_REF_NEXT, p + n);
		else
			p += n ? n : 1;
	}
}

static enum hg_truth
inverse(enum hg_truth t)
{
	if (t == HG_UNKNOWN)
		return t;
	return t == HG_TRUE ? HG_FALSE : HG_TRUE;
}

/* What the condition behind the directive comes to. */
static enum hg_truth
decide(struct lexer *l, const char *directive, size_t n)
{
	const char *line;
	bool inverted;

	skip_blanks(l);
	line = look_at_line(l);
	if (is_word(directive, n, "if") || is_word(directive, n, "elif")) {
		condition_files(l, line);
		return hg_macros_decide(l->known, line);
	}
	inverted = is_word(directive, n, "ifndef") ||
		   is_word(directive, n, "elifndef");
	return inverted
	    ? inverse(hg_macros_defined(l->known, line, name_length(line)))
	    : hg_macros_defined(l->known, line, name_length(line));
}

static void
condition(struct lexer *l, const char *directive, size_t n)
{
	bool outer = is_live(l);
	enum hg_truth t = outer ? decide(l, directive, n) : HG_FALSE;

	if (l->depth >= MAX_DEPTH) {
		l->flags |= HG_TEXT_LIMIT;
		return;
	}
	l->branch[l->depth++] = (struct branch){
		.outer = outer,
		.live = outer && t != HG_FALSE,
		.settled = t == HG_TRUE,
	};
}

static void
other_branch(struct lexer *l, const char *directive, size_t n)
{
	struct branch *b;
	enum hg_truth t = HG_TRUE;

	if (l->depth == 0)
		return;
	b = &l->branch[l->depth - 1];
	b->live = b->outer && !b->settled;
	if (!b->live)
		return;
	if (!is_word(directive, n, "else"))
		t = decide(l, directive, n);
	b->live = t != HG_FALSE;
	b->settled = t == HG_TRUE;
}

static const struct {
	const char *name;
	enum hg_ref_kind kind;
} includes[] = {
	{ "include", HG_REF_INCLUDE },
	{ "include_next", HG_REF_NEXT },
	{ "import", HG_REF_INCLUDE },
	{ "embed", HG_REF_EXISTS },
};

/* #pragma GCC dependency "file" looks at the file's time. */
static void
pragma(struct lexer *l)
{
	const char *line = look_at_line(l), *p = strstr(line, "dependency");

	if (p && strncmp(line + strspn(line, " \t"), "GCC", 3) == 0) {
		p += strlen("dependency");
		p += strspn(p, " \t");
		if (*p == '"' || *p == '<')
			header_name(l, HG_REF_EXISTS, p);
	}
}

static void
live_directive(struct lexer *l, const char *name, size_t n)
{
	for (size_t i = 0; i < sizeof(includes) / sizeof(*includes); i++)
		if (is_word(name, n, includes[i].name)) {
			include(l, includes[i].kind);
			return;
		}
	if (is_word(name, n, "define"))
		define(l);
	else if (is_word(name, n, "pragma"))
		pragma(l);
}

/* From behind the # on. */
static void
directive(struct lexer *l)
{
	const char *name;
	size_t n;

	skip_blanks(l);
	name = l->p;
	n = name_length(name);
	l->p += n;
	if (n >= 2 && memcmp(name, "if", 2) == 0)
		condition(l, name, n);
	else if (n >= 4 && memcmp(name, "el", 2) == 0)
		other_branch(l, name, n);
	else if (is_word(name, n, "endif"))
		l->depth -= l->depth > 0;
	else if (is_live(l))
		live_directive(l, name, n);
	rest_of_line(l);
}

static void
lex(struct lexer *l)
{
	while (l->p < l->end) {
		skip_blanks(l);
		if (*l->p == '#') {
			l->p++;
			directive(l);
		} else if (l->p[0] == '%' && l->p[1] == ':') {
			l->p += 2;
			directive(l);
		} else if (strncmp(l->p, "?\?=", 3) == 0) {
			l->p += 3;
			directive(l);
		} else {
			rest_of_line(l);
		}
	}
}

/* ---- the text ----------------------------------------------------------- */

/*
 * Copies text, joining lines that end in a backslash (blanks behind it do not
 * count), and sees to it that it ends with a newline and a NUL.
 */
static void
join_lines(const char *p, size_t n, struct hg_strbuf *out)
{
	const char *end = p + n;

	hg_strbuf_grow(out, n + 2);
	while (p < end) {
		const char *slash = memchr(p, '\\', (size_t)(end - p)), *q;

		if (!slash)
			break;
		for (q = slash + 1; q < end && is(*q, BLANK);)
			q++;
		if (q < end && *q == '\n') {
			hg_strbuf_add(out, p, (size_t)(slash - p));
			p = q + 1;
		} else {
			hg_strbuf_add(out, p, (size_t)(slash + 1 - p));
			p = slash + 1;
		}
	}
	hg_strbuf_add(out, p, (size_t)(end - p));
	hg_strbuf_addc(out, '\n');
}

static int
by_value(const void *a, const void *b)
{
	const uint32_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static int
by_name(const void *a, const void *b)
{
	const struct hg_ref_macro *x = a, *y = b;

	return strcmp(x->name, y->name);
}

/* Moves what was found into the text. */
static void
finish(struct lexer *l, struct hg_text *t)
{
	t->bytes = sizeof(*t) + l->names.len + l->n_refs * sizeof(*t->ref) +
		   l->n_macros * sizeof(*t->macro) +
		   l->n_others * sizeof(*t->other);
	t->names = hg_xmemdup(l->names.buf, l->names.len + 1);
	t->flags = l->flags;
	t->ref = hg_xcalloc(l->n_refs, sizeof(*t->ref));
	for (; t->n_refs < l->n_refs; t->n_refs++)
		t->ref[t->n_refs] = (struct hg_ref){
			.kind = l->ref[t->n_refs].kind,
			.form = l->ref[t->n_refs].form,
			.name = t->names + l->ref[t->n_refs].name,
		};
	t->macro = hg_xcalloc(l->n_macros, sizeof(*t->macro));
	for (; t->n_macros < l->n_macros; t->n_macros++)
		t->macro[t->n_macros] = (struct hg_ref_macro){
			.name = t->names + l->macro[t->n_macros].name,
			.body = t->names + l->macro[t->n_macros].body,
		};
	if (t->n_macros > 0)
		qsort(t->macro, t->n_macros, sizeof(*t->macro), by_name);
	t->n_others = l->n_others;
	t->other = hg_xcalloc(l->n_others, sizeof(*t->other));
	if (l->n_others > 0) {
		memcpy(t->other, l->other, l->n_others * sizeof(*t->other));
		qsort(t->other, t->n_others, sizeof(*t->other), by_value);
	}
}

struct hg_text *
hg_text_new(const char *p, size_t n, const struct hg_macros *known)
{
	struct hg_text *t = hg_xcalloc(1, sizeof(*t));
	struct lexer *l = hg_xcalloc(1, sizeof(*l));
	struct hg_strbuf text = HG_STRBUF_INIT;

	join_lines(p, n, &text);
	hg_strbuf_init(&l->names);
	hg_strbuf_init(&l->line);
	l->p = text.buf;
	l->end = text.buf + text.len;
	l->known = known;
	if (memmem(text.buf, text.len, "?\?/", 3))
		l->flags |= HG_TEXT_TRIGRAPH;
	lex(l);
	finish(l, t);
	hg_strbuf_release(&text);
	hg_strbuf_release(&l->names);
	hg_strbuf_release(&l->line);
	free(l->ref);
	free(l->macro);
	free(l->other);
	free(l);
	return t;
}

void
hg_text_free(struct hg_text *t)
{
	if (!t)
		return;
	free(t->ref);
	free(t->macro);
	free(t->other);
	free(t->names);
	free(t);
}

bool
hg_text_has_other(const struct hg_text *t, uint32_t hash)
{
	return t->n_others > 0 &&
	       bsearch(&hash, t->other, t->n_others, sizeof(hash), by_value);
}
