/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the commands of hgbuild share. A command gets the settings and the words
 * behind its name, prints to stdout, and returns the exit status.
 */
#ifndef HG_CLI_CLI_H
#define HG_CLI_CLI_H

#include <stdbool.h>

#include "lib/base/error.h"
#include "lib/base/strvec.h"
#include "lib/config/hg_config.h"

enum hg_cli_words {
	HG_CLI_OWN,
	HG_CLI_LEADING,
	HG_CLI_THEIRS,
};

struct hg_cli;
struct hg_command {
	/* one or two words */
	const char *name;
	const char *args;
	enum hg_cli_words words;
	int (*run)(struct hg_cli *cli);
	const char *help;
};

struct hg_cli {
	struct hg_config cfg;
	/* code is HG_OK when the configuration could be read */
	struct hg_error cfg_error;
	bool json;
	bool want_help;
	const struct hg_command *command;
	/* flags that only this command has: name, value, name, value, ... */
	struct hg_strvec own;
	/* The words behind the command, without flags of ours; NULL-ended. */
	int argc;
	char **argv;
};

/* Ends with a row whose name is NULL. */
extern const struct hg_command hg_command_table[];

/* clang-format off */
#define HG_COMMAND(name, args, words, function, help) \
	int hg_cli_##function(struct hg_cli *cli);
#include "cli/commands.def"
/* clang-format on */

/* Prints "hgbuild: SENTENCE" to stderr; returns the exit status for it. */
int hg_cli_fail(const struct hg_error *err);
/* Prints what is wrong with the command line; returns 64. */
int hg_cli_usage(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/*
 * For commands without words that need the settings: 0, or the exit status
 * after a message.
 */
int hg_cli_refuse(const struct hg_cli *cli);
/*
 * The value of a flag of the command's own, which is one that stands in its row
 * as "[--name VALUE]", or "" if it does as "[--name]"; NULL when it was not
 * given. The last one counts.
 */
const char *hg_cli_value(const struct hg_cli *cli, const char *name);
/* Prints a command's help, or all of hgbuild's when c is NULL. */
void hg_cli_print_help(const struct hg_command *c);

/* Whether a person sees what is written to fd in colour. */
bool hg_cli_is_colour(int fd);

/* hg-launcher: beside this program, else on PATH. Owned; NULL: nowhere. */
char *hg_cli_find_launcher(void);

#endif
