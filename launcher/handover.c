/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The launcher's part of a remote compile: put the command into a request, and
 * treat the reply like a compile made here: outputs written, then published
 * with what the worker's compiler was seen to look at.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "launcher/deliver.h"
#include "launcher/handover.h"
#include "launcher/job.h"
#include "launcher/publish.h"
#include "launcher/remote.h"
#include "lib/base/alloc.h"
#include "lib/base/error.h"
#include "lib/base/fd.h"
#include "lib/base/limits.h"
#include "lib/base/part.h"
#include "lib/base/path.h"
#include "lib/base/strvec.h"
#include "lib/base/time.h"
#include "lib/observe/observe.h"
#include "lib/store/stats.h"
#include "lib/wire/agent_msg.h"

/* ---- the request ------------------------------------------------------- */

/* Files that may be written beside the object, named after it. */
static const char *const siblings[] = { ".dwo", ".gcno", ".su", ".ci" };

static void
list_outputs(const struct hg_cc_command *c, struct hg_strvec *ret)
{
	size_t stem = (size_t)(hg_path_ext(c->output) - c->output);

	hg_strvec_add(ret, c->output);
	if (c->depfile)
		hg_strvec_add(ret, c->depfile);
	for (size_t i = 0; i < sizeof(siblings) / sizeof(*siblings); i++)
		hg_strvec_addf(ret, "%.*s%s", (int)stem, c->output, siblings[i]);
}

static uint32_t
current_umask(void)
{
	mode_t mask = umask(0);

	umask(mask);
	return mask;
}

static int
ask(struct hg_job *job, const struct hg_strvec *outputs, const char *cwd,
    struct hg_agent_reply **ret)
{
	struct hg_cc_command *c = &job->command;
	struct hg_agent_request req = {
		.kind = HG_AGENT_COMPILE,
		.compiler = job->compiler.path,
		.args = c->args.v,
		.n_args = c->args.n,
		.preprocess_args = c->preprocess.v,
		.n_preprocess_args = c->preprocess.n,
		.cwd = (char *)(uintptr_t)cwd,
		.env = environ,
		.source = c->sources.v[0],
		.outputs = outputs->v,
		.n_outputs = outputs->n,
		.umask = current_umask(),
		.coordinator = job->config.launcher_coordinator,
		.timeout_ms =
		    (uint32_t)(job->config.launcher_timeout / HG_NS_PER_MS),
	};
	struct hg_remote_options options = HG_REMOTE_OPTIONS_INIT;
	struct hg_error err = { .text = "" };
	char *agent = hg_part_path("hg-agent");
	int rc;

	while (environ[req.n_env])
		req.n_env++;
	options.agent = agent;
	options.connect_wait_ns = job->config.agent_connect_wait;
	options.backoff_ns = job->config.agent_backoff;
	rc = hg_remote_compile(&options, &req, ret, &job->reason, &err);
	if (rc)
		snprintf(job->detail, sizeof(job->detail), "%s", err.text);
	free(agent);
	return rc;
}

/* ---- the reply --------------------------------------------------------- */

static bool
same(const char *a, const char *b)
{
	return b && strcmp(a, b) == 0;
}

static int
deliver(struct hg_job *job, const struct hg_strvec *allowed,
    const struct hg_agent_reply *reply, struct hg_error *err)
{
	const struct hg_cc_command *c = &job->command;

	for (size_t i = 0; i < reply->n_outputs; i++) {
		const struct hg_wire_output *o = &reply->outputs[i];
		enum hg_output_role role = HG_OUTPUT_OTHER;
		int rc;

		if (hg_strvec_find(allowed, o->path) < 0)
			return hg_fail(err, HG_PROTOCOL,
			    "a worker sent a file that was not asked for");
		if (same(o->path, c->output))
			role = HG_OUTPUT_MAIN;
		else if (same(o->path, c->depfile))
			role = HG_OUTPUT_DEP;
		rc = hg_deliver_output(job, role, o->path, o->mode,
		    o->content.p, o->content.n, err);
		if (rc)
			return rc;
	}
	return 0;
}

static void
publish(struct hg_job *job, const struct hg_agent_reply *reply, int64_t started)
{
	struct hg_made made = { 0, reply->out.p, reply->out.n, reply->err.p,
		reply->err.n, reply->compile_time_ms * 1000, started, NULL,
		reply->outputs, reply->n_outputs };
	size_t n = reply->n_observed + reply->n_outputs;
	struct hg_digest *digests = hg_xcalloc(n, sizeof(*digests));
	struct hg_observed_list seen = { .v = NULL };
	enum hg_reason reason = job->reason;

	seen.v = hg_xcalloc(n, sizeof(*seen.v));
	for (size_t i = 0; i < reply->n_observed; i++) {
		digests[i] = reply->observed[i].digest;
		seen.v[seen.n].kind =
		    (enum hg_observed_kind)reply->observed[i].kind;
		seen.v[seen.n++].path = hg_xstrdup(reply->observed[i].path);
	}
	for (size_t i = 0; i < reply->n_outputs; i++) {
		seen.v[seen.n].kind = HG_OBSERVED_WRITTEN;
		seen.v[seen.n++].path = hg_xstrdup(reply->outputs[i].path);
	}
	made.digests = digests;
	hg_publish(job, &made, &seen);
	free(digests);
	/* it was remote, whether it could be kept or not */
	job->reason = reason;
	hg_observed_list_release(&seen);
}

static bool
finish(struct hg_job *job, const struct hg_strvec *outputs,
    const struct hg_agent_reply *reply, int64_t started, int *ret_exit)
{
	struct hg_error err = { .text = "" };

	if (deliver(job, outputs, reply, &err) != 0) {
		job->reason = HG_REASON_remote_failed;
		snprintf(job->detail, sizeof(job->detail), "%s", err.text);
		return false;
	}
	(void)!hg_write_all(STDOUT_FILENO, reply->out.p, reply->out.n, NULL);
	(void)!hg_write_all(STDERR_FILENO, reply->err.p, reply->err.n, NULL);
	snprintf(job->worker, sizeof(job->worker), "%s", reply->worker_id);
	*ret_exit = reply->exit_code;
	job->compile_us = reply->compile_time_ms * 1000;
	hg_stats_add(job->stats, HG_STAT_COMPILE_US, (int64_t)job->compile_us);
	if (reply->exit_code != 0)
		job->unkept = HG_REASON_compile_failed;
	if (reply->exit_code == 0 && !job->config.cache_readonly &&
	    job->config.cache_direct)
		publish(job, reply, started);
	return true;
}

/* Descriptors and the like are other files for every process. */
static bool
names_kernel_files(const struct hg_cc_command *c)
{
	static const char *const folders[] = { "/dev/", "/proc/" };

	for (size_t i = 0; i < c->args.n; i++)
		for (size_t k = 0; k < sizeof(folders) / sizeof(*folders); k++) {
			const char *at = strstr(c->args.v[i], folders[k]);

			if (at && !hg_cc_discards(at))
				return true;
		}
	return false;
}

bool
hg_handover(struct hg_job *job, int *ret_exit)
{
	struct hg_strvec outputs = HG_STRVEC_INIT;
	struct hg_agent_reply *reply = NULL;
	int64_t started = hg_sig_now();
	char cwd[HG_MAX_PATH_BYTES];
	bool done = false;

	if (!*job->config.launcher_coordinator)
		return false;
	if (job->command.local_only || job->tty ||
	    *job->compiler.path != '/' ||
	    names_kernel_files(&job->command) || !getcwd(cwd, sizeof(cwd))) {
		job->reason = HG_REASON_not_remotable;
		return false;
	}
	list_outputs(&job->command, &outputs);
	if (ask(job, &outputs, cwd, &reply) == 0)
		done = finish(job, &outputs, reply, started, ret_exit);
	hg_agent_reply_free(reply);
	hg_strvec_release(&outputs);
	return done;
}
