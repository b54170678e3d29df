/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The option table, and one option's way from text into its field and back.
 * Everything here goes by the table: a field is reached by its offset and
 * handled by its type, so that a new row needs no code.
 */
#include "config.h"

#include <ctype.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/alloc.h"
#include "lib/base/error.h"
#include "lib/base/parse.h"
#include "lib/base/strbuf.h"
#include "lib/base/time.h"
#include "lib/config/private.h"
#include "lib/config/sloppiness.h"

/* clang-format off */
const struct hg_option_info hg_option_table[HG_OPTION_COUNT] = {
#define HG_OPTION(s, k, t, def, alias, flag, programs, help) \
	{ #s, #k, HG_TYPE_##t, def, alias, flag, programs, help, \
		offsetof(struct hg_config, s##_##k) },
#include "lib/config/options.def"
};
/* clang-format on */

enum hg_option_id
hg_option_find(const char *section, const char *key)
{
	int i;

	for (i = 0; i < HG_OPTION_COUNT; i++) {
		const struct hg_option_info *o = &hg_option_table[i];

		if (strcmp(o->key, key) == 0 &&
		    strcmp(o->section, section) == 0)
			break;
	}
	return (enum hg_option_id)i;
}

const char *
hg_option_value_name(enum hg_option_type type)
{
	static const char *const names[] = {
		[HG_TYPE_STRING] = "TEXT",
		[HG_TYPE_BOOL] = "",
		[HG_TYPE_INT] = "N",
		[HG_TYPE_SIZE] = "SIZE",
		[HG_TYPE_DURATION] = "TIME",
		[HG_TYPE_REAL] = "NUMBER",
		[HG_TYPE_PORT] = "PORT",
		[HG_TYPE_SHARE] = "SHARE",
		[HG_TYPE_PATH] = "PATH",
		[HG_TYPE_SLOPPINESS] = "NAMES",
		[HG_TYPE_CHECK] = "CHECK",
	};

	return names[type];
}

void
hg_option_env_name(enum hg_option_id id, struct hg_strbuf *out)
{
	const struct hg_option_info *o = &hg_option_table[id];
	size_t start = out->len;

	hg_strbuf_addf(out, "HG_%s_%s", o->section, o->key);
	for (size_t i = start; i < out->len; i++)
		out->buf[i] = (char)toupper((unsigned char)out->buf[i]);
}

static void *
field_of(struct hg_config *cfg, enum hg_option_id id)
{
	return (char *)cfg + hg_option_table[id].offset;
}

static const void *
const_field_of(const struct hg_config *cfg, enum hg_option_id id)
{
	return (const char *)cfg + hg_option_table[id].offset;
}

static bool
is_text(enum hg_option_type type)
{
	return type == HG_TYPE_STRING || type == HG_TYPE_PATH ||
	       type == HG_TYPE_CHECK;
}

void
hg_config_take_text(struct hg_config *cfg, enum hg_option_id id, char *text)
{
	char **field = field_of(cfg, id);

	/* defaults are the table's, and not copied for each compile */
	if (*field != hg_option_table[id].def)
		free(*field);
	*field = text;
}

static int
set_whole(int64_t *field, const char *text, uint64_t max, struct hg_error *err)
{
	uint64_t v = 0;
	int rc = hg_parse_u64(text, 0, max, &v, err);

	if (rc == 0)
		*field = (int64_t)v;
	return rc;
}

static int
set_share(double *field, const char *text, struct hg_error *err)
{
	double v;
	int rc = hg_parse_double(text, &v, err);

	if (rc)
		return rc;
	if (v < 0 || v > 1)
		return hg_fail(err, HG_INVALID,
		    "'%.60s' is not a share (a number from 0 to 1)", text);
	*field = v;
	return 0;
}

static int
check_check(const char *text, struct hg_error *err)
{
	if (strcmp(text, "content") != 0 && strcmp(text, "mtime") != 0 &&
	    strcmp(text, "none") != 0 && strncmp(text, "string:", 7) != 0)
		return hg_fail(err, HG_INVALID,
		    "'%.60s' is none of content, mtime, none and string:TEXT",
		    text);
	return 0;
}

/* Checks text, and sets a field that is not text itself. */
static int
set_field(enum hg_option_type type, void *field, const char *text,
    struct hg_error *err)
{
	switch (type) {
	case HG_TYPE_STRING:
	case HG_TYPE_PATH:
		return 0;
	case HG_TYPE_BOOL:
		return hg_parse_bool(text, field, err);
	case HG_TYPE_INT:
		return set_whole(field, text, INT64_MAX, err);
	case HG_TYPE_PORT:
		return set_whole(field, text, UINT16_MAX, err);
	case HG_TYPE_SIZE:
		return hg_parse_size(text, field, err);
	case HG_TYPE_DURATION:
		return hg_parse_duration(text, field, err);
	case HG_TYPE_REAL:
		return hg_parse_double(text, field, err);
	case HG_TYPE_SHARE:
		return set_share(field, text, err);
	case HG_TYPE_SLOPPINESS:
		return hg_sloppiness_parse(text, field, err);
	case HG_TYPE_CHECK:
		return check_check(text, err);
	}
	return hg_fail(err, HG_INTERNAL, "option of unknown type");
}

const char *
hg_config_short_name(const char *path)
{
	size_t n = strlen(path), keep = 120;

	return n > keep ? path + n - keep : path;
}

/* A constant in the place of an owned string; never freed. */
static char *
own_text(const char *of_table)
{
	return (char *)(uintptr_t)of_table;
}

/* The origin of most values: one for all, as it is needed for each compile. */
static const char default_origin[] = "default";

static void
set_origin(char **field, const char *origin)
{
	if (*field != default_origin)
		free(*field);
	*field = strcmp(origin, default_origin) == 0
		     ? own_text(default_origin)
		     : hg_xstrdup(origin);
}

int
hg_config_set(struct hg_config *cfg, enum hg_option_id id, const char *text,
    const char *origin, struct hg_error *err)
{
	const struct hg_option_info *o = &hg_option_table[id];
	int rc = set_field(o->type, field_of(cfg, id), text, err);

	if (rc) {
		hg_wrap(err, "%s: %s.%s", hg_config_short_name(origin),
		    o->section, o->key);
		return rc;
	}
	if (is_text(o->type))
		hg_config_take_text(cfg, id, hg_xstrdup(text));
	set_origin(&cfg->origin[id], origin);
	return 0;
}

void
hg_config_init(struct hg_config *cfg)
{
	memset(cfg, 0, sizeof(*cfg));
	for (int i = 0; i < HG_OPTION_COUNT; i++) {
		const struct hg_option_info *o = &hg_option_table[i];
		void *field = field_of(cfg, (enum hg_option_id)i);

		hg_assert(set_field(o->type, field, o->def, NULL) == 0);
		if (is_text(o->type))
			*(char **)field = own_text(o->def);
		cfg->origin[i] = own_text(default_origin);
	}
}

void
hg_config_release(struct hg_config *cfg)
{
	for (int i = 0; i < HG_OPTION_COUNT; i++) {
		if (is_text(hg_option_table[i].type))
			hg_config_take_text(cfg, (enum hg_option_id)i, NULL);
		if (cfg->origin[i] != default_origin)
			free(cfg->origin[i]);
	}
	memset(cfg, 0, sizeof(*cfg));
}

/* Quoted when a file would otherwise cut it or strip it. */
static void
format_text(const char *s, struct hg_strbuf *out)
{
	size_t n = strlen(s);
	const char *quote = "";

	if (strpbrk(s, ";#\"'") ||
	    (n > 0 && (isspace((unsigned char)s[0]) ||
			  isspace((unsigned char)s[n - 1]))))
		quote = strchr(s, '"') ? "'" : "\"";
	hg_strbuf_addf(out, "%s%s%s", quote, s, quote);
}

struct unit {
	const char *name;
	uint64_t factor;
};

/* The largest unit of the table that divides v. */
static void
format_units(uint64_t v, const struct unit *unit, struct hg_strbuf *out)
{
	while (unit->factor > 1 && (v == 0 || v % unit->factor != 0))
		unit++;
	hg_strbuf_addf(out, "%" PRIu64 "%s", v / unit->factor, unit->name);
}

static void
format_size(uint64_t v, struct hg_strbuf *out)
{
	static const struct unit units[] = {
		{ "TiB", (uint64_t)1 << 40 },
		{ "T", UINT64_C(1000000000000) },
		{ "GiB", (uint64_t)1 << 30 },
		{ "G", 1000000000 },
		{ "MiB", (uint64_t)1 << 20 },
		{ "M", 1000000 },
		{ "KiB", (uint64_t)1 << 10 },
		{ "k", 1000 },
		{ "", 1 },
	};

	format_units(v, units, out);
}

static void
format_duration(uint64_t ns, struct hg_strbuf *out)
{
	static const struct unit units[] = {
		{ "d", 86400000 },
		{ "h", 3600000 },
		{ "m", 60000 },
		{ "s", 1000 },
		{ "ms", 1 },
	};

	if (ns % HG_NS_PER_MS != 0)
		hg_strbuf_addf(
		    out, "%.6gms", (double)ns / (double)HG_NS_PER_MS);
	else
		format_units(ns == 0 ? 0 : ns / HG_NS_PER_MS,
		    ns == 0 ? &units[4] : units, out);
}

const char *
hg_config_text(const struct hg_config *cfg, enum hg_option_id id)
{
	return is_text(hg_option_table[id].type)
		   ? *(char *const *)const_field_of(cfg, id)
		   : NULL;
}

void
hg_config_format(
    const struct hg_config *cfg, enum hg_option_id id, struct hg_strbuf *out)
{
	const void *field = const_field_of(cfg, id);

	switch (hg_option_table[id].type) {
	case HG_TYPE_STRING:
	case HG_TYPE_PATH:
	case HG_TYPE_CHECK:
		format_text(hg_config_text(cfg, id), out);
		break;
	case HG_TYPE_BOOL:
		hg_strbuf_adds(out, *(const bool *)field ? "true" : "false");
		break;
	case HG_TYPE_INT:
	case HG_TYPE_PORT:
		hg_strbuf_addf(out, "%" PRId64, *(const int64_t *)field);
		break;
	case HG_TYPE_SIZE:
		format_size(*(const uint64_t *)field, out);
		break;
	case HG_TYPE_DURATION:
		format_duration(*(const uint64_t *)field, out);
		break;
	case HG_TYPE_REAL:
	case HG_TYPE_SHARE:
		hg_strbuf_addf(out, "%.15g", *(const double *)field);
		break;
	case HG_TYPE_SLOPPINESS:
		hg_sloppiness_format(*(const unsigned *)field, out);
		break;
	}
}
