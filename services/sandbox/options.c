/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The command line of hg-sandbox. Its caller is hg-worker, so it is strict and
 * has no short forms; every complaint ends with the status of a sandbox that
 * could not be made, so that it cannot be mistaken for the program's.
 */
#include "config.h"

#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/alloc.h"
#include "lib/base/error.h"
#include "lib/base/parse.h"
#include "services/sandbox/options.h"

enum {
	OPT_BIND_RO = 256,
	OPT_CGROUP,
	OPT_CHECK,
	OPT_CONTROL,
	OPT_CWD,
	OPT_ENV,
	OPT_HELP,
	OPT_KEEP_FD,
	OPT_ROOT,
	OPT_SCRATCH,
	OPT_TMPFS,
	OPT_UMASK,
	OPT_VERSION,
	/* and after it the limits */
	OPT_LIMIT,
};

static const struct option long_options[] = {
	{ "bind-ro", required_argument, NULL, OPT_BIND_RO },
	{ "cgroup", required_argument, NULL, OPT_CGROUP },
	{ "check", no_argument, NULL, OPT_CHECK },
	{ "control", required_argument, NULL, OPT_CONTROL },
	{ "cwd", required_argument, NULL, OPT_CWD },
	{ "env", required_argument, NULL, OPT_ENV },
	{ "help", no_argument, NULL, OPT_HELP },
	{ "keep-fd", required_argument, NULL, OPT_KEEP_FD },
	{ "root", required_argument, NULL, OPT_ROOT },
	{ "scratch", required_argument, NULL, OPT_SCRATCH },
	{ "tmpfs", required_argument, NULL, OPT_TMPFS },
	{ "umask", required_argument, NULL, OPT_UMASK },
	{ "version", no_argument, NULL, OPT_VERSION },
#define HG_LIMIT(name, resource, help) \
	{ "limit-" #name, required_argument, NULL, \
	    OPT_LIMIT + HG_SANDBOX_LIMIT_##name },
#include "services/sandbox/limits.def"
	{ NULL, 0, NULL, 0 },
};

static const char help_text[] =
    "usage: hg-sandbox --root DIR [options] -- PROGRAM [ARGUMENT...]\n"
    "\n"
    "Runs PROGRAM where DIR is the root folder, nothing of this machine but what\n"
    "is bound can be seen, and there is no network. Its status is passed on, 128\n"
    "and the number of a signal that ended it; 125 if the sandbox failed.\n"
    "\n"
    "  --root DIR           absolute; its contents can be written\n"
    "  --scratch BYTES      what is in DIR is not shown: the root is empty, in\n"
    "                       memory, and holds so much\n"
    "  --cwd DIR            where PROGRAM starts, within the root (default: /)\n"
    "  --bind-ro SRC[:DST]  shows SRC of this machine, to be read only; a\n"
    "                       symbolic link is made anew\n"
    "  --tmpfs DST          an empty folder in memory\n"
    "  --env NAME=VALUE     PROGRAM's environment; it inherits nothing\n"
    "  --umask OCTAL        (default: 022)\n"
    "  --keep-fd N          leaves this descriptor open\n"
    "  --cgroup DIR         all of it runs in that control group\n"
    "  --control N          tells on socket N when the sandbox is made, and reads\n"
    "                       further options and PROGRAM there\n"
    "  --check              makes the sandbox and runs nothing\n"
    "  --help\n"
    "  --version\n"
#define HG_LIMIT(name, resource, help) \
    "  --limit-" #name " N: " help "\n"
#include "services/sandbox/limits.def"
    ;

void
hg_sandbox_die(const char *fmt, ...)
{
	int saved = errno;
	va_list ap;

	fputs("hg-sandbox: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fprintf(stderr, ": %s\n", strerror(saved));
	fflush(stderr);
	_Exit(HG_SANDBOX_FAILED);
}

void
hg_sandbox_refuse(const char *fmt, ...)
{
	va_list ap;

	fputs("hg-sandbox: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputs("\n", stderr);
	fflush(stderr);
	_Exit(HG_SANDBOX_FAILED);
}

static _Noreturn void
print_and_exit(const char *text)
{
	fputs(text, stdout);
	exit(fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE);
}

static uint64_t
number(const char *name, const char *text, uint64_t max)
{
	struct hg_error err;
	uint64_t v;

	if (hg_parse_u64(text, 0, max, &v, &err))
		hg_sandbox_refuse("--%s: %s", name, err.text);
	return v;
}

static mode_t
octal(const char *text)
{
	mode_t v = 0;

	for (const char *p = text; *p; p++) {
		if (*p < '0' || *p > '7' || v > 0777)
			hg_sandbox_refuse(
			    "--umask: %s is not an octal number", text);
		v = v * 8 + (mode_t)(*p - '0');
	}
	if (*text == '\0' || v > 0777)
		hg_sandbox_refuse("--umask: %s is not from 0 to 777", text);
	return v;
}

static char *
absolute(const char *name, const char *text)
{
	if (*text != '/')
		hg_sandbox_refuse("--%s: %s is not absolute", name, text);
	return hg_xstrdup(text);
}

static void
take(struct hg_sandbox_options *o, int option, const char *name)
{
	switch (option) {
	case OPT_BIND_RO:
		hg_strvec_add_take(&o->bind_ro, absolute(name, optarg));
		break;
	case OPT_CGROUP:
		hg_strvec_add_take(&o->cgroup, absolute(name, optarg));
		break;
	case OPT_CHECK:
		o->check = true;
		break;
	case OPT_CONTROL:
		o->control = (int)number(name, optarg, 1 << 20);
		break;
	case OPT_CWD:
		free(o->cwd);
		o->cwd = absolute(name, optarg);
		break;
	case OPT_ENV:
		hg_strvec_add(&o->env, optarg);
		break;
	case OPT_HELP:
		print_and_exit(help_text);
	case OPT_KEEP_FD:
		o->keep_fd = (int)number(name, optarg, 1 << 20);
		break;
	case OPT_ROOT:
		free(o->root);
		o->root = absolute(name, optarg);
		break;
	case OPT_SCRATCH:
		o->scratch_bytes = number(name, optarg, UINT64_MAX);
		break;
	case OPT_TMPFS:
		hg_strvec_add_take(&o->tmpfs, absolute(name, optarg));
		break;
	case OPT_UMASK:
		o->umask = octal(optarg);
		break;
	case OPT_VERSION:
		print_and_exit("hg-sandbox " PACKAGE_VERSION "\n");
	default:
		o->limit[option - OPT_LIMIT] =
		    number(name, optarg, HG_SANDBOX_NO_LIMIT - 1);
		break;
	}
}

/* From argv[1] to the first word that is no option; returns where that is. */
static int
take_all(struct hg_sandbox_options *o, int argc, char **argv)
{
	int option, index;

	opterr = 0;
	/* glibc then begins anew */
	optind = 0;
	while ((option = getopt_long(argc, argv, "+", long_options, &index)) !=
	    -1) {
		if (option == '?')
			hg_sandbox_refuse("%s is not an option, or has no "
					  "value (see --help)",
			    argv[optind - 1]);
		take(o, option, long_options[index].name);
	}
	return optind;
}

static void
take_program(struct hg_sandbox_options *o, int argc, char **argv, int first)
{
	if (first == argc && !o->check)
		hg_sandbox_refuse("a PROGRAM is missing (see --help)");
	o->program = argv + first;
	if (!o->cwd)
		o->cwd = hg_xstrdup("/");
}

void
hg_sandbox_options_parse(struct hg_sandbox_options *ret, int argc, char **argv)
{
	struct hg_sandbox_options o = {
		.bind_ro = HG_STRVEC_INIT,
		.cgroup = HG_STRVEC_INIT,
		.tmpfs = HG_STRVEC_INIT,
		.env = HG_STRVEC_INIT,
		.umask = 022,
		.keep_fd = -1,
		.control = -1,
	};
	int first;

	for (size_t i = 0; i < HG_SANDBOX_LIMIT_COUNT; i++)
		o.limit[i] = HG_SANDBOX_NO_LIMIT;
	first = take_all(&o, argc, argv);
	if (!o.root)
		hg_sandbox_refuse("--root DIR is missing (see --help)");
	if (o.control < 0)
		take_program(&o, argc, argv, first);
	else if (first < argc)
		hg_sandbox_refuse("the PROGRAM comes with --control");
	*ret = o;
}

void
hg_sandbox_options_add(struct hg_sandbox_options *o, int argc, char **argv)
{
	take_program(o, argc, argv, take_all(o, argc, argv));
}
