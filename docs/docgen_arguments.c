/* SPDX-License-Identifier: Apache-2.0 */
/* docs/arguments.md: the compiler arguments and variables that are known. */
#include "config.h"

#include "docs/docgen.h"
#include "lib/base/strbuf.h"
#include "lib/cc/args.h"

static const struct {
	const char *class;
	const char *key;
} handlers[] = {
#define HG_HANDLER(name, class, key) [HG_HANDLER_##name] = { class, key },
#include "lib/cc/handlers.def"
};

static const struct {
	enum hg_arg_flag flag;
	const char *text;
} flags[] = {
	{ HG_ARG_CWD, "the working folder is in the key" },
	{ HG_ARG_COVERAGE,
	    "the working folder is in the key, for notes for coverage" },
	{ HG_ARG_OUTNAME, "the names of outputs are in the key" },
	{ HG_ARG_LOCAL, "compiled on this machine only" },
	{ HG_ARG_PATH, "a path; may differ in another checkout" },
	{ HG_ARG_MAP, "a map of paths; may differ in another checkout" },
};

/* The spelling with its value, as people would write it. */
static void
add_spelling(const struct hg_arg_row *row, struct hg_strbuf *out)
{
	static const char *const values[] = {
		[HG_ARITY_EXACT] = "",
		[HG_ARITY_SEPARATE] = " VALUE",
		[HG_ARITY_JOINED] = "VALUE",
		[HG_ARITY_JOINED_OR_SEPARATE] = "[ ]VALUE",
		[HG_ARITY_PREFIX] = "...",
	};

	hg_strbuf_addf(
	    out, "| `%s%s` |", row->spelling, values[row->arity]);
}

void
hg_docgen_arguments(const char *arg, struct hg_strbuf *out)
{
	size_t n;
	const struct hg_arg_row *rows = hg_arg_table(&n);

	(void)arg;
	hg_strbuf_adds(out, "\n| argument | class | in the key | besides |\n"
			    "|---|---|---|---|\n");
	for (size_t i = 0; i < n; i++) {
		const char *between = "";

		add_spelling(&rows[i], out);
		hg_strbuf_addf(out, " %s | %s |",
		    handlers[rows[i].handler].class,
		    handlers[rows[i].handler].key);
		for (size_t j = 0; j < sizeof(flags) / sizeof(*flags); j++) {
			if (!(rows[i].flags & (int)flags[j].flag))
				continue;
			hg_strbuf_addf(out, "%s %s", between, flags[j].text);
			between = ";";
		}
		hg_strbuf_adds(out, " |\n");
	}
	hg_strbuf_addc(out, '\n');
}

void
hg_docgen_environment(const char *arg, struct hg_strbuf *out)
{
	static const struct {
		const char *name;
		const char *effect;
	} rows[] = {
#define KEY "name and value are in the key"
#define PASS "the command is passed on"
#define HG_ENV(name, effect) { name, effect },
#include "lib/cc/env.def"
#undef KEY
#undef PASS
	};

	(void)arg;
	hg_strbuf_adds(out, "\n| variable | effect |\n|---|---|\n");
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		hg_strbuf_addf(
		    out, "| `%s` | %s |\n", rows[i].name, rows[i].effect);
	hg_strbuf_addc(out, '\n');
}
