/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Running a compiler through hg-sandbox. The compile's environment travels as
 * arguments: nothing that a client sets (LD_PRELOAD, ...) may reach a process
 * that is still outside of the sandbox.
 */
#include "config.h"

#include <string.h>

#include "lib/base/error.h"
#include "lib/base/strvec.h"
#include "lib/base/time.h"
#include "lib/proc/proc.h"
#include "services/worker/jail.h"

/* The largest file that a compile may write. */
#define MAX_FILE "4294967296"

/* Files that a compile may have open at once. */
#define MAX_OPEN "4096"

#define PROBE_TIMEOUT_NS (20 * HG_NS_PER_SEC)

/* How hg-sandbox ends and what it begins with when there is no sandbox. */
#define SANDBOX_FAILED 125
#define COMPLAINT "hg-sandbox: "

static void
add_option(struct hg_strvec *argv, const char *name, const char *value)
{
	hg_strvec_add(argv, name);
	hg_strvec_add(argv, value);
}

static void
make_argv(const struct hg_jail_spec *spec, struct hg_strvec *argv)
{
	hg_strvec_add(argv, spec->sandbox);
	add_option(argv, "--root", spec->view->root);
	add_option(argv, "--cwd", spec->cwd);
	for (size_t i = 0; i < spec->view->binds.n; i++)
		add_option(argv, "--bind-ro", spec->view->binds.v[i]);
	if (spec->observer) {
		hg_strvec_add(argv, "--bind-ro");
		hg_strvec_addf(argv, "%s:" HG_JAIL_OBSERVER, spec->observer);
	}
	for (const char *const *e = spec->env; e && *e; e++)
		add_option(argv, "--env", *e);
	hg_strvec_add(argv, "--umask");
	hg_strvec_addf(argv, "%o", (unsigned)spec->umask & 0777);
	if (spec->keep_fd >= 0) {
		hg_strvec_add(argv, "--keep-fd");
		hg_strvec_addf(argv, "%d", spec->keep_fd);
	}
	add_option(argv, "--limit-core", "0");
	add_option(argv, "--limit-fsize", MAX_FILE);
	add_option(argv, "--limit-nofile", MAX_OPEN);
	if (!spec->argv)
		hg_strvec_add(argv, "--check");
	hg_strvec_add(argv, "--");
	if (spec->argv)
		hg_strvec_add_all(argv, spec->argv);
}

/* Its last line without the name in front. */
static int
sandbox_failed(struct hg_proc_result *r, struct hg_error *err)
{
	const char *text = strstr(r->err.buf, COMPLAINT);
	size_t n = text ? strcspn(text, "\n") : 0;

	if (!text)
		return hg_fail(err, HG_UNAVAILABLE, "the sandbox failed");
	text += strlen(COMPLAINT);
	n -= strlen(COMPLAINT);
	return hg_fail(err, HG_UNAVAILABLE, "%.*s", (int)n, text);
}

int
hg_jail_run(const struct hg_jail_spec *spec, struct hg_proc_result *ret,
    struct hg_error *err)
{
	static const char *const no_env[] = { NULL };
	struct hg_strvec argv = HG_STRVEC_INIT;
	struct hg_proc_spec proc = HG_PROC_SPEC_INIT;
	int rc;

	make_argv(spec, &argv);
	proc.argv = (const char *const *)argv.v;
	proc.envp = no_env;
	proc.cwd = "/";
	proc.pass_fd = spec->keep_fd;
	proc.cancel_fd = spec->cancel_fd;
	proc.timeout_ns = spec->timeout_ns;
	rc = hg_proc_run(&proc, ret, err);
	if (rc)
		rc = hg_wrap(err, "the sandbox cannot be started");
	else if (ret->end == HG_PROC_EXITED &&
	    ret->status == SANDBOX_FAILED && strstr(ret->err.buf, COMPLAINT))
		rc = sandbox_failed(ret, err);
	hg_strvec_release(&argv);
	return rc;
}

int
hg_jail_probe(const char *sandbox, const char *dir, struct hg_error *err)
{
	struct hg_proc_result result;
	struct hg_view view;
	struct hg_jail_spec spec = {
		.sandbox = sandbox,
		.view = &view,
		.cwd = "/",
		.keep_fd = -1,
		.cancel_fd = -1,
		.timeout_ns = PROBE_TIMEOUT_NS,
	};
	int rc;

	hg_view_init(&view, dir, false);
	rc = hg_jail_run(&spec, &result, err);
	if (rc == 0 && (result.end != HG_PROC_EXITED || result.status != 0))
		rc = hg_fail(err, HG_UNAVAILABLE,
		    "the sandbox ended with status %d", result.status);
	hg_proc_result_release(&result);
	hg_view_release(&view);
	return rc;
}
