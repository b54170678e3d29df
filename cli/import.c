/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hgbuild import ccache: prints the settings of ccache as ours, with a remark
 * on each that has no counterpart; with --write adds to the user's file those
 * that it does not set yet.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/ccache.h"
#include "cli/cli.h"
#include "lib/base/error.h"
#include "lib/base/fd.h"
#include "lib/base/path.h"

#define MAX_FILE_BYTES ((size_t)1 << 20)

struct import {
	struct hg_ccache ccache;
	/* our settings that come from it: those with an origin of their own */
	struct hg_config ours;
	bool set[HG_OPTION_COUNT];
	/* set in the user's file already */
	bool kept[HG_OPTION_COUNT];
	/* comments on the settings that make none of ours */
	struct hg_strbuf rest;
};

static void
convert_all(struct import *im)
{
	for (size_t i = 0; i < im->ccache.n; i++) {
		const struct hg_ccache_setting *s = &im->ccache.v[i];
		struct hg_strbuf remark = HG_STRBUF_INIT;
		enum hg_option_id id =
		    hg_ccache_convert(s, &im->ours, &remark);

		if (id < HG_OPTION_COUNT)
			im->set[id] = true;
		if (remark.len > 0)
			hg_strbuf_addf(&im->rest, "# %.100s = %.300s (%.300s)\n#   %s\n",
			    s->key, s->value, s->origin, remark.buf);
		hg_strbuf_release(&remark);
	}
}

/* The settings by section, as a file has them. */
static void
format_all(const struct import *im, struct hg_strbuf *out)
{
	const char *section = "";

	for (int i = 0; i < HG_OPTION_COUNT; i++) {
		const struct hg_option_info *o = &hg_option_table[i];

		if (!im->set[i] || im->kept[i])
			continue;
		if (strcmp(section, o->section) != 0)
			hg_strbuf_addf(out, "%s[%s]\n", *section ? "\n" : "",
			    o->section);
		section = o->section;
		hg_strbuf_addf(out, "# %s\n%s = ", im->ours.origin[i], o->key);
		hg_config_format(&im->ours, (enum hg_option_id)i, out);
		hg_strbuf_addc(out, '\n');
	}
	if (im->rest.len > 0)
		hg_strbuf_addf(out,
		    "%s# Settings of ccache that make none here:\n%s",
		    *section ? "\n" : "", im->rest.buf);
}

/* What the user's file holds, and which options that sets. */
static int
read_user_file(struct import *im, const char *path, struct hg_strbuf *text,
    struct hg_error *err)
{
	struct hg_config now;
	int rc;

	hg_config_init(&now);
	rc = hg_config_read_file(&now, path, getenv("HOME"), err);
	for (int i = 0; rc == 0 && i < HG_OPTION_COUNT; i++) {
		im->kept[i] = im->set[i] &&
			      strcmp(now.origin[i], "default") != 0;
		if (im->kept[i])
			printf("kept: %s.%s (%s)\n", hg_option_table[i].section,
			    hg_option_table[i].key, now.origin[i]);
	}
	hg_config_release(&now);
	if (rc == -HG_NOTFOUND)
		return 0;
	return rc ? rc : hg_read_file(path, MAX_FILE_BYTES, text, err);
}

static int
write_user_file(struct import *im, struct hg_error *err)
{
	char *path = hg_config_user_file((const char *const *)environ);
	struct hg_strbuf text = HG_STRBUF_INIT;
	struct stat st = { .st_mode = 0644 };
	char *dir;
	int rc;

	if (!path)
		return hg_fail(err, HG_NOTFOUND,
		    "there is no home folder to write the settings to: set "
		    "HOME");
	dir = hg_path_dir(path);
	(void)stat(path, &st);
	rc = read_user_file(im, path, &text, err);
	if (text.len > 0 && text.buf[text.len - 1] != '\n')
		hg_strbuf_addc(&text, '\n');
	hg_strbuf_addf(&text, "%s# Made by hgbuild import ccache\n",
	    text.len > 0 ? "\n" : "");
	format_all(im, &text);
	if (rc == 0)
		rc = hg_mkdir_p(dir, err);
	if (rc == 0)
		rc = hg_write_file_atomic(
		    path, text.buf, text.len, st.st_mode & 0777, err);
	if (rc == 0)
		printf("written: %s\n", path);
	hg_strbuf_release(&text);
	free(dir);
	free(path);
	return rc;
}

static void
print_all(const struct import *im)
{
	struct hg_strbuf text = HG_STRBUF_INIT;

	format_all(im, &text);
	fputs(text.buf, stdout);
	hg_strbuf_release(&text);
}

/* The file that was named, or ccache's own and the environment. */
static int
read_settings(struct import *im, const char *named, struct hg_error *err)
{
	const char *const *env = (const char *const *)environ;
	char *path = named ? NULL : hg_ccache_file(env);
	int rc = 0;

	if (named || path)
		rc = hg_ccache_read_file(
		    &im->ccache, named ? named : path, env, err);
	if (rc == 0 && !named)
		hg_ccache_read_env(&im->ccache, env);
	if (rc == 0 && im->ccache.n == 0)
		rc = hg_fail(err, HG_NOTFOUND,
		    named ? "%s sets nothing"
			  : "there are no settings of ccache%s",
		    named ? named : "");
	free(path);
	return rc;
}

int
hg_cli_import_ccache(struct hg_cli *cli)
{
	struct import im = { .ccache = HG_CCACHE_INIT,
		.rest = HG_STRBUF_INIT };
	struct hg_error err;
	int rc;

	if (cli->argc > 1)
		return hg_cli_usage("import ccache takes one file at most");
	hg_config_init(&im.ours);
	rc = read_settings(&im, cli->argc > 0 ? cli->argv[0] : NULL, &err);
	if (rc == 0)
		convert_all(&im);
	if (rc == 0 && hg_cli_value(cli, "write"))
		rc = write_user_file(&im, &err);
	else if (rc == 0)
		print_all(&im);
	hg_config_release(&im.ours);
	hg_ccache_release(&im.ccache);
	hg_strbuf_release(&im.rest);
	return rc ? hg_cli_fail(&err) : 0;
}
