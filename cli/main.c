/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hgbuild: what people type. Reads the settings, takes the flags before the
 * command, finds the command's row in the table and runs it. A configuration
 * that cannot be read is an error for commands that show or need it, and only a
 * warning for builds.
 */
#include "config.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "lib/base/alloc.h"
#include "lib/base/part.h"
#include "lib/base/path.h"
#include "lib/base/strbuf.h"
#include "lib/store/mapped.h"

/* clang-format off */
const struct hg_command hg_command_table[] = {
#define HG_COMMAND(name, args, words, function, help) \
	{ name, args, HG_CLI_##words, hg_cli_##function, help },
#include "cli/commands.def"
	{ NULL, NULL, HG_CLI_OWN, NULL, NULL },
};
/* clang-format on */

int
hg_cli_fail(const struct hg_error *err)
{
	fprintf(stderr, "hgbuild: %s\n", err->text);
	return hg_code_exit(err->code);
}

int
hg_cli_usage(const char *fmt, ...)
{
	va_list ap;

	fputs("hgbuild: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputs("\nTry 'hgbuild --help'.\n", stderr);
	return hg_code_exit(HG_INVALID);
}

int
hg_cli_refuse(const struct hg_cli *cli)
{
	if (cli->argc > 0)
		return hg_cli_usage(
		    "%s takes no arguments", cli->command->name);
	if (cli->cfg_error.code != HG_OK)
		return hg_cli_fail(&cli->cfg_error);
	return 0;
}

bool
hg_cli_is_colour(int fd)
{
	const char *no = getenv("NO_COLOR"), *term = getenv("TERM");

	return isatty(fd) && !(no && *no) && term && strcmp(term, "dumb") != 0;
}

char *
hg_cli_find_launcher(void)
{
	char *path = hg_part_path("hg-launcher");

	return path ? path : hg_path_search("hg-launcher", getenv("PATH"));
}

/*
 * What stands behind a flag in the command's row: ' ' if it is "[--name VALUE]",
 * ']' if it is "[--name]", 0 if it is not there. n: of the name's bytes.
 */
static char
own_flag(const struct hg_command *c, const char *name, size_t n)
{
	for (const char *at = c ? c->args : ""; (at = strstr(at, "[--")); at++)
		if (strncmp(at + 3, name, n) == 0 &&
		    (at[3 + n] == ' ' || at[3 + n] == ']'))
			return at[3 + n];
	return '\0';
}

/* "--name VALUE", "--name=VALUE" or "--name": the words taken, or < 0. */
static int
take_own_flag(struct hg_cli *cli, char **argv, struct hg_error *err)
{
	const char *name = argv[0] + 2;
	size_t n = strcspn(name, "=");
	bool bare = own_flag(cli->command, name, n) == ']';
	const char *value = name[n] ? name + n + 1 : argv[1];

	if (bare && name[n])
		return hg_fail(err, HG_INVALID, "flag --%.*s has no value",
		    (int)n, name);
	if (bare) {
		hg_strvec_add(&cli->own, name);
		hg_strvec_add(&cli->own, "");
		return 1;
	}
	if (!value)
		return hg_fail(
		    err, HG_INVALID, "flag --%s needs a value", name);
	hg_strvec_addf(&cli->own, "%.*s", (int)n, name);
	hg_strvec_add(&cli->own, value);
	return name[n] ? 1 : 2;
}

const char *
hg_cli_value(const struct hg_cli *cli, const char *name)
{
	for (size_t i = cli->own.n; i > 0; i -= 2)
		if (strcmp(cli->own.v[i - 2], name) == 0)
			return cli->own.v[i - 1];
	return NULL;
}

/* One flag of hgbuild at argv[0]: the words taken, 0 when it is none, or < 0.
 */
static int
take_flag(struct hg_cli *cli, int argc, char **argv, struct hg_error *err)
{
	enum hg_option_id id = HG_OPT_launcher_coordinator;
	const char *word = argv[0];
	int used, rc;

	if (strcmp(word, "-v") == 0) {
		rc = hg_config_set(
		    &cli->cfg, HG_OPT_launcher_verbose, "true", "flag -v", err);
		return rc ? rc : 1;
	}
	if (strncmp(word, "-C", 2) == 0) {
		const char *value = word[2] ? word + 2 : argv[1];

		if (!value)
			return hg_fail(err, HG_INVALID, "-C needs a value");
		rc = hg_config_set(&cli->cfg, id, value, "flag -C", err);
		return rc ? rc : 2 - (word[2] != '\0');
	}
	if (strcmp(word, "--json") == 0)
		cli->json = true;
	else if (strncmp(word, "--", 2) == 0 &&
	    own_flag(cli->command, word + 2, strcspn(word + 2, "=")))
		return take_own_flag(cli, argv, err);
	else if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0)
		cli->want_help = true;
	else if (strcmp(word, "--insecure") != 0) {
		rc = hg_config_flag(&cli->cfg, 'B', argc, argv, &used, err);
		return rc ? rc : used;
	}
	return 1;
}

static bool
is_flag(const char *word)
{
	return word[0] == '-' && word[1] != '\0';
}

/* Flags up to the first other word; *ret_used words. */
static int
take_leading(struct hg_cli *cli, int argc, char **argv, int *ret_used,
    struct hg_error *err)
{
	int at = 0;

	while (at < argc && is_flag(argv[at])) {
		int used;

		if (strcmp(argv[at], "--") == 0) {
			at++;
			break;
		}
		used = take_flag(cli, argc - at, argv + at, err);
		if (used < 0)
			return used;
		at += used;
	}
	*ret_used = at;
	return 0;
}

/* Flags anywhere; the other words move to the front of cli->argv. */
static int
take_all(struct hg_cli *cli, struct hg_error *err)
{
	int at = 0, kept = 0;
	bool flags = true;

	while (at < cli->argc) {
		int used;

		if (flags && strcmp(cli->argv[at], "--") == 0) {
			flags = false;
			at++;
		} else if (flags && is_flag(cli->argv[at])) {
			used =
			    take_flag(cli, cli->argc - at, cli->argv + at, err);
			if (used < 0)
				return used;
			at += used;
		} else {
			cli->argv[kept++] = cli->argv[at++];
		}
	}
	cli->argc = kept;
	cli->argv[kept] = NULL;
	return 0;
}

/* The row for the first one or two words. */
static const struct hg_command *
find_command(int argc, char **argv, int *ret_used)
{
	for (const struct hg_command *c = hg_command_table; c->name; c++) {
		const char *space = strchr(c->name, ' ');
		size_t n = space ? (size_t)(space - c->name) : strlen(c->name);

		if (strlen(argv[0]) != n || strncmp(argv[0], c->name, n) != 0)
			continue;
		*ret_used = space ? 2 : 1;
		if (!space || (argc > 1 && strcmp(argv[1], space + 1) == 0))
			return c;
	}
	return NULL;
}

static int
unknown_command(int argc, char **argv)
{
	struct hg_strbuf known = HG_STRBUF_INIT;
	size_t n = strlen(argv[0]);
	int rc;

	for (const struct hg_command *c = hg_command_table; c->name; c++) {
		if (strncmp(c->name, argv[0], n) == 0 && c->name[n] == ' ')
			hg_strbuf_addf(&known, "%s%s", known.len ? " or " : "",
			    c->name + n + 1);
	}
	if (known.len == 0)
		rc = hg_cli_usage("there is no command '%s'", argv[0]);
	else if (argc == 1)
		rc = hg_cli_usage("%s needs %s", argv[0], known.buf);
	else
		rc = hg_cli_usage("there is no command '%s %s': %s needs %s",
		    argv[0], argv[1], argv[0], known.buf);
	hg_strbuf_release(&known);
	return rc;
}

static void
load_config(struct hg_cli *cli)
{
	int rc;

	hg_config_init(&cli->cfg);
	rc = hg_config_load_here(
	    &cli->cfg, (const char *const *)environ, &cli->cfg_error);
	cli->cfg_error.code = (enum hg_code) - rc;
	if (rc == 0)
		return;
	hg_config_release(&cli->cfg);
	hg_config_init(&cli->cfg);
}

/* Runs the command whose name is at argv[0]. */
static int
run_command(struct hg_cli *cli, int argc, char **argv)
{
	struct hg_error err;
	int used = 0, rc = 0;

	cli->command = find_command(argc, argv, &used);
	if (!cli->command && cli->want_help) {
		hg_cli_print_help(NULL);
		return 0;
	}
	if (!cli->command)
		return unknown_command(argc, argv);
	cli->argc = argc - used;
	cli->argv = argv + used;
	if (cli->command->words == HG_CLI_OWN) {
		rc = take_all(cli, &err);
	} else if (cli->command->words == HG_CLI_LEADING) {
		rc = take_leading(cli, cli->argc, cli->argv, &used, &err);
		cli->argc -= used;
		cli->argv += used;
	}
	if (rc)
		return hg_cli_usage("%s", err.text);
	if (cli->want_help) {
		hg_cli_print_help(cli->command);
		return 0;
	}
	if (cli->json && !strstr(cli->command->args, "--json"))
		return hg_cli_usage("%s has no --json", cli->command->name);
	return cli->command->run(cli);
}

int
main(int argc, char **argv)
{
	struct hg_cli cli = { 0 };
	struct hg_error err;
	int used = 0, rc;

	if (argc > 1 && strcmp(argv[1], "--version") == 0)
		return hg_cli_version(&cli);
	hg_mapped_guard();
	load_config(&cli);
	if (take_leading(&cli, argc - 1, argv + 1, &used, &err)) {
		rc = hg_cli_usage("%s", err.text);
	} else if (used < argc - 1) {
		rc = run_command(&cli, argc - 1 - used, argv + 1 + used);
	} else if (cli.want_help) {
		hg_cli_print_help(NULL);
		rc = 0;
	} else {
		rc = hg_cli_usage("no command given");
	}
	hg_config_release(&cli.cfg);
	hg_strvec_release(&cli.own);
	return rc;
}
