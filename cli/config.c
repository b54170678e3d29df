/* SPDX-License-Identifier: Apache-2.0 */
/* hgbuild config show and check. */
#include "config.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/json.h"
#include "lib/base/strbuf.h"

static void
add_value(const struct hg_cli *cli, enum hg_option_id id, struct hg_strbuf *out)
{
	const struct hg_option_info *o = &hg_option_table[id];

	hg_strbuf_addf(out, "%s.%s = ", o->section, o->key);
	hg_config_format(&cli->cfg, id, out);
}

static void
show_text(const struct hg_cli *cli)
{
	struct hg_strbuf line = HG_STRBUF_INIT;
	const char *origin;

	for (int i = 0; i < HG_OPTION_COUNT; i++) {
		hg_strbuf_reset(&line);
		add_value(cli, (enum hg_option_id)i, &line);
		origin = cli->cfg.origin[i];
		printf("%-44s  (%s)\n", line.buf, origin);
	}
	hg_strbuf_release(&line);
}

/* "text" is what a file would hold; a STRING is "value" as it is. */
static json_t *
value_of(const struct hg_cli *cli, enum hg_option_id id)
{
	struct hg_strbuf text = HG_STRBUF_INIT;
	json_t *value;

	if (hg_config_text(&cli->cfg, id)) {
		hg_strbuf_adds(&text, hg_config_text(&cli->cfg, id));
	} else {
		hg_config_format(&cli->cfg, id, &text);
	}
	value = json_pack("{s:o, s:o}", "value", hg_json_text(text.buf),
	    "origin", hg_json_text(cli->cfg.origin[id]));
	hg_strbuf_release(&text);
	return value;
}

static int
show_json(const struct hg_cli *cli)
{
	json_t *root = json_object();
	struct hg_strbuf name = HG_STRBUF_INIT;

	for (int i = 0; i < HG_OPTION_COUNT; i++) {
		const struct hg_option_info *o = &hg_option_table[i];

		hg_strbuf_reset(&name);
		hg_strbuf_addf(&name, "%s.%s", o->section, o->key);
		json_object_set_new(
		    root, name.buf, value_of(cli, (enum hg_option_id)i));
	}
	hg_strbuf_release(&name);
	return hg_json_print(root);
}

/* The file of the working folder, looked at as the launcher does. */
static int
check_folder(bool quiet)
{
	const char *const *env = (const char *const *)environ;
	char *path = hg_config_folder_file(getenv("HOME"));
	char *system = hg_config_system_file();
	char *user = hg_config_user_file(env);
	struct hg_config_sources weaker = { system, user, getenv("HOME") };
	struct hg_config cfg;
	struct hg_error err;
	int rc = 0;

	hg_config_init(&cfg);
	if (path)
		rc = hg_config_read_folder(&cfg, path, &weaker, &err);
	if (rc)
		fprintf(stderr, "hgbuild: %s: ignored: %s\n", path, err.text);
	else if (path && !quiet)
		printf("%s: right\n", path);
	hg_config_release(&cfg);
	free(path);
	free(system);
	free(user);
	return rc ? hg_code_exit((enum hg_code) - rc) : 0;
}

int
hg_cli_config_show(struct hg_cli *cli)
{
	int rc = hg_cli_refuse(cli);

	if (rc)
		return rc;
	if (cli->cfg.launcher_folder_config)
		check_folder(true);
	if (cli->json)
		return show_json(cli);
	show_text(cli);
	return 0;
}

static int
check_file(const char *path, bool required)
{
	struct hg_error err;
	struct hg_config cfg;
	int rc;

	if (!path)
		return 0;
	hg_config_init(&cfg);
	rc = hg_config_read_file(&cfg, path, getenv("HOME"), &err);
	hg_config_release(&cfg);
	if (rc == -HG_NOTFOUND && !required)
		printf("%s: not there\n", path);
	else if (rc)
		return hg_cli_fail(&err);
	else
		printf("%s: right\n", path);
	return 0;
}

int
hg_cli_config_check(struct hg_cli *cli)
{
	const char *const *env = (const char *const *)environ;
	char *files[] = { hg_config_system_file(), hg_config_user_file(env),
		hg_config_named_file(env) };
	int rc = 0, worst = 0;

	if (cli->argc > 1)
		worst = hg_cli_usage("config check takes one file at most");
	else if (cli->argc == 1)
		worst = check_file(cli->argv[0], true);
	for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++) {
		if (cli->argc == 0)
			rc = check_file(files[i], i == 2);
		worst = rc ? rc : worst;
		free(files[i]);
	}
	if (cli->argc > 0 || worst)
		return worst;
	if (cli->cfg_error.code != HG_OK)
		return hg_cli_fail(&cli->cfg_error);
	printf("environment: right\n");
	return cli->cfg.launcher_folder_config ? check_folder(false) : 0;
}
