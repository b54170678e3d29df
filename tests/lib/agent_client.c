/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A client of hg-agent for scripts: the launcher's client without a launcher.
 *
 *   agent_client [-a AGENT] [-d FOLDER] [-w WAIT_MS] [-t TIMEOUT_MS] status
 *   ... stop
 *   ... -C COORDINATOR compile SOURCE OUTPUT COMPILER ARGUMENT...
 *
 * Prints one line that tells what came back; writes the outputs of a compile
 * where they belong, and what it said on stderr.
 */
#include "config.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "launcher/remote.h"
#include "lib/base/alloc.h"
#include "lib/base/error.h"
#include "lib/base/fd.h"
#include "lib/base/strvec.h"
#include "lib/base/time.h"
#include "lib/wire/agent_msg.h"

struct client {
	struct hg_remote_options options;
	char *coordinator;
	uint32_t timeout_ms;
};

/* The arguments that preprocess only, into nowhere. */
static void
preprocess_args(char **args, size_t n, struct hg_strvec *ret)
{
	for (size_t i = 0; i < n; i++) {
		if (strcmp(args[i], "-c") == 0)
			continue;
		if (strcmp(args[i], "-o") == 0)
			i++;
		else
			hg_strvec_add(ret, args[i]);
	}
	hg_strvec_add(ret, "-E");
	hg_strvec_add(ret, "-o");
	hg_strvec_add(ret, "/dev/null");
}

static int
write_outputs(const struct hg_agent_reply *reply)
{
	struct hg_error err;

	for (size_t i = 0; i < reply->n_outputs; i++) {
		const struct hg_wire_output *o = &reply->outputs[i];

		if (hg_write_file_atomic(o->path, o->content.p, o->content.n,
			o->mode & 0777, &err) == 0)
			continue;
		fprintf(stderr, "%s\n", err.text);
		return 1;
	}
	if (reply->err.n > 0)
		fwrite(reply->err.p, 1, reply->err.n, stderr);
	return 0;
}

static int
compile(const struct client *c, int argc, char **argv)
{
	char *cwd = getcwd(NULL, 0);
	struct hg_strvec pre = HG_STRVEC_INIT;
	struct hg_agent_request request = {
		.kind = HG_AGENT_COMPILE,
		.compiler = argv[2],
		.args = argv + 3,
		.n_args = (size_t)argc - 3,
		.cwd = cwd,
		.env = environ,
		.source = argv[0],
		.outputs = argv + 1,
		.n_outputs = 1,
		.umask = 022,
		.coordinator = c->coordinator,
		.timeout_ms = c->timeout_ms,
	};
	struct hg_agent_reply *reply = NULL;
	enum hg_reason reason;
	struct hg_error err = { 0 };
	int rc;

	while (environ[request.n_env])
		request.n_env++;
	preprocess_args(request.args, request.n_args, &pre);
	request.preprocess_args = pre.v;
	request.n_preprocess_args = pre.n;
	rc = hg_remote_compile(&c->options, &request, &reply, &reason, &err);
	if (rc == 0) {
		printf("reason=%s exit=%d outputs=%zu observed=%zu worker=%s\n",
		    hg_reason_name(reason), reply->exit_code, reply->n_outputs,
		    reply->n_observed, reply->worker_id);
		rc = write_outputs(reply);
		hg_agent_reply_free(reply);
	} else {
		printf(
		    "reason=%s detail=%s\n", hg_reason_name(reason), err.text);
		rc = 2;
	}
	hg_strvec_release(&pre);
	free(cwd);
	return rc;
}

static int
ask(const struct client *c, enum hg_agent_kind kind)
{
	const struct hg_agent_request request = { .kind = kind };
	struct hg_agent_reply *reply;
	struct hg_error err;

	if (hg_remote_ask(&c->options, &request, &reply, &err)) {
		printf("error=%s\n", err.text);
		return 2;
	}
	printf("pid=%" PRIu32 " compiles=%" PRIu64 " remote=%" PRIu64
	       " local=%" PRIu64 " active=%" PRIu32 "\n",
	    reply->pid, reply->compiles, reply->remote, reply->local,
	    reply->active);
	hg_agent_reply_free(reply);
	return 0;
}

int
main(int argc, char **argv)
{
	static char nowhere[] = "";
	struct client c = {
		.options = HG_REMOTE_OPTIONS_INIT,
		.coordinator = nowhere,
		.timeout_ms = 60000,
	};
	int opt;

	while ((opt = getopt(argc, argv, "+a:d:w:t:C:")) != -1) {
		if (opt == 'a')
			c.options.agent = optarg;
		else if (opt == 'd')
			c.options.folder = optarg;
		else if (opt == 'w')
			c.options.connect_wait_ns =
			    strtoull(optarg, NULL, 10) * HG_NS_PER_MS;
		else if (opt == 't')
			c.timeout_ms = (uint32_t)strtoul(optarg, NULL, 10);
		else if (opt == 'C')
			c.coordinator = optarg;
		else
			return 64;
	}
	argc -= optind;
	argv += optind;
	if (argc == 1 && strcmp(argv[0], "status") == 0)
		return ask(&c, HG_AGENT_STATUS);
	if (argc == 1 && strcmp(argv[0], "stop") == 0)
		return ask(&c, HG_AGENT_STOP);
	if (argc >= 4 && strcmp(argv[0], "compile") == 0)
		return compile(&c, argc - 1, argv + 1);
	return 64;
}
