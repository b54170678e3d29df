/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Expressions are evaluated with numbers that may be unknown: whatever is not
 * the compiler's own, or not plain arithmetic, is unknown, and a condition that
 * depends on it has two live branches. Deeper nesting than people write is
 * unknown too.
 */
#include "config.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/alloc.h"
#include "lib/base/strbuf.h"
#include "lib/base/strvec.h"
#include "lib/scan/macros.h"

/* Parentheses and signs within each other. */
#define MAX_NESTING 64
/* A name beyond this is not the compiler's. */
#define MAX_NAME_BYTES 128

static const char *const owned[] = {
#define HG_MACRO(name) name,
#include "lib/scan/macros.def"
};

/* ---- the names ---------------------------------------------------------- */

bool
hg_macros_owns(const char *name, size_t n)
{
	size_t low = 0, high = sizeof(owned) / sizeof(*owned);

	if (n > 6 && memcmp(name, "__cpp_", 6) == 0)
		return n < 10 || memcmp(name, "__cpp_lib_", 10) != 0;
	while (low < high) {
		size_t mid = (low + high) / 2;
		int c = strncmp(name, owned[mid], n);

		if (c == 0 && owned[mid][n] == '\0')
			return true;
		if (c <= 0)
			high = mid;
		else
			low = mid + 1;
	}
	return false;
}

static size_t
name_length(const char *p)
{
	size_t n = 0;

	while (isalnum((unsigned char)p[n]) || p[n] == '_' || p[n] == '$')
		n++;
	return n;
}

void
hg_macros_read(struct hg_macros *k, const char *defines)
{
	static const char define[] = "#define ";

	for (const char *p = defines; *p;) {
		size_t line = strcspn(p, "\n"), skip = sizeof(define) - 1, n;

		if (line > skip && memcmp(p, define, skip) == 0) {
			const char *name = p + skip;

			n = name_length(name);
			if (hg_macros_owns(name, n) && n < MAX_NAME_BYTES) {
				char *key = hg_xstrndup(name, n);
				size_t gap = name[n] == ' ';

				free(hg_hmap_set(&k->macros, key,
				    hg_xstrndup(name + n + gap,
					line - skip - n - gap)));
				free(key);
			}
		}
		p += line + (p[line] == '\n');
	}
}

void
hg_macros_release(struct hg_macros *k)
{
	hg_hmap_release(&k->macros, free);
}

static int
add_line(const char *name, void *value, void *arg)
{
	hg_strvec_addf(arg, "%s=%s\n", name, (const char *)value);
	return 0;
}

void
hg_macros_describe(const struct hg_macros *k, struct hg_strbuf *out)
{
	struct hg_strvec lines = HG_STRVEC_INIT;

	hg_hmap_each(&k->macros, add_line, &lines);
	hg_strvec_sort(&lines);
	for (size_t i = 0; i < lines.n; i++)
		hg_strbuf_adds(out, lines.v[i]);
	hg_strvec_release(&lines);
}

/* The text of an owned macro, or NULL when it is not defined. */
static const char *
text_of(const struct hg_macros *k, const char *name, size_t n)
{
	char key[MAX_NAME_BYTES];

	if (n >= sizeof(key))
		return NULL;
	memcpy(key, name, n);
	key[n] = '\0';
	return hg_hmap_get(&k->macros, key);
}

enum hg_truth
hg_macros_defined(const struct hg_macros *k, const char *name, size_t n)
{
	if (!k || !hg_macros_owns(name, n))
		return HG_UNKNOWN;
	return text_of(k, name, n) ? HG_TRUE : HG_FALSE;
}

/* ---- expressions -------------------------------------------------------- */

struct value {
	bool known;
	long long n;
};

struct parser {
	const struct hg_macros *k;
	const char *p;
	int nesting;
	/* something that is not understood: nothing is known */
	bool failed;
};

static const struct value unknown = { false, 0 };

static struct value
number(long long n)
{
	return (struct value){ true, n };
}

static void
skip_blanks(struct parser *s)
{
	while (isspace((unsigned char)*s->p))
		s->p++;
}

/* The number that the n bytes at p are, or unknown. */
static struct value
parse_number(const char *p, size_t n)
{
	char text[64];
	size_t k = 0;
	char *end;
	long long v;

	for (size_t i = 0; i < n; i++) {
		if (p[i] == '\'')
			continue;
		if (k + 1 >= sizeof(text))
			return unknown;
		text[k++] = p[i];
	}
	text[k] = '\0';
	errno = 0;
	if (text[0] == '0' && (text[1] == 'b' || text[1] == 'B'))
		v = strtoll(text + 2, &end, 2);
	else
		v = strtoll(text, &end, 0);
	if (errno || end == text || end[strspn(end, "uUlLzZ")] != '\0')
		return unknown;
	return number(v);
}

static struct value
take_number(struct parser *s)
{
	const char *start = s->p;

	while (isalnum((unsigned char)*s->p) || *s->p == '.' ||
	    (*s->p == '\'' && isalnum((unsigned char)s->p[1])))
		s->p++;
	return parse_number(start, (size_t)(s->p - start));
}

/* Passes over what stands in parentheses, if they are next. */
static void
skip_arguments(struct parser *s)
{
	int depth = 0;

	skip_blanks(s);
	if (*s->p != '(')
		return;
	for (; *s->p; s->p++) {
		if (*s->p == '(')
			depth++;
		if (*s->p == ')' && --depth == 0) {
			s->p++;
			return;
		}
	}
}

static struct value
take_defined(struct parser *s)
{
	enum hg_truth t;
	bool paren;
	size_t n;

	skip_blanks(s);
	paren = *s->p == '(';
	s->p += paren;
	skip_blanks(s);
	n = name_length(s->p);
	t = hg_macros_defined(s->k, s->p, n);
	s->p += n;
	skip_blanks(s);
	if (n == 0 || (paren && *s->p != ')')) {
		s->failed = true;
		return unknown;
	}
	s->p += paren;
	return t == HG_UNKNOWN ? unknown : number(t == HG_TRUE);
}

static struct value
take_name(struct parser *s)
{
	const char *name = s->p, *text;
	size_t n = name_length(name);

	s->p += n;
	if (n == 7 && memcmp(name, "defined", 7) == 0)
		return take_defined(s);
	if (!s->k || !hg_macros_owns(name, n)) {
		skip_arguments(s);
		return unknown;
	}
	text = text_of(s->k, name, n);
	if (!text)
		return number(0);
	return isdigit((unsigned char)*text) ? parse_number(text, strlen(text))
					     : unknown;
}

static struct value ternary(struct parser *s);

static struct value
primary(struct parser *s)
{
	struct value v = unknown;
	char c;

	skip_blanks(s);
	c = *s->p;
	if (++s->nesting > MAX_NESTING) {
		s->failed = true;
	} else if (c == '!' || c == '-' || c == '+' || c == '~') {
		s->p++;
		v = primary(s);
		if (c == '!')
			v.n = !v.n;
		else if (c == '~')
			v.n = ~v.n;
		else if (c == '-')
			v.known &= !__builtin_sub_overflow(0LL, v.n, &v.n);
	} else if (c == '(') {
		s->p++;
		v = ternary(s);
		skip_blanks(s);
		if (*s->p == ')')
			s->p++;
		else
			s->failed = true;
	} else if (isdigit((unsigned char)c)) {
		v = take_number(s);
	} else if (isalpha((unsigned char)c) || c == '_') {
		v = take_name(s);
	} else {
		s->failed = true;
	}
	s->nesting--;
	return v;
}

/* By strength; longer spellings before those that they begin with. */
static const struct operator {
	const char *text;
	int strength;
} operators[] = {
	{ "||", 1 }, { "&&", 2 }, { "==", 6 }, { "!=", 6 }, { "<=", 7 },
	{ ">=", 7 }, { "<<", 8 }, { ">>", 8 }, { "|", 3 }, { "^", 4 },
	{ "&", 5 }, { "<", 7 }, { ">", 7 }, { "+", 9 }, { "-", 9 },
	{ "*", 10 }, { "/", 10 }, { "%", 10 },
};

static const struct operator *
next_operator(struct parser *s)
{
	skip_blanks(s);
	for (size_t i = 0; i < sizeof(operators) / sizeof(*operators); i++)
		if (strncmp(s->p, operators[i].text,
			strlen(operators[i].text)) == 0)
			return &operators[i];
	return NULL;
}

/* || and &&: one side may decide although the other is unknown. */
static struct value
logic(bool is_or, struct value a, struct value b)
{
	if ((a.known && !a.n != is_or) || (b.known && !b.n != is_or))
		return number(is_or);
	return a.known && b.known ? number(!is_or) : unknown;
}

static struct value
arithmetic(const char *op, struct value a, struct value b)
{
	long long n = 0;
	bool bad = false;

	switch (op[0]) {
	case '+':
		bad = __builtin_add_overflow(a.n, b.n, &n);
		break;
	case '-':
		bad = __builtin_sub_overflow(a.n, b.n, &n);
		break;
	case '*':
		bad = __builtin_mul_overflow(a.n, b.n, &n);
		break;
	case '|':
		n = a.n | b.n;
		break;
	case '^':
		n = a.n ^ b.n;
		break;
	case '&':
		n = a.n & b.n;
		break;
	case '=':
		n = a.n == b.n;
		break;
	case '!':
		n = a.n != b.n;
		break;
	case '<':
		n = op[1] == '=' ? a.n <= b.n : a.n < b.n;
		bad = op[1] == '<';
		break;
	case '>':
		n = op[1] == '=' ? a.n >= b.n : a.n > b.n;
		bad = op[1] == '>';
		break;
	default:
		/* division and shifts are not worth their corner cases */
		bad = true;
		break;
	}
	return bad || !a.known || !b.known ? unknown : number(n);
}

static struct value
binary(struct parser *s, int strength)
{
	struct value a = primary(s);
	const struct operator *o;

	while (!s->failed && (o = next_operator(s)) &&
	    o->strength >= strength) {
		struct value b;

		s->p += strlen(o->text);
		b = binary(s, o->strength + 1);
		if (o->strength <= 2)
			a = logic(o->strength == 1, a, b);
		else
			a = arithmetic(o->text, a, b);
	}
	return a;
}

static struct value
ternary(struct parser *s)
{
	struct value c = binary(s, 1), a, b;

	skip_blanks(s);
	if (*s->p != '?' || s->failed)
		return c;
	if (++s->nesting > MAX_NESTING) {
		s->failed = true;
		return unknown;
	}
	s->p++;
	a = ternary(s);
	skip_blanks(s);
	if (*s->p != ':')
		s->failed = true;
	else
		s->p++;
	b = ternary(s);
	s->nesting--;
	if (!c.known)
		return unknown;
	return c.n ? a : b;
}

enum hg_truth
hg_macros_decide(const struct hg_macros *k, const char *expression)
{
	struct parser s = { .k = k, .p = expression };
	struct value v = ternary(&s);

	skip_blanks(&s);
	if (s.failed || *s.p != '\0' || !v.known)
		return HG_UNKNOWN;
	return v.n ? HG_TRUE : HG_FALSE;
}
