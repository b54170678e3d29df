/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hg-docgen FILE: prints FILE with its generated parts made anew from the
 * tables of options, commands, errors and reasons. A part starts behind a line
 * that holds "generated: NAME" and ends before one that holds "end of
 * generated"; whatever comment the file's format knows may be around these. It
 * runs while building and testing only; tests/lint/docs-sync.t tells when a
 * file is not what this prints, "make update-docs" then writes it.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "docs/docgen.h"
#include "lib/base/alloc.h"
#include "lib/base/error.h"
#include "lib/base/fd.h"
#include "lib/base/reason.h"
#include "lib/base/strbuf.h"
#include "lib/config/hg_config.h"
#include "lib/config/sloppiness.h"

#define MAX_FILE_BYTES ((size_t)1 << 20)

static const struct {
	const char *name;
	const char *args;
	const char *help;
} commands[] = {
#define HG_COMMAND(name, args, words, function, help) { name, args, help },
#include "cli/commands.def"
};
#define N_COMMANDS (sizeof(commands) / sizeof(*commands))

/* What a value of each type looks like, for people. */
static const char *const type_text[] = {
	[HG_TYPE_STRING] = "text",
	[HG_TYPE_BOOL] = "true or false",
	[HG_TYPE_INT] = "whole number",
	[HG_TYPE_SIZE] = "size",
	[HG_TYPE_DURATION] = "duration",
	[HG_TYPE_REAL] = "number",
	[HG_TYPE_PORT] = "port",
	[HG_TYPE_SHARE] = "number from 0 to 1",
	[HG_TYPE_PATH] = "file name",
	[HG_TYPE_SLOPPINESS] = "names",
	[HG_TYPE_CHECK] = "check",
};

static const struct hg_option_info *
option(int i)
{
	return &hg_option_table[i];
}

static bool
is_first_of_section(int i)
{
	return i == 0 ||
	       strcmp(option(i)->section, option(i - 1)->section) != 0;
}

static const char *
default_text(const struct hg_option_info *o)
{
	return *o->def ? o->def : "empty";
}

/* ---- parts ------------------------------------------------------------- */

static void
conf_example(const char *arg, struct hg_strbuf *out)
{
	(void)arg;
	for (int i = 0; i < HG_OPTION_COUNT; i++) {
		const struct hg_option_info *o = option(i);

		if (is_first_of_section(i))
			hg_strbuf_addf(
			    out, "%s[%s]\n", i > 0 ? "\n" : "", o->section);
		hg_strbuf_addf(out, "# %s (%s)\n#%s = %s\n", o->help,
		    type_text[o->type], o->key, o->def);
	}
}

/* Text for mdoc: no escapes, no request at the start of a line. */
static void
add_mdoc(const char *text, struct hg_strbuf *out)
{
	if (*text == '.' || *text == '\'')
		hg_strbuf_adds(out, "\\&");
	for (; *text; text++) {
		if (*text == '\\')
			hg_strbuf_adds(out, "\\e");
		else
			hg_strbuf_addc(out, *text);
	}
}

static void
add_mdoc_line(const char *text, struct hg_strbuf *out)
{
	add_mdoc(text, out);
	hg_strbuf_adds(out, ".\n");
}

static void
conf_man(const char *arg, struct hg_strbuf *out)
{
	struct hg_strbuf env = HG_STRBUF_INIT;

	(void)arg;
	for (int i = 0; i < HG_OPTION_COUNT; i++) {
		const struct hg_option_info *o = option(i);

		if (is_first_of_section(i))
			hg_strbuf_addf(out, "%s.Ss [%s]\n.Bl -tag -width Ds\n",
			    i > 0 ? ".El\n" : "", o->section);
		hg_strbuf_addf(
		    out, ".It Ic %s No = Ar %s\n", o->key, type_text[o->type]);
		add_mdoc_line(o->help, out);
		hg_strbuf_reset(&env);
		hg_option_env_name((enum hg_option_id)i, &env);
		hg_strbuf_addf(
		    out, "Default: %s.\n.Ev %s", default_text(o), env.buf);
		if (o->alias && strcmp(o->alias, env.buf) != 0)
			hg_strbuf_addf(out, " , Ev %s", o->alias);
		if (o->flag)
			hg_strbuf_addf(out, " , Fl \\-%s", o->flag);
		hg_strbuf_adds(out, " .\n");
	}
	hg_strbuf_adds(out, ".El\n");
	hg_strbuf_release(&env);
}

/* arg: the letter of a program. */
static void
flags_man(const char *arg, struct hg_strbuf *out)
{
	for (int i = 0; i < HG_OPTION_COUNT; i++) {
		const struct hg_option_info *o = option(i);
		const char *value = hg_option_value_name(o->type);

		if (!o->flag || !strchr(o->programs, *arg))
			continue;
		hg_strbuf_addf(out, ".It Fl \\-%s%s%s\n", o->flag,
		    *value ? " Ar " : "", value);
		add_mdoc_line(o->help, out);
		if (*value)
			hg_strbuf_addf(out, "Default: %s.\n", default_text(o));
	}
}

static void
env_man(const char *arg, struct hg_strbuf *out)
{
	(void)arg;
	for (int i = 0; i < HG_OPTION_COUNT; i++) {
		const struct hg_option_info *o = option(i);

		if (!o->alias)
			continue;
		hg_strbuf_addf(out, ".It Ev %s\n", o->alias);
		add_mdoc_line(o->help, out);
	}
}

static void
folder_man(const char *arg, struct hg_strbuf *out)
{
	(void)arg;
	for (int i = 0; i < HG_OPTION_COUNT; i++)
		if (hg_config_is_for_folders((enum hg_option_id)i))
			hg_strbuf_addf(out, ".It\n.Ic %s.%s\n",
			    option(i)->section, option(i)->key);
}

static void
sloppiness_man(const char *arg, struct hg_strbuf *out)
{
	(void)arg;
	for (int i = 0; i < HG_SLOPPY_COUNT; i++) {
		const struct hg_sloppiness_info *s = &hg_sloppiness_table[i];

		hg_strbuf_addf(out, ".It Ic %s\n%s", s->name,
		    s->effect == HG_SLOPPY_EFFECT_NONE ? "No effect: "
							: "");
		add_mdoc_line(s->text, out);
	}
}

/* "[--json]" in mdoc's words. */
static void
add_mdoc_args(const char *args, struct hg_strbuf *out)
{
	hg_strbuf_addf(out, "%s", *args ? " Ar " : "");
	for (; *args; args++)
		hg_strbuf_addf(out, "%s%c", *args == '-' ? "\\" : "", *args);
}

static void
commands_man(const char *arg, struct hg_strbuf *out)
{
	(void)arg;
	for (size_t i = 0; i < N_COMMANDS; i++) {
		hg_strbuf_addf(out, ".It Cm %s", commands[i].name);
		add_mdoc_args(commands[i].args, out);
		hg_strbuf_addc(out, '\n');
		add_mdoc_line(commands[i].help, out);
	}
}

static void
exit_man(const char *arg, struct hg_strbuf *out)
{
	(void)arg;
	for (int status = 1; status < 128; status++) {
		bool started = false;

		for (int c = 1; c < HG_CODE_COUNT; c++) {
			if (hg_code_exit((enum hg_code)c) != status)
				continue;
			if (!started)
				hg_strbuf_addf(out, ".It %d\n", status);
			hg_strbuf_addf(out, "%s%s", started ? "; " : "",
			    hg_code_text((enum hg_code)c));
			started = true;
		}
		if (started)
			hg_strbuf_adds(out, ".\n");
	}
}

static void
reasons_md(const char *arg, struct hg_strbuf *out)
{
	static const char *const title[] = {
		[HG_REASON_CLASS_HIT] = "Nothing was compiled",
		[HG_REASON_CLASS_REMOTE] = "Compiled by a worker",
		[HG_REASON_CLASS_MISS] = "Compiled here; no cluster needed",
		[HG_REASON_CLASS_LOCAL] =
		    "Compiled here although a cluster is configured",
		[HG_REASON_CLASS_PASS] = "Handed to the compiler untouched",
	};

	(void)arg;
	for (size_t class = 0; class < sizeof(title) / sizeof(*title);
	     class++) {
		hg_strbuf_addf(out,
		    "\n## %s\n\n| reason | meaning |\n|---|---|\n",
		    title[class]);
		for (int i = 0; i < HG_REASON_COUNT; i++) {
			enum hg_reason r = (enum hg_reason)i;

			if ((size_t)hg_reason_class(r) == class)
				hg_strbuf_addf(out, "| `%s` | %s |\n",
				    hg_reason_name(r), hg_reason_text(r));
		}
	}
	hg_strbuf_addc(out, '\n');
}

static void
ccache_md(const char *arg, struct hg_strbuf *out)
{
	static const struct {
		const char *key;
		const char *option;
		const char *text;
	} rows[] = {
#define HG_CCACHE(key, variable, form, kind, option, text) \
	{ #key, option, text },
#include "cli/ccache.def"
	};

	(void)arg;
	hg_strbuf_adds(out, "\n| ccache | here |\n|---|---|\n");
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		hg_strbuf_addf(out, "| `%s` | %s%s%s%s%s |\n", rows[i].key,
		    *rows[i].option ? "`" : "", rows[i].option,
		    *rows[i].option ? "`" : "",
		    *rows[i].option && *rows[i].text ? "; " : "", rows[i].text);
	hg_strbuf_addc(out, '\n');
}

/* Shell variables for the completion of a program; arg: its letter. */
static void
completion(const char *arg, struct hg_strbuf *out)
{
	hg_strbuf_adds(out, "\tlocal flags='");
	for (int i = 0; i < HG_OPTION_COUNT; i++) {
		const struct hg_option_info *o = option(i);

		if (o->flag && strchr(o->programs, *arg))
			hg_strbuf_addf(out, "--%s ", o->flag);
	}
	hg_strbuf_adds(out, "--help --version'\n\tlocal valued='");
	for (int i = 0; i < HG_OPTION_COUNT; i++) {
		const struct hg_option_info *o = option(i);

		if (o->flag && strchr(o->programs, *arg) &&
		    o->type != HG_TYPE_BOOL)
			hg_strbuf_addf(out, " --%s", o->flag);
	}
	hg_strbuf_adds(out, " '\n");
}

/* Cases "first word" -> second words, and the first words. */
static void
completion_commands(const char *arg, struct hg_strbuf *out)
{
	struct hg_strbuf first = HG_STRBUF_INIT;

	(void)arg;
	hg_strbuf_adds(out, "\tlocal -A second=(\n");
	for (size_t i = 0; i < N_COMMANDS; i++) {
		const char *name = commands[i].name;
		int n = (int)strcspn(name, " ");
		bool again =
		    i > 0 &&
		    strncmp(commands[i - 1].name, name, (size_t)n) == 0 &&
		    commands[i - 1].name[n] == ' ';

		if (!again)
			hg_strbuf_addf(
			    &first, "%s%.*s", i > 0 ? " " : "", n, name);
		if (name[n] == ' ' && !again)
			hg_strbuf_addf(out, "\t\t[%.*s]='", n, name);
		if (name[n] == ' ')
			hg_strbuf_addf(
			    out, "%s%s", again ? " " : "", name + n + 1);
		if (name[n] == ' ' &&
		    (i + 1 == N_COMMANDS || strncmp(commands[i + 1].name, name,
						(size_t)n + 1) != 0))
			hg_strbuf_adds(out, "'\n");
	}
	hg_strbuf_addf(out, "\t)\n\tlocal commands='%s'\n", first.buf);
	hg_strbuf_release(&first);
}

/* ---- files ------------------------------------------------------------- */

static const struct part {
	const char *name;
	void (*print)(const char *arg, struct hg_strbuf *out);
} parts[] = {
	{ "arguments-md", hg_docgen_arguments },
	{ "ccache-md", ccache_md },
	{ "commands-man", commands_man },
	{ "completion", completion },
	{ "completion-commands", completion_commands },
	{ "conf-example", conf_example },
	{ "conf-man", conf_man },
	{ "env-man", env_man },
	{ "environment-md", hg_docgen_environment },
	{ "exit-man", exit_man },
	{ "flags-man", flags_man },
	{ "folder-man", folder_man },
	{ "reasons-md", reasons_md },
	{ "sloppiness-man", sloppiness_man },
};

/* "NAME" or "NAME ARG" at the start of text. */
static int
print_part(const char *text, struct hg_strbuf *out, struct hg_error *err)
{
	size_t n = strcspn(text, " \n");

	for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++) {
		if (strlen(parts[i].name) == n &&
		    strncmp(parts[i].name, text, n) == 0) {
			parts[i].print(text[n] == ' ' ? text + n + 1 : "", out);
			return 0;
		}
	}
	return hg_fail(
	    err, HG_INVALID, "there is no part '%.*s'", (int)n, text);
}

static int
rewrite(const char *text, struct hg_strbuf *out, struct hg_error *err)
{
	static const char begin[] = "generated: ", end[] = "end of generated";
	bool inside = false;

	while (*text) {
		size_t n = strcspn(text, "\n");
		char *line = hg_xstrndup(text, n);
		const char *part = strstr(line, begin);
		int rc = 0;

		inside = inside && !strstr(line, end);
		if (!inside)
			hg_strbuf_addf(out, "%s\n", line);
		if (!inside && part) {
			rc = print_part(part + strlen(begin), out, err);
			inside = true;
		}
		free(line);
		if (rc)
			return rc;
		text += n + (text[n] == '\n');
	}
	return inside ? hg_fail(err, HG_INVALID, "a part has no end") : 0;
}

int
main(int argc, char **argv)
{
	struct hg_strbuf text = HG_STRBUF_INIT, out = HG_STRBUF_INIT;
	struct hg_error err;
	int rc;

	if (argc != 2) {
		fprintf(stderr, "usage: hg-docgen FILE\n");
		return 64;
	}
	rc = hg_read_file(argv[1], MAX_FILE_BYTES, &text, &err);
	if (rc == 0)
		rc = rewrite(text.buf, &out, &err);
	if (rc == 0)
		fputs(out.buf, stdout);
	else
		fprintf(stderr, "hg-docgen: %s: %s\n", argv[1], err.text);
	hg_strbuf_release(&text);
	hg_strbuf_release(&out);
	return rc ? 1 : 0;
}
