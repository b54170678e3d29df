/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the agent finds to be the inputs of a compile, without agent or cluster:
 *
 *   scan_files [-n ROUNDS] [-p] COMPILER ARGUMENT...
 *
 * prints how they were found, then the files. -n: does it so often in one go, and
 * prints the CPU of a later round in microseconds too. -p: by the preprocessor.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "lib/base/alloc.h"
#include "lib/base/error.h"
#include "lib/base/limits.h"
#include "lib/base/part.h"
#include "lib/base/path.h"
#include "lib/cc/command.h"
#include "lib/observe/observe.h"
#include "lib/wire/agent_msg.h"
#include "services/agent/contents.h"
#include "services/agent/inputs.h"
#include "services/agent/scan.h"
#include "services/agent/search.h"

#define TIMEOUT_NS (UINT64_C(60) * 1000 * 1000 * 1000)

static double
cpu_us(void)
{
	static const int whose[] = { RUSAGE_SELF, RUSAGE_CHILDREN };
	struct rusage u;
	double sum = 0;

	for (int i = 0; i < 2; i++) {
		getrusage(whose[i], &u);
		sum += 1e6 * (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
		       (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec);
	}
	return sum;
}

/* As the launcher asks the agent. */
static void
make_request(struct hg_cc_command *c, char *compiler, char *cwd,
    struct hg_agent_request *ret)
{
	*ret = (struct hg_agent_request){
		.kind = HG_AGENT_COMPILE,
		.compiler = compiler,
		.args = c->args.v,
		.n_args = c->args.n,
		.preprocess_args = c->preprocess.v,
		.n_preprocess_args = c->preprocess.n,
		.cwd = cwd,
		.env = environ,
		.source = c->sources.v[0],
		.outputs = &c->output,
		.n_outputs = 1,
	};
	while (environ[ret->n_env])
		ret->n_env++;
}

static const char *
one_round(struct hg_scan *scan, struct hg_search *search,
    const struct hg_agent_request *r, struct hg_inputs *in)
{
	struct hg_observed_list list = { 0 };
	const char *how;

	if (scan) {
		how = hg_scan_reason_name(
		    hg_scan_find(scan, r, TIMEOUT_NS, -1, in));
	} else {
		how = hg_search_run(search, r, TIMEOUT_NS, -1, &list, NULL)
		    ? "failed"
		    : "preprocessed";
		for (size_t i = 0; i < list.n; i++)
			if (list.v[i].kind == HG_OBSERVED_READ)
				(void)!hg_inputs_add(
				    in, r->cwd, list.v[i].path, NULL);
		hg_observed_list_release(&list);
	}
	hg_inputs_sort(in);
	return how;
}

int
main(int argc, char **argv)
{
	struct hg_inputs in = HG_INPUTS_INIT;
	struct hg_agent_request request;
	struct hg_cc_command command;
	char cwd[HG_MAX_PATH_BYTES];
	bool preprocess = false;
	const char *how = "failed", *path = getenv("PATH"), *family;
	int rounds = 1, opt;
	double start = 0;
	struct hg_contents *contents = hg_contents_new((uint64_t)512 << 20);
	char *so = hg_part_path("../../bin/hg-observe.so"), *compiler;
	struct hg_search *search = hg_search_new(so, 2);
	struct hg_scan *scan;

	while ((opt = getopt(argc, argv, "+n:p")) != -1) {
		if (opt == 'n')
			rounds = (int)strtol(optarg, NULL, 10);
		preprocess |= opt == 'p';
	}
	compiler = strchr(argv[optind], '/')
	    ? hg_xstrdup(argv[optind])
	    : hg_path_search(argv[optind], path ? path : "");
	family = hg_cc_family(argv[optind]);
	if (!compiler || !family || !getcwd(cwd, sizeof(cwd)))
		return 1;
	hg_cc_command_parse(&command, (const char *const *)argv + optind + 1,
	    strncmp(family, "clang", 5) == 0);
	if (command.reason != HG_REASON_miss)
		return 1;
	make_request(&command, compiler, cwd, &request);
	scan = hg_scan_new(search, contents, true, (size_t)256 << 20);
	for (int i = 0; i < rounds; i++) {
		/* the first is not counted, nor the file that is new then */
		if (i == 1)
			start = cpu_us();
		hg_inputs_release(&in);
		how = one_round(preprocess ? NULL : scan, search, &request, &in);
	}
	printf("%s", how);
	if (rounds > 1)
		printf(" us=%.0f", (cpu_us() - start) / (rounds - 1));
	printf("\n");
	for (size_t i = 0; i < in.n; i++)
		if (in.v[i]->kind == HG_INPUT_FILE)
			puts(in.v[i]->path);
	hg_inputs_release(&in);
	hg_scan_free(scan);
	hg_search_free(search);
	hg_contents_free(contents);
	hg_cc_command_release(&command);
	free(compiler);
	free(so);
	return 0;
}
