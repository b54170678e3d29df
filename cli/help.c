/* SPDX-License-Identifier: Apache-2.0 */
/* hgbuild --help, help and version, from the tables. */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "lib/base/strbuf.h"

static const char own_flags[] =
    "  -C TEXT, -v               short for --coordinator and --verbose\n"
    "  --insecure                accepted; this version never encrypts\n"
    "  --json                    print JSON (commands that offer it)\n"
    "  --help, -h                this text, or that of a command\n"
    "  --version                 print the version\n";

static void
print_flags(void)
{
	struct hg_strbuf sb = HG_STRBUF_INIT;

	hg_config_help('B', &sb);
	printf("\nFlags, before the command:\n%s%s", sb.buf, own_flags);
	hg_strbuf_release(&sb);
}

static void
print_all(void)
{
	printf("Usage: hgbuild [FLAG]... COMMAND [ARG]...\n"
	       "Builds C and C++ with a cache and a cluster of workers.\n"
	       "\nCommands:\n");
	for (const struct hg_command *c = hg_command_table; c->name; c++)
		printf("  %-12s  %s\n", c->name, c->help);
	print_flags();
	printf("\nSee hgbuild(1) and hybridgrid.conf(5).\n");
}

static void
print_one(const struct hg_command *c)
{
	printf("Usage: hgbuild [FLAG]... %s%s%s\n  %s\n", c->name,
	    *c->args ? " " : "", c->args, c->help);
	if (c->words == HG_CLI_THEIRS)
		printf("  Every ARG goes to the program untouched.\n");
}

void
hg_cli_print_help(const struct hg_command *c)
{
	if (!c) {
		print_all();
		return;
	}
	print_one(c);
	print_flags();
}

int
hg_cli_help(struct hg_cli *cli)
{
	struct hg_strbuf name = HG_STRBUF_INIT;
	bool found = false;
	int rc = 0;

	for (int i = 0; i < cli->argc; i++)
		hg_strbuf_addf(&name, "%s%s", i > 0 ? " " : "", cli->argv[i]);
	for (const struct hg_command *c = hg_command_table; c->name; c++) {
		/* "cache" explains all commands of that first word */
		if (cli->argc == 0 ||
		    strncmp(c->name, name.buf, name.len) != 0 ||
		    !strchr(" ", c->name[name.len]))
			continue;
		found = true;
		print_one(c);
	}
	if (cli->argc == 0)
		print_all();
	else if (found)
		print_flags();
	else
		rc = hg_cli_usage("there is no command '%s'", name.buf);
	hg_strbuf_release(&name);
	return rc;
}

int
hg_cli_version(struct hg_cli *cli)
{
	if (cli->argc > 0)
		return hg_cli_usage("version takes no arguments");
	printf("hgbuild (%s) %s\n", PACKAGE_NAME, PACKAGE_VERSION);
	return 0;
}
