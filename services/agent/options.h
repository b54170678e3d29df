/* SPDX-License-Identifier: Apache-2.0 */
/* The command line of hg-agent. */
#ifndef HG_AGENT_OPTIONS_H
#define HG_AGENT_OPTIONS_H

#include <stdbool.h>

struct hg_error;
struct hg_strbuf;

struct hg_agent_options {
	bool foreground;
	bool help;
	bool version;
	/* -1: to be taken by the agent itself */
	int lock_fd;
	/* borrowed from argv */
	const char *socket;
};

int hg_agent_options_parse(
    struct hg_agent_options *ret, int argc, char **argv, struct hg_error *err);
/* The text of --help, appended. */
void hg_agent_options_help(struct hg_strbuf *out);

#endif
