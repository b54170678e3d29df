/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Classifying a command line with the table of arguments. Anything that is not
 * known, or known to be not ours, sets the reason and the command goes to the
 * compiler untouched.
 */
#include "config.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/alloc.h"
#include "lib/base/error.h"
#include "lib/base/path.h"
#include "lib/cc/args.h"
#include "lib/cc/command.h"
#include "lib/cc/response.h"

enum language_kind {
	KIND_UNKNOWN,
	KIND_SOURCE,
	KIND_HEADER,
};

static const struct {
	const char *name;
	enum language_kind kind;
	const char *endings;
} languages[] = {
#define HG_LANGUAGE(name, kind, endings) { name, KIND_##kind, endings },
#include "lib/cc/languages.def"
};

/* What is gathered while going over the words. */
struct scan {
	struct hg_cc_command *c;
	bool is_clang;
	/* kind set by -x; KIND_UNKNOWN: by file name ending */
	enum language_kind forced;
	/* what it was when standard input was named */
	enum language_kind stdin_kind;
	bool has_header;
	/* a file for the linker */
	bool has_object;
	/* -MD or -MMD; -MT or -MQ */
	bool dep;
	bool dep_target;
	/* the source is a header, to be precompiled */
	bool precompiles;
	/* -emit-llvm; -emit-ast; -Xclang -emit-pch or -fno-pch-timestamp */
	bool llvm;
	bool ast;
	bool pch;
	bool stampless;
	const char *out;
	const char *dep_file;
};

/* The first reason stands. */
static void
refuse(struct hg_cc_command *c, enum hg_reason reason, const char *word)
{
	if (c->reason != HG_REASON_miss)
		return;
	c->reason = reason;
	c->word = word;
}

/* Keeps a word for the key, and for preprocessing. */
static void
keep(struct hg_cc_command *c, const char *word)
{
	hg_strvec_add(&c->key, word);
	hg_strvec_add(&c->preprocess, word);
}

static enum language_kind
kind_of_ending(const char *path)
{
	const char *ext = hg_path_ext(path);
	size_t n = strlen(ext);

	for (size_t i = 0; n && i < sizeof(languages) / sizeof(*languages); i++)
		for (const char *p = languages[i].endings; *p;) {
			size_t k = strcspn(p, " ");

			if (k == n && memcmp(p, ext, n) == 0)
				return languages[i].kind;
			p += k + (p[k] == ' ');
		}
	return KIND_UNKNOWN;
}

static void
set_language(struct scan *s, const char *name)
{
	if (strcmp(name, "none") == 0) {
		s->forced = KIND_UNKNOWN;
		return;
	}
	for (size_t i = 0; i < sizeof(languages) / sizeof(*languages); i++)
		if (strcmp(name, languages[i].name) == 0) {
			s->forced = languages[i].kind;
			return;
		}
	refuse(s->c, HG_REASON_language, name);
}

static void
add_file(struct scan *s, const char *path)
{
	enum language_kind kind =
	    s->forced ? s->forced : kind_of_ending(path);

	/* else the linker's: an object, a library, a script */
	if (kind != KIND_UNKNOWN)
		hg_strvec_add(&s->c->sources, path);
	s->has_header |= kind == KIND_HEADER;
	s->has_object |= kind == KIND_UNKNOWN;
	keep(s->c, path);
}

/* The strongest of -M, -E, -fsyntax-only, -S, -c decides, whatever their order. */
static void
set_mode(struct hg_cc_command *c, enum hg_cc_mode mode)
{
	static const int strength[] = {
		[HG_CC_LINK] = 0,
		[HG_CC_COMPILE] = 1,
		[HG_CC_ASSEMBLY] = 2,
		[HG_CC_SYNTAX] = 3,
		[HG_CC_PREPROCESS] = 4,
		[HG_CC_DEPENDENCIES] = 5,
	};

	if (strength[mode] > strength[c->mode])
		c->mode = mode;
}

/* -MD or -MMD, n bytes of it. */
static bool
asks_for_depfile(const char *word, size_t n)
{
	return (n == 3 && memcmp(word, "-MD", 3) == 0) ||
	    (n == 4 && memcmp(word, "-MMD", 4) == 0);
}

/*
 * Clang knows -Wp,-MD,FILE. With more behind FILE it takes -MD only, and with
 * something else in front it does as GCC.
 */
static bool
clang_preprocessor_words(struct scan *s, const char *list)
{
	size_t n = strcspn(list, ",");
	const char *file = list + n + (list[n] == ',');

	if (!asks_for_depfile(list, n))
		return false;
	s->dep = true;
	if (*file && !strchr(file, ','))
		s->dep_file = file;
	return true;
}

/* -Wp,-MD,FILE,-MT,TARGET and the like. */
static void
preprocessor_words(struct scan *s, const char *list)
{
	if (s->is_clang && clang_preprocessor_words(s, list))
		return;
	for (const char *p = list; *p;) {
		size_t n = strcspn(p, ",");
		bool md = asks_for_depfile(p, n);

		if (n == 3 && (!memcmp(p, "-MT", 3) || !memcmp(p, "-MQ", 3)))
			s->dep_target = true;
		if (n == 3 && memcmp(p, "-MF", 3) == 0)
			refuse(s->c, HG_REASON_option, list);
		p += n + (p[n] == ',');
		if (md) {
			s->dep = true;
			s->dep_file = p;
		}
	}
}

static void
debug_option(struct hg_cc_command *c, const char *word)
{
	if (strcmp(word, "-g0") != 0 && strncmp(word, "-gno-", 5) != 0)
		c->cwd_matters = true;
}

/*
 * An output's name stays out of the key, which is for its contents; but what has
 * no file as its output is another result than what has.
 */
static void
output_word(struct hg_cc_command *c, const char *option, const char *name)
{
	hg_strvec_add(&c->key, option);
	if (strcmp(name, "-") == 0 || hg_cc_discards(name))
		hg_strvec_add(&c->key, name);
}

/* -Xclang WORD */
static void
frontend_word(struct scan *s, const char *word)
{
	s->stampless |= strcmp(word, "-fno-pch-timestamp") == 0;
	s->pch |= strcmp(word, "-emit-pch") == 0;
	if (strncmp(word, "-emit-", 6) == 0 && strstr(word, "module"))
		refuse(s->c, HG_REASON_option, word);
}

/* Modes and words that are not for the preprocessing form of the command. */
static void
mode_option(struct hg_cc_command *c, enum hg_cc_mode mode, const char *word)
{
	set_mode(c, mode);
	hg_strvec_add(&c->key, word);
}

/*
 * One option with its value (NULL if it takes none here). joined: the value
 * stands in the same word.
 */
static void
option(struct scan *s, const struct hg_arg_row *row, const char *word,
    const char *value, bool joined)
{
	struct hg_cc_command *c = s->c;

	switch (row->handler) {
	case HG_HANDLER_PASS:
		refuse(c, HG_REASON_option, word);
		return;
	case HG_HANDLER_QUERY:
		refuse(c, HG_REASON_not_compile, word);
		return;
	case HG_HANDLER_STDIN:
		c->from_stdin = true;
		s->stdin_kind = s->forced;
		hg_strvec_add(&c->sources, word);
		break;
	case HG_HANDLER_COMPILE:
		mode_option(c, HG_CC_COMPILE, word);
		return;
	case HG_HANDLER_ASSEMBLY:
		mode_option(c, HG_CC_ASSEMBLY, word);
		return;
	case HG_HANDLER_PREPROCESS:
		mode_option(c, HG_CC_PREPROCESS, word);
		return;
	case HG_HANDLER_DEPENDENCIES:
		mode_option(c, HG_CC_DEPENDENCIES, word);
		return;
	case HG_HANDLER_SYNTAX:
		mode_option(c, HG_CC_SYNTAX, word);
		return;
	case HG_HANDLER_OUTPUT:
		s->out = value;
		output_word(c, "-o", value);
		return;
	case HG_HANDLER_DEP:
		s->dep = true;
		hg_strvec_add(&c->key, word);
		return;
	case HG_HANDLER_DEP_STYLE:
		/* an error without -MD, which preprocessing does not have */
		hg_strvec_add(&c->key, word);
		return;
	case HG_HANDLER_DEP_FILE:
		s->dep_file = value;
		output_word(c, "-MF", value);
		return;
	case HG_HANDLER_DEP_TARGET:
		s->dep_target = true;
		hg_strvec_add(&c->key, word);
		if (!joined)
			hg_strvec_add(&c->key, value);
		return;
	case HG_HANDLER_PREPROCESSOR:
		preprocessor_words(s, value);
		hg_strvec_add(&c->key, word);
		if (!s->dep)
			hg_strvec_add(&c->preprocess, word);
		return;
	case HG_HANDLER_PREPROCESSOR_NEXT:
		if (strncmp(value, "-M", 2) == 0)
			refuse(c, HG_REASON_option, word);
		break;
	case HG_HANDLER_DEBUG:
		debug_option(c, word);
		break;
	case HG_HANDLER_LANGUAGE:
		set_language(s, value);
		break;
	case HG_HANDLER_NATIVE:
		c->native = true;
		break;
	case HG_HANDLER_FRONTEND:
		frontend_word(s, value);
		break;
	/* for GCC both are -e, the linker's */
	case HG_HANDLER_AST:
		s->ast = s->is_clang;
		break;
	case HG_HANDLER_LLVM:
		s->llvm = s->is_clang;
		break;
	case HG_HANDLER_NONE:
		break;
	}
	keep(c, word);
	if (value && !joined)
		keep(c, value);
}

/* Handles the word at args[i]; returns how many words it took. */
static size_t
one_word(struct scan *s, size_t i)
{
	struct hg_cc_command *c = s->c;
	const char *word = c->args.v[i], *value;
	const struct hg_arg_row *row;
	bool joined;

	if (word[0] != '-') {
		add_file(s, word);
		return 1;
	}
	row = hg_arg_find(word);
	if (!row) {
		refuse(c, HG_REASON_unknown_option, word);
		return 1;
	}
	if (!hg_arg_value(row, word, c->args.v[i + 1], &value, &joined)) {
		refuse(c, HG_REASON_option, word);
		return 1;
	}
	c->cwd_matters |= (row->flags & HG_ARG_CWD) != 0;
	c->cwd_binds |= (row->flags & (HG_ARG_CWD | HG_ARG_COVERAGE)) != 0;
	c->coverage |= (row->flags & HG_ARG_COVERAGE) != 0;
	c->name_matters |= (row->flags & HG_ARG_OUTNAME) != 0;
	c->local_only |= (row->flags & HG_ARG_LOCAL) != 0;
	option(s, row, word, value, joined);
	return value && !joined ? 2 : 1;
}

/* "dir/a.c" -> "a.o"; with keep_dir "dir/a.o". */
static char *
with_ending(const char *path, const char *ending, bool keep_dir)
{
	const char *from = keep_dir ? path : hg_path_base(path);
	size_t n = (size_t)(hg_path_ext(path) - from);

	return hg_xasprintf("%.*s%s", (int)n, from, ending);
}

/* What the compiler calls the output without -o, or NULL. */
static char *
default_output(const struct scan *s)
{
	const struct hg_cc_command *c = s->c;
	const char *source = c->sources.v[0];

	if (s->precompiles)
		return hg_xasprintf("%s.gch", source);
	if (s->ast)
		return with_ending(source, ".ast", false);
	if (c->mode == HG_CC_COMPILE)
		return with_ending(source, s->llvm ? ".bc" : ".o", false);
	if (c->mode == HG_CC_ASSEMBLY)
		return with_ending(source, s->llvm ? ".ll" : ".s", false);
	return NULL;
}

static void
name_outputs(struct scan *s)
{
	struct hg_cc_command *c = s->c;
	bool one = c->sources.n == 1;

	/* what GCC and Clang make of "-o -" differs: it is seen then */
	if (s->out && strcmp(s->out, "-") == 0)
		c->output = NULL;
	else if (s->out && c->mode != HG_CC_SYNTAX)
		c->output = hg_xstrdup(s->out);
	else if (one)
		c->output = default_output(s);
	/* Clang takes -MF for nothing where it does not belong */
	if (s->dep_file && (s->dep || c->mode == HG_CC_DEPENDENCIES))
		c->depfile = hg_xasprintf(
		    "%.*s", (int)strcspn(s->dep_file, ","), s->dep_file);
	else if (s->dep && s->out)
		c->depfile = with_ending(s->out, ".d", true);
	else if (s->dep && one)
		c->depfile = with_ending(c->sources.v[0], ".d", false);
	c->target_matters = s->dep && !s->dep_target;
	if (!one)
		c->name_matters = true;
}

/*
 * A header alone, compiled, gives a precompiled header, for which no -c is
 * needed. The folder that Clang's lies in is in it, and time stamps are unless
 * told otherwise; as in its other images of a source.
 */
static void
precompile(struct scan *s)
{
	struct hg_cc_command *c = s->c;

	if (s->has_header && c->mode == HG_CC_LINK && !s->has_object)
		c->mode = HG_CC_COMPILE;
	if (c->mode != HG_CC_COMPILE && c->mode != HG_CC_ASSEMBLY)
		return;
	s->precompiles = s->has_header;
	if (!s->has_header && !s->ast && !s->pch)
		return;
	if (c->mode == HG_CC_ASSEMBLY || c->sources.n != 1)
		refuse(c, HG_REASON_language, NULL);
	c->makes_pch = true;
	c->stamped = s->is_clang && !s->stampless;
	c->cwd_matters = true;
	c->name_matters = true;
	c->local_only = true;
}

/* Without a language, standard input can be preprocessed only. */
static bool
takes_stdin(const struct scan *s)
{
	const struct hg_cc_command *c = s->c;

	return c->sources.n == 1 && !c->makes_pch &&
	    (s->stdin_kind == KIND_SOURCE ||
		(s->stdin_kind == KIND_UNKNOWN &&
		    c->mode == HG_CC_PREPROCESS));
}

/* The reasons that only the whole command shows. */
static void
judge(struct scan *s)
{
	struct hg_cc_command *c = s->c;

	if (c->from_stdin && !takes_stdin(s))
		refuse(c, HG_REASON_from_stdin, "-");
	if (c->mode == HG_CC_LINK)
		refuse(c, HG_REASON_not_compile, NULL);
	if (c->sources.n == 0)
		refuse(c, HG_REASON_no_source, NULL);
	if (c->mode != HG_CC_COMPILE || c->sources.n != 1 || !c->output ||
	    c->from_stdin || (c->native && s->is_clang))
		c->local_only = true;
}

void
hg_cc_command_parse(
    struct hg_cc_command *c, const char *const *argv, bool is_clang)
{
	struct scan s = { .c = c, .is_clang = is_clang };

	memset(c, 0, sizeof(*c));
	c->reason = HG_REASON_miss;
	c->mode = HG_CC_LINK;
	for (; *argv; argv++)
		if (hg_response_expand(*argv, &c->args, NULL) != 0)
			refuse(c, HG_REASON_option, NULL);
	for (size_t i = 0; i < c->args.n;)
		i += one_word(&s, i);
	precompile(&s);
	name_outputs(&s);
	judge(&s);
	if (!is_clang)
		hg_strvec_add(&c->preprocess, "-fdirectives-only");
	hg_strvec_add(&c->preprocess, "-E");
	hg_strvec_add(&c->preprocess, "-o");
	hg_strvec_add(&c->preprocess, "/dev/null");
}

void
hg_cc_command_release(struct hg_cc_command *c)
{
	hg_strvec_release(&c->args);
	hg_strvec_release(&c->sources);
	hg_strvec_release(&c->key);
	hg_strvec_release(&c->preprocess);
	free(c->output);
	free(c->depfile);
	memset(c, 0, sizeof(*c));
}

bool
hg_cc_discards(const char *output)
{
	return strcmp(output, "/dev/null") == 0;
}

const char *
hg_cc_family(const char *program)
{
	static const char *const names[] = { "clang++", "clang", "g++", "gcc",
		"c++", "cc" };
	const char *base = hg_path_base(program);
	size_t n = strlen(base);

	/* a version behind: gcc-12, clang++-14.0 */
	while (n > 0 && (isdigit((unsigned char)base[n - 1]) ||
			    base[n - 1] == '.'))
		n--;
	if (n > 0 && base[n] && base[n - 1] == '-')
		n--;
	else
		n = strlen(base);
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		size_t k = strlen(names[i]);

		/* a target in front: x86_64-linux-gnu-gcc */
		if (n >= k && memcmp(base + n - k, names[i], k) == 0 &&
		    (n == k || base[n - k - 1] == '-'))
			return names[i];
	}
	return NULL;
}
