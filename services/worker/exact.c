/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A compile for our own clients: the inputs at the client's paths, its command
 * line, folder and environment as they are, in a sandbox, under observation. The
 * result is the client's own to the byte, and comes with the list of what the
 * compiler looked at, so that the client can tell.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/alloc.h"
#include "lib/base/error.h"
#include "lib/base/path.h"
#include "lib/base/strvec.h"
#include "lib/base/strbuf.h"
#include "lib/observe/observe.h"
#include "services/worker/collect.h"
#include "services/worker/container.h"
#include "services/worker/executor_private.h"
#include "services/worker/jail.h"
#include "services/worker/needed.h"
#include "services/worker/toolroot.h"

/* Room in a message for everything but the contents of outputs. */
#define MESSAGE_OVERHEAD ((uint64_t)4 << 20)

/* Its one name in the sandbox replaces the one on this machine. */
static void
rename_preload(struct hg_strvec *env, const char *observer)
{
	static const char preload[] = "LD_PRELOAD=";
	size_t n = strlen(observer);

	for (size_t i = 0; i < env->n; i++) {
		const char *value = env->v[i] + strlen(preload);
		char *renamed;

		if (strncmp(env->v[i], preload, strlen(preload)) != 0 ||
		    strncmp(value, observer, n) != 0)
			continue;
		renamed = hg_xasprintf(
		    "%s" HG_JAIL_OBSERVER "%s", preload, value + n);
		free(env->v[i]);
		env->v[i] = renamed;
	}
}

static void
make_env(const struct hg_execution *e, const struct hg_observe *observe,
    struct hg_strvec *ret)
{
	struct hg_strvec given = HG_STRVEC_INIT;
	const char *const none[] = { NULL };

	for (size_t i = 0; i < e->request->n_env; i++)
		hg_strvec_addf(&given, "%s=%s", e->request->env[i].name,
		    e->request->env[i].value);
	hg_observe_env(observe,
	    given.v ? (const char *const *)given.v : none, ret);
	rename_preload(ret, e->x->observer);
	hg_strvec_release(&given);
}

static int
run_compiler(struct hg_execution *e, struct hg_observe *observe,
    struct hg_error *err)
{
	struct hg_strvec argv = HG_STRVEC_INIT;
	struct hg_strvec env = HG_STRVEC_INIT;
	struct hg_jail_spec spec = {
		.cell = e->cell,
		.limits = &e->x->limits,
		.view = &e->view,
		.observer = e->x->observer,
		.cwd = e->request->cwd,
		.umask = e->request->umask & 0777,
		.keep_fd = hg_observe_fd(observe),
		.cancel_fd = e->cancel_fd,
		.timeout_ns = e->timeout_ns,
	};
	int rc;

	hg_strvec_add(&argv, e->request->compiler_path);
	for (size_t i = 0; i < e->request->n_args; i++)
		hg_strvec_add(&argv, e->request->args[i]);
	make_env(e, observe, &env);
	spec.argv = (const char *const *)argv.v;
	spec.env = (const char *const *)env.v;
	rc = e->container ? hg_container_run(
				e->container, &spec, &e->outcome->proc, err)
			  : hg_jail_run(&spec, &e->outcome->proc, err);
	hg_strvec_release(&env);
	hg_strvec_release(&argv);
	return rc;
}

static int
collect(struct hg_execution *e, struct hg_observe *observe,
    const struct hg_snapshot *before, struct hg_error *err)
{
	struct hg_wire_result *result = &e->outcome->result;
	uint64_t max = e->x->options->max_message_bytes;
	struct hg_observed_list seen = { .v = NULL };
	int rc;

	hg_outcome_ran(e->outcome);
	max = max > MESSAGE_OVERHEAD ? max - MESSAGE_OVERHEAD : 0;
	rc = hg_observe_collect(observe, &seen, err);
	if (rc == 0)
		rc = hg_collect_observed(&e->view, e->request->cwd, &seen,
		    e->x->memo, result, err);
	if (rc == 0)
		rc = hg_collect_outputs(
		    &e->view, before, e->request, max, result, err);
	hg_observed_list_release(&seen);
	return rc;
}

static struct hg_observe *
start_observing(struct hg_execution *e, struct hg_error *err)
{
	struct hg_observe *observe = hg_observe_new(e->x->observer, err);
	char *cwd, *program;
	bool host;

	if (!observe)
		return NULL;
	program = hg_view_resolve(
	    &e->view, "/", e->request->compiler_path, &host, NULL);
	if (program)
		hg_observe_set_program(observe, program);
	free(program);
	cwd = hg_view_resolve(&e->view, "/", e->request->cwd, &host, NULL);
	if (cwd)
		hg_observe_set_cwd(observe, cwd);
	free(cwd);
	return observe;
}

bool
hg_execution_is_clients_fault(int rc)
{
	return rc == -HG_INVALID || rc == -HG_CORRUPT || rc == -HG_DENIED ||
	    rc == -HG_PROTOCOL || rc == -HG_TOOBIG;
}

static int
show_tools(struct hg_execution *e, struct hg_strbuf *missing,
    struct hg_error *err)
{
	int rc = hg_toolroot_take(e->x->toolroots, &e->request->toolchain_list,
	    missing, &e->tools, err);

	if (e->tools)
		hg_view_use_tools(&e->view, e->tools->path, &e->tools->names);
	return rc;
}

/*
 * Lays the inputs out. When contents are missing, or are gone by the time that
 * they are wanted, the outcome says which.
 */
static int
lay_out(struct hg_execution *e, struct hg_error *err)
{
	struct hg_strbuf *missing = &e->outcome->text;
	struct hg_blobs *blobs = e->x->blobs;
	struct hg_needed in = { NULL, 0, NULL };
	int rc = hg_needed_keep(blobs, e->request, err);

	if (rc == 0 && e->brings_tools)
		rc = show_tools(e, missing, err);
	if (rc == 0)
		rc = hg_needed_receive(
		    &in, blobs, e->request, &e->view, missing, err);
	if (rc == 0 && missing->len == 0) {
		rc = hg_layout_exact(
		    &e->view, blobs, e->request, in.v, in.n, err);
		if (rc == -HG_NOTFOUND) {
			hg_needed_release(&in);
			rc = hg_needed_receive(
			    &in, blobs, e->request, &e->view, missing, err);
			if (rc == 0 && missing->len == 0)
				rc = hg_fail(err, HG_IO,
				    "contents come and go too fast here");
		}
	}
	hg_needed_release(&in);
	e->outcome->result.missing =
	    (struct hg_blob){ missing->buf, missing->len };
	return rc;
}

void
hg_execute_exact(struct hg_execution *e)
{
	struct hg_snapshot before = { .files = HG_HMAP_INIT };
	struct hg_observe *observe = NULL;
	struct hg_error err = { .text = "" };
	int rc;

	if (*e->x->no_sandbox && !e->container) {
		hg_fail(&err, HG_UNAVAILABLE,
		    "this worker cannot make sandboxes: %s", e->x->no_sandbox);
		hg_outcome_infra(e->outcome, e->request->protocol, err.text);
		return;
	}
	rc = lay_out(e, &err);
	if (hg_execution_is_clients_fault(rc)) {
		hg_outcome_refuse(
		    e->outcome, HG_RPC_INVALID_ARGUMENT, "%s", err.text);
		return;
	}
	if (rc == 0 && e->outcome->result.missing.n > 0)
		return;
	if (rc == 0)
		rc = hg_snapshot_take(&before, &e->view, &err);
	if (rc == 0) {
		observe = start_observing(e, &err);
		rc = observe ? run_compiler(e, observe, &err) : -HG_INTERNAL;
	}
	if (rc == 0 && hg_execution_ended_well(e))
		rc = collect(e, observe, &before, &err);
	if (rc)
		hg_outcome_infra(e->outcome, e->request->protocol, err.text);
	hg_observe_free(observe);
	hg_snapshot_release(&before);
}
