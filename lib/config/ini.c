/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One configuration file. iniparser reads the values, but it knows no line
 * numbers, takes the last of two equal keys, and understands lines that look
 * like mistakes (an unclosed quote, a backslash that swallows the next line).
 * So the text is looked at first: a line that is not plainly one of section,
 * "key = value", comment or nothing is an error with its number, and so is a
 * key that is unknown or there twice. What passes, iniparser reads the same
 * way.
 */
#include "config.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#ifdef HAVE_INIPARSER_INIPARSER_H
# include <iniparser/iniparser.h>
#else
# include <iniparser.h>
#endif

#include "lib/base/alloc.h"
#include "lib/base/error.h"
#include "lib/base/fd.h"
#include "lib/base/strbuf.h"
#include "lib/config/private.h"

struct hg_ini {
	dictionary *dict;
	unsigned line[HG_OPTION_COUNT];
};

/* A piece of the text. */
struct span {
	const char *p;
	size_t n;
};

struct scan {
	const char *path;
	unsigned line_no;
	/* the section's name as the table has it, NULL before the first */
	const char *section;
	unsigned *line;
};

static struct span
strip(struct span s)
{
	while (s.n > 0 && isspace((unsigned char)s.p[0])) {
		s.p++;
		s.n--;
	}
	while (s.n > 0 && isspace((unsigned char)s.p[s.n - 1]))
		s.n--;
	return s;
}

static bool
is_same(struct span s, const char *word)
{
	return strlen(word) == s.n && strncasecmp(s.p, word, s.n) == 0;
}

/* Keeps a name that is shown in an error short. */
static int
shown(struct span s)
{
	return s.n > 60 ? 60 : (int)s.n;
}

static int
bad_line(const struct scan *sc, const char *what, struct hg_error *err)
{
	return hg_fail(err, HG_INVALID, "%s:%u: %s",
	    hg_config_short_name(sc->path), sc->line_no, what);
}

static int
scan_section(struct scan *sc, struct span s, struct hg_error *err)
{
	if (s.p[s.n - 1] != ']')
		return bad_line(
		    sc, "nothing may follow a [section] on its line", err);
	s = strip((struct span){ s.p + 1, s.n - 2 });
	for (int i = 0; i < HG_OPTION_COUNT; i++) {
		if (is_same(s, hg_option_table[i].section)) {
			sc->section = hg_option_table[i].section;
			return 0;
		}
	}
	return hg_fail(err, HG_INVALID, "%s:%u: unknown section [%.*s]",
	    hg_config_short_name(sc->path), sc->line_no, shown(s), s.p);
}

/* A value that starts with a quote must be one quoted string. */
static bool
has_good_quotes(struct span v)
{
	const char *end;

	if (v.n == 0 || (v.p[0] != '"' && v.p[0] != '\''))
		return true;
	end = memchr(v.p + 1, v.p[0], v.n - 1);
	if (!end)
		return false;
	v = strip((struct span){ end + 1, (size_t)(v.p + v.n - end) - 1 });
	return v.n == 0 || v.p[0] == ';' || v.p[0] == '#';
}

static int
scan_value(struct scan *sc, struct span s, struct hg_error *err)
{
	const char *eq = memchr(s.p, '=', s.n);
	struct span key, value;
	int id;

	if (!eq)
		return bad_line(sc, "neither [section] nor key = value", err);
	key = strip((struct span){ s.p, (size_t)(eq - s.p) });
	value = strip((struct span){ eq + 1, (size_t)(s.p + s.n - eq) - 1 });
	if (!sc->section)
		return bad_line(sc, "a key before the first [section]", err);
	for (id = 0; id < HG_OPTION_COUNT; id++) {
		if (is_same(key, hg_option_table[id].key) &&
		    strcmp(sc->section, hg_option_table[id].section) == 0)
			break;
	}
	if (id == HG_OPTION_COUNT)
		return hg_fail(err, HG_INVALID,
		    "%s:%u: unknown key '%.*s' in section [%s]",
		    hg_config_short_name(sc->path), sc->line_no, shown(key),
		    key.p, sc->section);
	if (sc->line[id] != 0)
		return hg_fail(err, HG_INVALID,
		    "%s:%u: %s.%s is already set on line %u",
		    hg_config_short_name(sc->path), sc->line_no, sc->section,
		    hg_option_table[id].key, sc->line[id]);
	if (!has_good_quotes(value))
		return hg_fail(err, HG_INVALID,
		    "%s:%u: %s.%s: the quotes do not match",
		    hg_config_short_name(sc->path), sc->line_no, sc->section,
		    hg_option_table[id].key);
	sc->line[id] = sc->line_no;
	return 0;
}

static int
scan_line(struct scan *sc, struct span s, struct hg_error *err)
{
	if (s.n > HG_INI_MAX_LINE_BYTES)
		return bad_line(sc, "the line is too long", err);
	if (memchr(s.p, '\0', s.n))
		return bad_line(sc, "the line holds a NUL byte", err);
	s = strip(s);
	if (s.n > 0 && s.p[s.n - 1] == '\\')
		return bad_line(sc,
		    "a line cannot be continued; remove the backslash at its "
		    "end",
		    err);
	if (s.n == 0 || s.p[0] == ';' || s.p[0] == '#')
		return 0;
	if (s.p[0] == '[')
		return scan_section(sc, s, err);
	return scan_value(sc, s, err);
}

static int
scan_text(struct hg_ini *ini, const char *path, const struct hg_strbuf *text,
    struct hg_error *err)
{
	struct scan sc = { .path = path, .line = ini->line };
	const char *p = text->buf, *end = p + text->len;

	while (p < end) {
		const char *nl = memchr(p, '\n', (size_t)(end - p));
		struct span s = { p, (size_t)((nl ? nl : end) - p) };
		int rc;

		sc.line_no++;
		rc = scan_line(&sc, s, err);
		if (rc)
			return rc;
		p = nl ? nl + 1 : end;
	}
	return 0;
}

/*
 * A FIFO would block and could not be read twice; /dev/null is a usual way to
 * say "no file".
 */
static int
read_text(const char *path, struct hg_strbuf *text, struct hg_error *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat st;
	int rc;

	if (fd < 0)
		return hg_fail_errno(err,
		    errno == ENOENT || errno == ENOTDIR ? HG_NOTFOUND
		    : errno == EACCES                   ? HG_DENIED
							: HG_IO,
		    "cannot open %s", hg_config_short_name(path));
	if (fstat(fd, &st) < 0 || !(S_ISREG(st.st_mode) || S_ISCHR(st.st_mode)))
		rc = hg_fail(err, HG_INVALID, "%s is not a file",
		    hg_config_short_name(path));
	else {
		rc = hg_read_fd(fd, HG_INI_MAX_FILE_BYTES, text, err);
		if (rc)
			hg_wrap(err, "%s", hg_config_short_name(path));
	}
	hg_fd_close(&fd);
	return rc;
}

static int
say_nothing(const char *fmt, ...)
{
	(void)fmt;
	return 0;
}

struct hg_ini *
hg_ini_load(const char *path, struct hg_error *err)
{
	struct hg_ini *ini = hg_xcalloc(1, sizeof(*ini));
	struct hg_strbuf text = HG_STRBUF_INIT;

	if (read_text(path, &text, err) || scan_text(ini, path, &text, err))
		goto fail;
	if (text.len > 0) {
		iniparser_set_error_callback(say_nothing);
		ini->dict = iniparser_load(path);
		if (!ini->dict) {
			hg_fail(err, HG_CORRUPT, "%s: cannot be understood",
			    hg_config_short_name(path));
			goto fail;
		}
	}
	hg_strbuf_release(&text);
	return ini;
fail:
	hg_strbuf_release(&text);
	hg_ini_free(ini);
	return NULL;
}

void
hg_ini_free(struct hg_ini *ini)
{
	if (!ini)
		return;
	if (ini->dict)
		iniparser_freedict(ini->dict);
	free(ini);
}

unsigned
hg_ini_line(const struct hg_ini *ini, enum hg_option_id id)
{
	return ini->line[id];
}

const char *
hg_ini_value(const struct hg_ini *ini, enum hg_option_id id)
{
	const struct hg_option_info *o = &hg_option_table[id];
	struct hg_strbuf name = HG_STRBUF_INIT;
	const char *value;

	hg_strbuf_addf(&name, "%s:%s", o->section, o->key);
	value = iniparser_getstring(ini->dict, name.buf, "");
	hg_strbuf_release(&name);
	return value;
}
