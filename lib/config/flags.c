/* SPDX-License-Identifier: Apache-2.0 */
/* The flags that programs take, read and explained from the option table. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/alloc.h"
#include "lib/base/error.h"
#include "lib/base/strbuf.h"
#include "lib/config/private.h"

/* Width of the help's left column. */
#define HELP_COLUMN 28

static bool
has_flag(const struct hg_option_info *o, char program)
{
	return o->flag && strchr(o->programs, program);
}

/* The option of "name" or "name=value". */
static enum hg_option_id
find_flag(char program, const char *word)
{
	size_t n = strcspn(word, "=");
	int i;

	for (i = 0; i < HG_OPTION_COUNT; i++) {
		const struct hg_option_info *o = &hg_option_table[i];

		if (has_flag(o, program) && strlen(o->flag) == n &&
		    strncmp(o->flag, word, n) == 0)
			break;
	}
	return (enum hg_option_id)i;
}

int
hg_config_flag(struct hg_config *cfg, char program, int argc, char **argv,
    int *ret_used, struct hg_error *err)
{
	const char *word = argv[0] + 2, *value = strchr(word, '=');
	enum hg_option_id id = find_flag(program, word);
	char *origin;
	int rc;

	*ret_used = 1;
	if (strncmp(argv[0], "--", 2) != 0 || id == HG_OPTION_COUNT)
		return hg_fail(
		    err, HG_INVALID, "unknown flag '%.100s'", argv[0]);
	if (value) {
		value++;
	} else if (hg_option_table[id].type == HG_TYPE_BOOL) {
		value = "true";
	} else if (argc > 1) {
		value = argv[1];
		*ret_used = 2;
	} else {
		return hg_fail(
		    err, HG_INVALID, "flag --%s needs a value", word);
	}
	origin = hg_xasprintf("flag --%s", hg_option_table[id].flag);
	rc = hg_config_set(cfg, id, value, origin, err);
	free(origin);
	return rc;
}

int
hg_config_flags(struct hg_config *cfg, char program, int argc, char **argv,
    int *ret_used, struct hg_error *err)
{
	int at = 0;

	while (at < argc && argv[at][0] == '-' && argv[at][1] != '\0') {
		int used, rc;

		if (strcmp(argv[at], "--") == 0) {
			at++;
			break;
		}
		rc = hg_config_flag(
		    cfg, program, argc - at, argv + at, &used, err);
		if (rc)
			return rc;
		at += used;
	}
	*ret_used = at;
	return 0;
}

static void
help_row(const struct hg_option_info *o, struct hg_strbuf *out)
{
	size_t start = out->len;
	const char *value = hg_option_value_name(o->type);

	hg_strbuf_addf(out, "  --%s%s%s", o->flag, *value ? " " : "", value);
	do
		hg_strbuf_addc(out, ' ');
	while (out->len - start < HELP_COLUMN);
	hg_strbuf_adds(out, o->help);
	if (*o->def && o->type != HG_TYPE_BOOL)
		hg_strbuf_addf(out, " [%s]", o->def);
	hg_strbuf_addc(out, '\n');
}

void
hg_config_help(char program, struct hg_strbuf *out)
{
	for (int i = 0; i < HG_OPTION_COUNT; i++) {
		if (has_flag(&hg_option_table[i], program))
			help_row(&hg_option_table[i], out);
	}
}
