/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading ccache's settings: "key = value" lines, in which $NAME and ${NAME}
 * stand for variables, and CCACHE_ variables, of which CCACHE_NONAME says no.
 * The table ccache.def says what becomes of each.
 */
#include "config.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "cli/ccache.h"
#include "lib/base/alloc.h"
#include "lib/base/error.h"
#include "lib/base/fd.h"
#include "lib/base/path.h"
#include "lib/config/sloppiness.h"

#define MAX_FILE_BYTES ((size_t)1 << 20)

enum form {
	YESNO,
	TEXT,
};

enum kind {
	COPY,
	YES,
	SIZE,
	CHECK,
	SLOPPY,
	NONE,
};

static const struct row {
	const char *key;
	const char *variable;
	enum form form;
	enum kind kind;
	const char *option;
	const char *text;
} rows[] = {
#define HG_CCACHE(key, variable, form, kind, option, text) \
	{ #key, #variable, form, kind, option, text },
#include "cli/ccache.def"
};

enum { N_ROWS = sizeof(rows) / sizeof(*rows) };

static const char *
env_get(const char *const *env, const char *name, size_t n)
{
	for (; *env; env++)
		if (strncmp(*env, name, n) == 0 && (*env)[n] == '=')
			return *env + n + 1;
	return NULL;
}

static const char *
env_text(const char *const *env, const char *name)
{
	const char *value = env_get(env, name, strlen(name));

	return value && *value ? value : NULL;
}

/* ---- settings ---------------------------------------------------------- */

static void
release_one(struct hg_ccache_setting *s)
{
	free(s->key);
	free(s->value);
	free(s->origin);
}

void
hg_ccache_release(struct hg_ccache *c)
{
	for (size_t i = 0; i < c->n; i++)
		release_one(&c->v[i]);
	free(c->v);
	c->v = NULL;
	c->n = 0;
}

/* Takes all three. */
static void
add(struct hg_ccache *c, char *key, char *value, char *origin)
{
	struct hg_ccache_setting *s = NULL;

	for (size_t i = 0; i < c->n; i++)
		if (strcmp(c->v[i].key, key) == 0)
			s = &c->v[i];
	if (s) {
		release_one(s);
	} else {
		c->v = hg_xrealloc(c->v, (c->n + 1) * sizeof(*c->v));
		s = &c->v[c->n++];
	}
	*s = (struct hg_ccache_setting){ key, value, origin };
}

/* With variables filled in; owned. */
static char *
expand(const char *p, size_t n, const char *const *env)
{
	struct hg_strbuf out = HG_STRBUF_INIT;
	const char *end = p + n;

	while (p < end) {
		bool braces = *p == '$' && p + 1 < end && p[1] == '{';
		const char *from = p + 1 + braces, *to = from;
		const char *value;

		while (*p == '$' && to < end &&
		    (isalnum((unsigned char)*to) || *to == '_'))
			to++;
		if (to == from || (braces && (to == end || *to != '}'))) {
			hg_strbuf_addc(&out, *p++);
			continue;
		}
		value = env_get(env, from, (size_t)(to - from));
		hg_strbuf_adds(&out, value ? value : "");
		p = to + braces;
	}
	return hg_strbuf_detach(&out, NULL);
}

static void
trim(const char **p, size_t *n)
{
	while (*n > 0 && isspace((unsigned char)**p)) {
		(*p)++;
		(*n)--;
	}
	while (*n > 0 && isspace((unsigned char)(*p)[*n - 1]))
		(*n)--;
}

static int
read_line(struct hg_ccache *c, const char *path, unsigned line_no,
    const char *line, size_t n, const char *const *env, struct hg_error *err)
{
	const char *eq, *value;
	size_t key_n, value_n;

	trim(&line, &n);
	if (n == 0 || *line == '#')
		return 0;
	eq = memchr(line, '=', n);
	if (!eq)
		return hg_fail(err, HG_INVALID, "%s:%u: not key = value", path,
		    line_no);
	key_n = (size_t)(eq - line);
	value = eq + 1;
	value_n = n - key_n - 1;
	trim(&line, &key_n);
	trim(&value, &value_n);
	add(c, hg_xstrndup(line, key_n), expand(value, value_n, env),
	    hg_xasprintf("%s:%u", path, line_no));
	return 0;
}

int
hg_ccache_read_file(struct hg_ccache *c, const char *path,
    const char *const *env, struct hg_error *err)
{
	struct hg_strbuf text = HG_STRBUF_INIT;
	unsigned line_no = 0;
	int rc = hg_read_file(path, MAX_FILE_BYTES, &text, err);

	for (const char *p = text.buf; rc == 0 && *p;) {
		size_t n = strcspn(p, "\n");

		rc = read_line(c, path, ++line_no, p, n, env, err);
		p += n + (p[n] == '\n');
	}
	hg_strbuf_release(&text);
	return rc;
}

void
hg_ccache_read_env(struct hg_ccache *c, const char *const *env)
{
	for (size_t i = 0; i < N_ROWS; i++) {
		char *name = hg_xasprintf("CCACHE_%s", rows[i].variable);
		char *no = hg_xasprintf("CCACHE_NO%s", rows[i].variable);
		bool yes_or_no = rows[i].form == YESNO;
		const char *value = env_get(env, name, strlen(name));

		if (value)
			add(c, hg_xstrdup(rows[i].key),
			    hg_xstrdup(yes_or_no ? "true" : value),
			    hg_xstrdup(name));
		else if (yes_or_no && env_get(env, no, strlen(no)))
			add(c, hg_xstrdup(rows[i].key), hg_xstrdup("false"),
			    hg_xstrdup(no));
		free(name);
		free(no);
	}
}

char *
hg_ccache_file(const char *const *env)
{
	const char *named = env_text(env, "CCACHE_CONFIGPATH");
	const char *dir = env_text(env, "CCACHE_DIR");
	const char *xdg = env_text(env, "XDG_CONFIG_HOME");
	const char *home = env_text(env, "HOME");
	char *places[4] = { NULL };
	char *found = NULL;

	if (named)
		return hg_xstrdup(named);
	if (dir)
		places[0] = hg_path_join(dir, "ccache.conf");
	if (home)
		places[1] = hg_path_join(home, ".ccache/ccache.conf");
	if (xdg)
		places[2] = hg_path_join(xdg, "ccache/ccache.conf");
	else if (home)
		places[2] = hg_path_join(home, ".config/ccache/ccache.conf");
	for (size_t i = 0; i < 3; i++) {
		if (!found && places[i] && access(places[i], F_OK) == 0)
			found = places[i];
		else
			free(places[i]);
	}
	return found;
}

/* ---- ours -------------------------------------------------------------- */

/* A number alone means GiB; "5.0 GiB" has a blank that ours has not. */
static char *
convert_size(const char *value)
{
	struct hg_strbuf out = HG_STRBUF_INIT;

	for (; *value; value++)
		if (!isspace((unsigned char)*value))
			hg_strbuf_addc(&out, *value);
	if (out.len > 0 && strcmp(out.buf, "0") != 0 &&
	    isdigit((unsigned char)out.buf[out.len - 1]))
		hg_strbuf_adds(&out, "GiB");
	return hg_strbuf_detach(&out, NULL);
}

/*
 * Names that ours has too. Unless ctime is to be ignored, file_stat_matches is
 * what happens here without it.
 */
static char *
convert_sloppiness(const char *value, struct hg_strbuf *remark)
{
	struct hg_strbuf out = HG_STRBUF_INIT;
	bool loose = strstr(value, "file_stat_matches_ctime") != NULL;

	for (const char *p = value; *p;) {
		size_t n = strcspn(p, ", \t");
		char *name = hg_xstrndup(p, n);
		unsigned set;

		p += n + (p[n] != '\0');
		if (!loose && strcmp(name, "file_stat_matches") == 0)
			hg_strbuf_adds(remark,
			    "file_stat_matches alone is the way it is done "
			    "here in any case. ");
		else if (n > 0 && hg_sloppiness_parse(name, &set, NULL) == 0)
			hg_strbuf_addf(
			    &out, "%s%s", out.len > 0 ? "," : "", name);
		else if (n > 0)
			hg_strbuf_addf(remark, "%s is not known. ", name);
		free(name);
	}
	return hg_strbuf_detach(&out, NULL);
}

static char *
convert(const struct row *row, const char *value, struct hg_strbuf *remark)
{
	switch (row->kind) {
	case SIZE:
		return convert_size(value);
	case SLOPPY:
		return convert_sloppiness(value, remark);
	case COPY:
	case YES:
	case CHECK:
	case NONE:
		break;
	}
	return hg_xstrdup(value);
}

static const struct row *
row_of(const char *key)
{
	for (size_t i = 0; i < N_ROWS; i++)
		if (strcmp(rows[i].key, key) == 0)
			return &rows[i];
	return NULL;
}

static enum hg_option_id
option_of(const struct row *row)
{
	const char *dot = strchr(row->option, '.');
	char *section = hg_xstrndup(row->option, (size_t)(dot - row->option));
	enum hg_option_id id = hg_option_find(section, dot + 1);

	free(section);
	return id;
}

enum hg_option_id
hg_ccache_convert(const struct hg_ccache_setting *s, struct hg_config *cfg,
    struct hg_strbuf *remark)
{
	const struct row *row = row_of(s->key);
	enum hg_option_id id;
	struct hg_error err;
	char *value;

	if (!row) {
		hg_strbuf_adds(remark, "not a setting of ccache 4.13");
		return HG_OPTION_COUNT;
	}
	if (row->kind == NONE) {
		hg_strbuf_adds(remark, row->text);
		return HG_OPTION_COUNT;
	}
	if (row->kind == YES && strcasecmp(s->value, "false") == 0) {
		hg_strbuf_adds(remark, "it is off here too");
		return HG_OPTION_COUNT;
	}
	id = option_of(row);
	value = convert(row, s->value, remark);
	if (hg_config_set(cfg, id, value, s->origin, &err) != 0) {
		hg_strbuf_adds(remark, row->kind == CHECK ? row->text : err.text);
		id = HG_OPTION_COUNT;
	}
	free(value);
	return id;
}
