/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The words of a command sorted: folders and files for the scan, definitions,
 * and all that may change what the driver answers when it is asked where it
 * searches. What only concerns this compile is left out of that, so that many
 * compiles share an answer.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/alloc.h"
#include "lib/base/path.h"
#include "lib/cc/args.h"
#include "lib/scan/macros.h"
#include "lib/wire/agent_msg.h"
#include "services/agent/includes.h"
#include "services/agent/request.h"

/* What is done with a word. */
enum treatment {
	/* for the driver's ears, as it may matter */
	ASK,
	/* the same, and with it everything else about folders */
	ASK_WHOLE,
	DROP,
	QUOTE,
	USER,
	SYSTEM,
	AFTER,
	FILE_NAME,
	DEFINE,
	UNDEFINE,
	LANGUAGE,
	PREPROCESSOR,
	FRONTEND,
	REFUSE,
};

/* By the spelling of the row in args.def; others: ASK, paths ASK_WHOLE. */
static const struct {
	const char *spelling;
	enum treatment treatment;
} treatments[] = {
	{ "--serialize-diagnostics", DROP },
	{ "-D", DEFINE },
	{ "-E", DROP },
	{ "-H", DROP },
	{ "-I", USER },
	{ "-L", DROP },
	{ "-MJ", DROP },
	{ "-U", UNDEFINE },
	{ "-W", DROP },
	{ "-Wa,", DROP },
	{ "-Wl,", DROP },
	{ "-Wp,", PREPROCESSOR },
	{ "-Xclang", FRONTEND },
	{ "-Xpreprocessor", REFUSE },
	{ "-aux-info", DROP },
	{ "-d", DROP },
	{ "-dependency-dot", DROP },
	{ "-dependency-file", DROP },
	{ "-fdebug-prefix-map=", DROP },
	{ "-ffile-prefix-map=", DROP },
	{ "-fmacro-prefix-map=", DROP },
	{ "-ftime-trace", DROP },
	{ "-idirafter", AFTER },
	{ "-imacros", FILE_NAME },
	{ "-imultiarch", ASK },
	{ "-include", FILE_NAME },
	{ "-iprefix", ASK_WHOLE },
	{ "-iquote", QUOTE },
	{ "-isystem", SYSTEM },
	{ "-iwithprefix", ASK_WHOLE },
	{ "-iwithprefixbefore", ASK_WHOLE },
	{ "-iwithsysroot", ASK_WHOLE },
	{ "-l", DROP },
	{ "-o", DROP },
	{ "-remap", REFUSE },
	{ "-save-temps", DROP },
	{ "-serialize-diagnostics", DROP },
	{ "-traditional", REFUSE },
	{ "-traditional-cpp", REFUSE },
	{ "-x", LANGUAGE },
};

static const char *const options[HG_INCLUDE_KINDS] = {
	[HG_INCLUDE_QUOTE] = "-iquote",
	[HG_INCLUDE_USER] = "-I",
	[HG_INCLUDE_SYSTEM] = "-isystem",
	[HG_INCLUDE_AFTER] = "-idirafter",
};

/* Folders that the environment adds. */
static const char *const path_lists[] = { "CPATH", "C_INCLUDE_PATH",
	"CPLUS_INCLUDE_PATH", "OBJC_INCLUDE_PATH", "OBJCPLUS_INCLUDE_PATH" };

/* Those with directives that are looked for. */
static const char *const understood[] = { "assembler-with-cpp", "c", "c++",
	"objective-c", "objective-c++" };

static const struct {
	const char *name;
	const char *endings;
} languages[] = {
#define HG_LANGUAGE(name, kind, endings) { name, endings },
#include "lib/cc/languages.def"
};

#define COUNT(a) (sizeof(a) / sizeof(*(a)))

/* What is gathered on the way. */
struct parse {
	struct hg_includes *in;
	/* with the folders */
	struct hg_strvec whole;
	/* of -x, borrowed; NULL: by the ending of the name */
	const char *forced;
};

const char *
hg_include_option(enum hg_include_kind kind)
{
	return options[kind];
}

static enum treatment
treatment_of(const struct hg_arg_row *row, const char *word)
{
	/* of the many that begin with -f */
	if (strncmp(word, "-frandom-seed", 13) == 0 ||
	    strcmp(word, "-fdirectives-only") == 0)
		return DROP;
	if (strncmp(word, "-finput-charset", 15) == 0 ||
	    strcmp(word, "-fpreprocessed") == 0)
		return REFUSE;
	for (size_t i = 0; i < COUNT(treatments); i++)
		if (strcmp(row->spelling, treatments[i].spelling) == 0)
			return treatments[i].treatment;
	return row->flags & HG_ARG_PATH ? ASK_WHOLE : ASK;
}

static void
trouble(struct parse *s, enum hg_includes_trouble t)
{
	if (s->in->trouble == HG_INCLUDES_FINE)
		s->in->trouble = t;
}

/* A word for the driver, in both forms of the question. */
static void
ask(struct parse *s, const char *word, const char *value)
{
	hg_strvec_add(&s->in->ask, word);
	hg_strvec_add(&s->whole, word);
	if (value) {
		hg_strvec_add(&s->in->ask, value);
		hg_strvec_add(&s->whole, value);
	}
}

static void
add_folder(struct parse *s, enum hg_include_kind kind, const char *value)
{
	hg_strvec_add(&s->whole, options[kind]);
	hg_strvec_add(&s->whole, value);
	hg_strvec_add(&s->in->folder[kind], value);
	/* -I- divides the list; = and $SYSROOT stand for the system's root */
	if (strcmp(value, "-") == 0)
		trouble(s, HG_INCLUDES_OPTION);
	if (*value == '=' || *value == '$')
		s->in->is_whole = true;
}

/* Definitions of the compiler's own macros change its answer. */
static void
add_macro(struct parse *s, const char *option, const char *value)
{
	if (hg_macros_owns(value, strcspn(value, "=(")))
		ask(s, option, value);
	if (option[1] == 'D')
		hg_strvec_add(&s->in->defines, value);
}

/* -Wp,-DX,-UY; other words may be anything. */
static void
preprocessor_words(struct parse *s, const char *list)
{
	for (const char *p = list; *p;) {
		size_t n = strcspn(p, ",");
		char *word = hg_xstrndup(p, n);

		if (n > 2 && strncmp(word, "-D", 2) == 0)
			add_macro(s, "-D", word + 2);
		else if (n > 2 && strncmp(word, "-U", 2) == 0)
			add_macro(s, "-U", word + 2);
		else
			trouble(s, HG_INCLUDES_OPTION);
		free(word);
		p += n + (p[n] == ',');
	}
}

/* What is given to the front end past the driver. */
static void
frontend_word(struct parse *s, const char *value)
{
	if (strncmp(value, "-i", 2) == 0 || strncmp(value, "-I", 2) == 0 ||
	    strncmp(value, "-D", 2) == 0 || strncmp(value, "-load", 5) == 0 ||
	    strncmp(value, "-f", 2) != 0)
		trouble(s, HG_INCLUDES_OPTION);
	else
		ask(s, "-Xclang", value);
}

static void
one_option(struct parse *s, const struct hg_arg_row *row, const char *word,
    const char *value, bool joined)
{
	const char *apart = joined ? NULL : value;

	switch (treatment_of(row, word)) {
	case ASK_WHOLE:
		s->in->is_whole = true;
		ask(s, word, apart);
		break;
	case ASK:
		ask(s, word, apart);
		break;
	case DROP:
		break;
	case QUOTE:
		add_folder(s, HG_INCLUDE_QUOTE, value);
		break;
	case USER:
		add_folder(s, HG_INCLUDE_USER, value);
		break;
	case SYSTEM:
		add_folder(s, HG_INCLUDE_SYSTEM, value);
		break;
	case AFTER:
		add_folder(s, HG_INCLUDE_AFTER, value);
		break;
	case FILE_NAME:
		hg_strvec_add(&s->in->files, value);
		break;
	case DEFINE:
		add_macro(s, "-D", value);
		break;
	case UNDEFINE:
		add_macro(s, "-U", value);
		break;
	case LANGUAGE:
		s->forced = value;
		break;
	case PREPROCESSOR:
		preprocessor_words(s, value);
		break;
	case FRONTEND:
		frontend_word(s, value);
		break;
	case REFUSE:
		trouble(s, HG_INCLUDES_OPTION);
		break;
	}
}

/* Handles args[i]; returns how many words it took. */
static size_t
one_word(struct parse *s, char *const *args, size_t i, size_t n)
{
	const char *word = args[i], *value;
	const struct hg_arg_row *row;
	bool joined;

	if (word[0] != '-')
		return 1;
	s->in->trigraphs |= strcmp(word, "-trigraphs") == 0;
	row = hg_arg_find(word);
	if (!row) {
		trouble(s, HG_INCLUDES_OPTION);
		return 1;
	}
	if (!hg_arg_value(row, word, i + 1 < n ? args[i + 1] : NULL, &value,
		&joined)) {
		trouble(s, HG_INCLUDES_OPTION);
		return 1;
	}
	one_option(s, row, word, value, joined);
	return value && !joined ? 2 : 1;
}

static const char *
language_of_ending(const char *source)
{
	const char *ext = hg_path_ext(source);
	size_t n = strlen(ext);

	for (size_t i = 0; n > 0 && i < COUNT(languages); i++)
		for (const char *p = languages[i].endings; *p;) {
			size_t k = strcspn(p, " ");

			if (k == n && memcmp(p, ext, n) == 0)
				return languages[i].name;
			p += k + (p[k] == ' ');
		}
	return "";
}

static void
set_language(struct parse *s, const char *source)
{
	const char *name = s->forced && strcmp(s->forced, "none") != 0
	    ? s->forced
	    : language_of_ending(source);

	for (size_t i = 0; i < COUNT(understood); i++)
		if (strcmp(name, understood[i]) == 0)
			s->in->language = understood[i];
	if (!s->in->language)
		trouble(s, HG_INCLUDES_LANGUAGE);
}

void
hg_includes_parse(
    struct hg_includes *in, const struct hg_agent_request *request)
{
	struct parse s = { .in = in, .whole = HG_STRVEC_INIT };
	char *const *args = request->preprocess_args;
	size_t n = request->n_preprocess_args;

	memset(in, 0, sizeof(*in));
	for (size_t i = 0; i < n;)
		i += one_word(&s, args, i, n);
	set_language(&s, request->source);
	for (size_t i = 0; i < COUNT(path_lists); i++) {
		const char *value = hg_request_env(request, path_lists[i]);

		in->is_whole |= value && *value;
	}
	if (in->is_whole) {
		hg_strvec_release(&in->ask);
		in->ask = s.whole;
	} else {
		hg_strvec_release(&s.whole);
	}
}

void
hg_includes_release(struct hg_includes *in)
{
	for (int i = 0; i < HG_INCLUDE_KINDS; i++)
		hg_strvec_release(&in->folder[i]);
	hg_strvec_release(&in->files);
	hg_strvec_release(&in->defines);
	hg_strvec_release(&in->ask);
}
