/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hgbuild why: makes sentences of the records that the launcher writes of every
 * compile that did not come from the local cache (launcher/explain.c).
 */
#include "config.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/json.h"
#include "cli/table.h"
#include "cli/text.h"
#include "cli/why.h"
#include "lib/base/alloc.h"
#include "lib/base/limits.h"
#include "lib/base/path.h"
#include "lib/base/reason.h"
#include "lib/base/time.h"

/* Shown when no file is named. */
enum { LAST = 10 };

/* ---- causes ------------------------------------------------------------ */

/* A record made into words. */
struct why {
	const struct hg_record *r;
	enum hg_reason reason;
	struct hg_changes changes;
	/* why the cache did not have it, or "" */
	struct hg_strbuf cause;
};

/* What is told of a look-up's end; "" when it is to be worked out. */
static const struct {
	const char *end;
	const char *text;
} ends[] = {
	{ "off", "the local cache was switched off (cache.direct)" },
	{ "names", "what the cache has is good for other names of the "
		   "outputs only" },
	{ "changed", "" },
	{ "hit", "" },
	{ "absent", "" },
};

static bool
is_set(const struct hg_record *r, const char *name)
{
	return hg_record_number(r, name) != 0;
}

static void
add_reason(struct hg_strbuf *out, const char *name, const char *detail)
{
	hg_strbuf_adds(out, hg_reason_text(hg_reason_parse(name)));
	if (*detail)
		hg_strbuf_addf(out, " (%s)", detail);
}

static void
find_changes(struct why *w)
{
	struct hg_record_field was, now;
	struct hg_record a = HG_RECORD_INIT, b = HG_RECORD_INIT;

	if (!hg_record_find(w->r, "old_parts", &was) || was.n == 0 ||
	    !hg_record_find(w->r, "parts", &now))
		return;
	hg_strbuf_add(&a.bytes, was.p, was.n);
	hg_strbuf_add(&b.bytes, now.p, now.n);
	hg_changes_find(&a, &b, &w->changes);
	hg_record_release(&a);
	hg_record_release(&b);
}

/* Nothing is known for the key: what is different from the last time? */
static void
explain_absence(struct why *w)
{
	const struct hg_record *r = w->r;
	struct hg_strbuf *out = &w->cause;

	for (size_t i = 0; i < w->changes.n; i++)
		hg_strbuf_addf(
		    out, "%s%s", i > 0 ? "; " : "", w->changes.v[i].text);
	if (w->changes.n > 0)
		return;
	if (!is_set(r, "old_time")) {
		hg_strbuf_adds(out, "no compile of it is remembered");
	} else if (is_set(r, "old_kept")) {
		hg_strbuf_adds(out,
		    "nothing has changed, but its entry is gone: evicted, or "
		    "the cache was cleared");
	} else {
		const char *unkept = hg_record_text(r, "old_unkept");

		hg_strbuf_adds(out, "nothing was kept the last time");
		if (*unkept) {
			hg_strbuf_adds(out, ": ");
			add_reason(out, unkept, "");
		}
	}
}

static void
explain(struct why *w, const struct hg_record *r)
{
	const char *end = hg_record_text(r, "lookup");
	const char *text = "";

	memset(w, 0, sizeof(*w));
	w->r = r;
	hg_strbuf_init(&w->cause);
	w->reason = hg_reason_parse(hg_record_text(r, "reason"));
	if (hg_reason_class(w->reason) == HG_REASON_CLASS_PASS)
		return;
	find_changes(w);
	for (size_t i = 0; i < sizeof(ends) / sizeof(*ends); i++)
		if (strcmp(ends[i].end, end) == 0)
			text = ends[i].text;
	if (is_set(r, "recache"))
		text = "it was to be compiled anew (cache.recache)";
	if (*text)
		hg_strbuf_adds(&w->cause, text);
	else if (strcmp(end, "absent") == 0)
		explain_absence(w);
	else
		hg_strbuf_adds(&w->cause, hg_record_text(r, "finding"));
	hg_text_defuse(w->cause.buf);
}

static void
why_release(struct why *w)
{
	hg_changes_release(&w->changes);
	hg_strbuf_release(&w->cause);
}

/* ---- sentences --------------------------------------------------------- */

static double
seconds_ago(const struct hg_record *r)
{
	uint64_t now = hg_wall_ns(), then = hg_record_number(r, "time");

	return now > then ? (double)(now - then) / 1e9 : 0;
}

static void
add_time(double seconds, struct hg_strbuf *out)
{
	if (seconds < 1)
		hg_strbuf_addf(out, "%.0f ms", seconds * 1000);
	else
		hg_text_seconds(seconds, out);
}

/* "a.c was compiled here 5.0 s ago, in 300 ms." */
static void
say_what(const struct why *w, struct hg_strbuf *out)
{
	static const char *const verbs[] = {
		[HG_REASON_CLASS_HIT] = "came from the coordinator's cache",
		[HG_REASON_CLASS_REMOTE] = "was compiled by worker",
		[HG_REASON_CLASS_MISS] = "was compiled here",
		[HG_REASON_CLASS_LOCAL] = "was compiled here",
		[HG_REASON_CLASS_PASS] = "was handed to the compiler untouched",
	};
	enum hg_reason_class class = hg_reason_class(w->reason);
	uint64_t us = hg_record_number(w->r, "compile_us");
	uint64_t status = hg_record_number(w->r, "exit");

	hg_strbuf_addf(
	    out, "%s %s", hg_record_text(w->r, "source"), verbs[class]);
	if (class == HG_REASON_CLASS_REMOTE)
		hg_strbuf_addf(out, " %s", hg_record_text(w->r, "worker"));
	hg_strbuf_addc(out, ' ');
	add_time(seconds_ago(w->r), out);
	hg_strbuf_adds(out, " ago");
	if (us > 0) {
		hg_strbuf_adds(out, ", in ");
		add_time((double)us / 1e6, out);
	}
	if (status != 0)
		hg_strbuf_addf(out, ", and failed with status %" PRIu64, status);
	hg_strbuf_addc(out, '.');
}

/* What it was not done remotely for, or not at all by us. */
static void
say_reason(const struct why *w, struct hg_strbuf *out)
{
	const char *intro = NULL;

	switch (hg_reason_class(w->reason)) {
	case HG_REASON_CLASS_LOCAL:
		intro = "No worker compiled it: ";
		break;
	case HG_REASON_CLASS_PASS:
		intro = "The reason: ";
		break;
	case HG_REASON_CLASS_HIT:
	case HG_REASON_CLASS_REMOTE:
	case HG_REASON_CLASS_MISS:
		return;
	}
	hg_strbuf_adds(out, intro);
	add_reason(out, hg_reason_name(w->reason),
	    hg_record_text(w->r, "detail"));
	hg_strbuf_adds(out, ".\n");
}

static void
say_unkept(const struct why *w, struct hg_strbuf *out)
{
	const char *unkept = hg_record_text(w->r, "unkept");
	bool own_detail = strcmp(unkept, hg_reason_name(w->reason)) == 0;

	if (*unkept) {
		hg_strbuf_adds(out, "The result was not kept: ");
		add_reason(out, unkept,
		    own_detail ? hg_record_text(w->r, "detail") : "");
		hg_strbuf_adds(out, ".\n");
	} else if (is_set(w->r, "readonly") && !is_set(w->r, "kept")) {
		hg_strbuf_adds(out,
		    "The result was not kept: the cache is read-only "
		    "(cache.readonly).\n");
	}
}

static void
say_all(const struct why *w, struct hg_strbuf *out)
{
	say_what(w, out);
	hg_strbuf_addc(out, '\n');
	if (w->cause.len > 0)
		hg_strbuf_addf(
		    out, "It was not in the cache: %s.\n", w->cause.buf);
	say_reason(w, out);
	say_unkept(w, out);
	for (char *p = out->buf; *p; p++)
		if (((unsigned char)*p < 0x20 && *p != '\n') || *p == 0x7f)
			*p = '?';
}

static json_t *
text_or_null(const char *s)
{
	return s && *s ? hg_json_text(s) : json_null();
}

static json_t *
json_changes(const struct hg_changes *c)
{
	json_t *list = json_array();

	for (size_t i = 0; i < c->n; i++)
		json_array_append_new(list,
		    json_pack("{s:o, s:o, s:o, s:o}", "part",
			hg_json_text(c->v[i].field), "was",
			text_or_null(c->v[i].was), "now",
			text_or_null(c->v[i].now), "text",
			hg_json_text(c->v[i].text)));
	return list;
}

static json_t *
json_of(const struct why *w)
{
	const struct hg_record *r = w->r;
	struct hg_strbuf text = HG_STRBUF_INIT;
	json_t *root;

	say_all(w, &text);
	root = json_pack("{s:o, s:o, s:o, s:I, s:o, s:o, s:o, s:o, s:o, s:I, "
			 "s:I, s:b, s:o, s:o, s:o}",
	    "source", hg_json_text(hg_record_text(r, "source")), "output",
	    text_or_null(hg_record_text(r, "output")), "folder",
	    hg_json_text(hg_record_text(r, "cwd")), "time_ns",
	    (json_int_t)hg_record_number(r, "time"), "reason",
	    hg_json_text(hg_reason_name(w->reason)), "detail",
	    text_or_null(hg_record_text(r, "detail")), "cause",
	    text_or_null(w->cause.buf), "changes", json_changes(&w->changes),
	    "worker", text_or_null(hg_record_text(r, "worker")), "exit",
	    (json_int_t)hg_record_number(r, "exit"), "compile_us",
	    (json_int_t)hg_record_number(r, "compile_us"), "kept",
	    (int)is_set(r, "kept"), "not_kept",
	    text_or_null(hg_record_text(r, "unkept")), "lookup",
	    hg_json_text(hg_record_text(r, "lookup")), "text",
	    hg_json_text(text.buf));
	hg_strbuf_release(&text);
	return root;
}

/* ---- finding records --------------------------------------------------- */

/* Without ".", ".." and doubled slashes, by the text alone; owned. */
static char *
plain_path(const char *dir, const char *name)
{
	char *path = hg_path_join(dir, name), *to = path;

	for (const char *p = path; *p;) {
		size_t n = strcspn(p + 1, "/");

		if (n == 2 && memcmp(p + 1, "..", 2) == 0) {
			while (to > path && *--to != '/')
				;
		} else if (n > 0 && !(n == 1 && p[1] == '.')) {
			memmove(to, p, n + 1);
			to += n + 1;
		}
		p += n + 1;
	}
	*to = '\0';
	return path;
}

static bool
ends_with(const char *path, const char *file)
{
	size_t n = strlen(path), k = strlen(file);

	return n > k && path[n - k - 1] == '/' && strcmp(path + n - k, file) == 0;
}

struct search {
	/* as given, and absolute; NULL: any */
	const char *file;
	const char *path;
	/* the newest, newest first; exact ones push out the others */
	struct hg_record found[LAST];
	size_t n;
	bool exact;
	/* all that fit */
	size_t total;
};

/* 0: not at all, 1: by the end of the name, 2: by its whole. */
static int
fits(const struct search *s, const struct hg_record *r)
{
	static const char *const names[] = { "source", "output" };
	int best = 0;

	for (size_t i = 0; i < 2 && s->file; i++) {
		const char *name = hg_record_text(r, names[i]);
		char *path = plain_path(hg_record_text(r, "cwd"), name);
		int fit = 0;

		if (*name && strcmp(path, s->path) == 0)
			fit = 2;
		else if (*name && ends_with(path, s->file))
			fit = 1;
		best = fit > best ? fit : best;
		free(path);
	}
	return s->file ? best : 2;
}

static void
forget(struct search *s)
{
	for (size_t i = 0; i < s->n; i++)
		hg_record_release(&s->found[i]);
	s->n = s->total = 0;
}

static void
consider(const struct hg_record *r, void *arg)
{
	struct search *s = arg;
	int fit = fits(s, r);
	uint64_t time = hg_record_number(r, "time");
	size_t at = 0;

	if (fit == 0 || (s->exact && fit < 2))
		return;
	if (fit == 2 && !s->exact) {
		forget(s);
		s->exact = true;
	}
	s->total++;
	while (at < s->n && hg_record_number(&s->found[at], "time") >= time)
		at++;
	if (at == LAST)
		return;
	if (s->n == LAST)
		hg_record_release(&s->found[--s->n]);
	memmove(&s->found[at + 1], &s->found[at],
	    (s->n - at) * sizeof(*s->found));
	s->n++;
	hg_strbuf_init(&s->found[at].bytes);
	hg_strbuf_add(&s->found[at].bytes, r->bytes.buf, r->bytes.len);
}

/* ---- the command ------------------------------------------------------- */

static int
show_one(struct hg_cli *cli, const struct search *s)
{
	struct hg_strbuf text = HG_STRBUF_INIT;
	struct why w;
	int rc = 0;

	explain(&w, &s->found[0]);
	if (cli->json) {
		rc = hg_json_print(json_of(&w));
	} else {
		say_all(&w, &text);
		if (s->total > 1)
			hg_strbuf_addf(&text,
			    "%zu more compiles of it are remembered: name its "
			    "object instead to see another.\n",
			    s->total - 1);
		fputs(text.buf, stdout);
	}
	hg_strbuf_release(&text);
	why_release(&w);
	return rc;
}

static int
show_list(struct hg_cli *cli, const struct search *s)
{
	static const char *const title[] = { "AGO", "REASON", "SOURCE", "CAUSE",
		NULL };
	json_t *list = json_array();
	struct hg_table table;

	hg_table_init(&table, title);
	for (size_t i = 0; i < s->n; i++) {
		struct hg_strbuf ago = HG_STRBUF_INIT;
		struct why w;

		explain(&w, &s->found[i]);
		add_time(seconds_ago(w.r), &ago);
		hg_table_add(&table, "%s", ago.buf);
		hg_table_add(&table, "%s", hg_reason_name(w.reason));
		hg_table_add(&table, "%s", hg_record_text(w.r, "source"));
		hg_table_add(&table, "%s",
		    w.cause.len > 0 ? w.cause.buf
				    : hg_record_text(w.r, "detail"));
		json_array_append_new(list, json_of(&w));
		hg_strbuf_release(&ago);
		why_release(&w);
	}
	if (cli->json) {
		hg_table_release(&table);
		return hg_json_print(list);
	}
	json_decref(list);
	if (s->n == 0)
		puts("no misses are remembered");
	else
		hg_table_print(&table);
	hg_table_release(&table);
	return 0;
}

static int
nothing_known(const char *file)
{
	struct hg_error err;

	hg_fail(&err, HG_NOTFOUND,
	    "nothing is remembered of '%.100s': every compile of it came from "
	    "the cache, or none went through hg-launcher",
	    file);
	return hg_cli_fail(&err);
}

int
hg_cli_why(struct hg_cli *cli)
{
	struct search s = { .file = cli->argc > 0 ? cli->argv[0] : NULL };
	char cwd[HG_MAX_PATH_BYTES];
	char *path = NULL;
	int rc;

	if (cli->argc > 1)
		return hg_cli_usage("why takes one file at most");
	if (cli->cfg_error.code != HG_OK)
		return hg_cli_fail(&cli->cfg_error);
	if (s.file && !getcwd(cwd, sizeof(cwd)))
		memcpy(cwd, "/", 2);
	if (s.file)
		s.path = path = plain_path(cwd, s.file);
	while (s.file && s.file[0] == '.' && s.file[1] == '/')
		s.file += 2;
	hg_record_scan(cli->cfg.cache_dir, consider, &s);
	if (s.file && s.n == 0)
		rc = nothing_known(cli->argv[0]);
	else
		rc = s.file ? show_one(cli, &s) : show_list(cli, &s);
	forget(&s);
	free(path);
	return rc;
}
