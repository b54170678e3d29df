/* SPDX-License-Identifier: Apache-2.0 */
/* hg-agent's few flags, from their table. */
#include "config.h"

#include <getopt.h>
#include <limits.h>
#include <stdint.h>

#include "lib/base/error.h"
#include "lib/base/parse.h"
#include "lib/base/strbuf.h"
#include "services/agent/options.h"

enum flag {
	FLAG_NONE,
#define HG_FLAG(id, name, value, help) FLAG_##id,
#include "services/agent/options.def"
};

static const struct {
	const char *name;
	const char *value;
	const char *help;
} flags[] = {
#define HG_FLAG(id, name, value, help) { name, value, help },
#include "services/agent/options.def"
};

static const struct option long_options[] = {
#define HG_FLAG(id, name, value, help) \
 { name, (value) ? required_argument : no_argument, NULL, FLAG_##id },
#include "services/agent/options.def"
	{ NULL, 0, NULL, 0 },
};

static int
take(struct hg_agent_options *o, enum flag flag, struct hg_error *err)
{
	uint64_t n = 0;
	int rc;

	switch (flag) {
	case FLAG_foreground:
		o->foreground = true;
		return 0;
	case FLAG_help:
		o->help = true;
		return 0;
	case FLAG_lock_fd:
		rc = hg_parse_u64(optarg, 3, INT_MAX, &n, err);
		if (rc)
			return hg_wrap(err, "--lock-fd");
		o->lock_fd = (int)n;
		return 0;
	case FLAG_socket:
		o->socket = optarg;
		return 0;
	case FLAG_version:
		o->version = true;
		return 0;
	case FLAG_NONE:
		break;
	}
	return hg_fail(err, HG_INVALID, "unknown flag; see --help");
}

int
hg_agent_options_parse(
    struct hg_agent_options *ret, int argc, char **argv, struct hg_error *err)
{
	int rc = 0;

	*ret = (struct hg_agent_options){ .lock_fd = -1 };
	opterr = 0;
	while (rc == 0) {
		int c = getopt_long(argc, argv, "", long_options, NULL);

		if (c < 0)
			break;
		rc = take(ret, c == '?' ? FLAG_NONE : (enum flag)c, err);
	}
	if (rc || ret->help || ret->version)
		return rc;
	if (optind < argc)
		return hg_fail(err, HG_INVALID,
		    "'%.60s' is not a flag; see --help", argv[optind]);
	if (!ret->socket || *ret->socket != '/')
		return hg_fail(err, HG_INVALID,
		    "--socket needs an absolute path; see --help");
	return 0;
}

void
hg_agent_options_help(struct hg_strbuf *out)
{
	hg_strbuf_adds(out,
	    "usage: hg-agent --socket PATH [--foreground] [--lock-fd N]\n\n"
	    "Sends compiles to the coordinator for hg-launcher, which starts\n"
	    "it when needed; it leaves by itself after idle_timeout.\n\n");
	for (size_t i = 0; i < sizeof(flags) / sizeof(*flags); i++)
		hg_strbuf_addf(out, "  --%s%s%s\n      %s\n", flags[i].name,
		    flags[i].value ? " " : "",
		    flags[i].value ? flags[i].value : "", flags[i].help);
	hg_strbuf_adds(out,
	    "\nHG_AGENT_LOG names a file to log to. Settings are those of the\n"
	    "section [agent]; see hgbuild config show.\n");
}
