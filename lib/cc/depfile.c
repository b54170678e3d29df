/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Renaming files in a dependency file. Compilers break its lines by length, each
 * in its own way, so a rule is taken apart into words and set again. Whether
 * that is what the compiler at hand does is for the caller to check: setting the
 * words as they were must give the text as it was.
 */
#include "config.h"

#include <ctype.h>
#include <string.h>

#include "lib/base/strbuf.h"
#include "lib/cc/depfile.h"

/* How lines are broken: in front of a word that would end beyond the width. */
struct style {
	size_t width;
	const char *indent;
	/* for targets and for what they depend on: room kept behind the word */
	size_t margin[2];
	/* and the column of the first word of a further line, as it is counted */
	size_t column[2];
};

static const struct style gcc_style = { 72, " ", { 0, 0 }, { 1, 1 } };
static const struct style clang_style = { 75, "  ", { 2, 3 }, { 2, 3 } };

struct setting {
	const struct style *style;
	struct hg_strbuf *out;
	size_t column;
	/* 0 among the targets, then 1 */
	int part;
};

static bool
is_end(const char *p, const char *end)
{
	return p == end || *p == '\n';
}

/* " \\\n" and spaces between words; returns where the next word is. */
static const char *
skip_space(const char *p, const char *end)
{
	while (p < end) {
		if (*p == ' ')
			p++;
		else if (*p == '\\' && p + 1 < end && p[1] == '\n')
			p += 2;
		else
			break;
	}
	return p;
}

/* The end of the word at p; a backslash takes the next character along. */
static const char *
word_end(const char *p, const char *end)
{
	while (p < end && *p != ' ' && *p != '\n')
		p += *p == '\\' && p + 1 < end && p[1] != '\n' ? 2 : 1;
	return p;
}

static void
set_word(struct setting *s, const struct hg_strbuf *word)
{
	const struct style *style = s->style;
	size_t n = word->len;
	bool is_last_target =
	    s->part == 0 && n > 1 && word->buf[n - 1] == ':';

	if (is_last_target)
		n--;
	if (s->column > 0 &&
	    s->column + n + style->margin[s->part] > style->width) {
		hg_strbuf_adds(s->out, " \\\n");
		hg_strbuf_adds(s->out, style->indent);
		s->column = style->column[s->part];
	} else if (s->column > 0) {
		hg_strbuf_addc(s->out, ' ');
		s->column++;
	}
	hg_strbuf_add(s->out, word->buf, word->len);
	s->column += word->len;
	s->part |= is_last_target;
}

static void
rename_word(const char *p, size_t n, const char *from, const char *to,
    struct hg_strbuf *ret)
{
	size_t k = strlen(from);

	hg_strbuf_reset(ret);
	if (n > k && memcmp(p, from, k) == 0 && p[k] == '/') {
		hg_strbuf_adds(ret, to);
		p += k;
		n -= k;
	}
	hg_strbuf_add(ret, p, n);
}

/* One rule, up to the line's end; returns where that is. */
static const char *
set_rule(const char *p, const char *end, const char *from, const char *to,
    struct setting *s)
{
	struct hg_strbuf word = HG_STRBUF_INIT;

	s->column = 0;
	s->part = 0;
	for (p = skip_space(p, end); !is_end(p, end); p = skip_space(p, end)) {
		const char *stop = word_end(p, end);

		rename_word(p, (size_t)(stop - p), from, to, &word);
		set_word(s, &word);
		p = stop;
	}
	hg_strbuf_release(&word);
	return p;
}

void
hg_depfile_rebase(const char *text, size_t n, const char *from,
    const char *to, bool is_clang, struct hg_strbuf *out)
{
	struct setting s = { is_clang ? &clang_style : &gcc_style, out, 0, 0 };
	const char *end = text + n;

	for (const char *p = text; p < end;) {
		p = set_rule(p, end, from, to, &s);
		if (p < end) {
			hg_strbuf_addc(out, '\n');
			p++;
		}
	}
}
