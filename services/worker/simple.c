/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A compile in the bare terms of the specification: a source, headers, arguments.
 * Such clients send no system headers, so this machine's are used, and want one
 * object back, so input and output files are ours to name.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/alloc.h"
#include "lib/base/error.h"
#include "lib/base/path.h"
#include "lib/base/strvec.h"
#include "services/worker/collect.h"
#include "services/worker/compiler.h"
#include "services/worker/docker_execute.h"
#include "services/worker/executor_private.h"
#include "services/worker/jail.h"

#define OBJECT "hybridgrid-output.o"

/* ---- arguments --------------------------------------------------------- */

static bool
ends_early(const char *arg)
{
	return strcmp(arg, "-c") == 0 || strcmp(arg, "-S") == 0 ||
	    strcmp(arg, "-E") == 0 || strcmp(arg, "-fsyntax-only") == 0;
}

/* Options that name a folder of the client, attached or as the next word. */
static const char *const folder_options[] = {
	"-I",
	"-idirafter",
	"-iquote",
	"-isystem",
};

/* The word behind the option, "" when it is the next one; NULL: another one. */
static const char *
folder_of_option(const char *arg)
{
	for (size_t i = 0; i < sizeof(folder_options) / sizeof(char *); i++) {
		size_t n = strlen(folder_options[i]);

		if (strncmp(arg, folder_options[i], n) == 0)
			return arg + n;
	}
	return NULL;
}

/* Was a header below this absolute folder sent? Then it lies below ours. */
static bool
is_sent(const struct hg_wire_compile *request, const char *folder)
{
	size_t n = strlen(folder);

	while (n > 0 && folder[n - 1] == '/')
		n--;
	for (size_t i = 0; n > 0 && i < request->n_includes; i++)
		if (strncmp(request->includes[i].path, folder, n) == 0 &&
		    request->includes[i].path[n] == '/')
			return true;
	return false;
}

/* Takes such an option, as two words; how many words it was. */
static size_t
add_folder_option(const struct hg_wire_compile *request, size_t at,
    struct hg_strvec *ret)
{
	const char *arg = request->args[at];
	const char *folder = folder_of_option(arg);
	size_t words = 1;

	hg_assert(folder != NULL);
	if (*folder == '\0' && at + 1 < request->n_args) {
		folder = request->args[at + 1];
		words = 2;
	}
	hg_strvec_addf(ret, "%.*s", (int)(words == 2 ? strlen(arg)
						     : (size_t)(folder - arg)),
	    arg);
	hg_strvec_add(ret,
	    *folder == '/' && is_sent(request, folder) ? folder + 1 : folder);
	return words;
}

/* The folder of a header that was sent under an absolute name. */
static void
add_include_folder(const char *path, struct hg_strvec *ret)
{
	char *dir = hg_path_dir(path + 1);
	char *option = hg_xasprintf("-I%s", dir);

	if (hg_strvec_find(ret, option) < 0)
		hg_strvec_add(ret, option);
	free(option);
	free(dir);
}

void
hg_simple_arguments(
    const struct hg_wire_compile *request, struct hg_strvec *ret)
{
	const char *source = hg_path_base(request->source_file);
	bool ended = false;

	for (size_t i = 0; i < request->n_args; i++) {
		const char *arg = request->args[i];

		if (strcmp(arg, "-o") == 0) {
			i++;
			continue;
		}
		if (strncmp(arg, "-o", 2) == 0 ||
		    strcmp(arg, request->source_file) == 0 ||
		    strcmp(arg, source) == 0)
			continue;
		if (folder_of_option(arg)) {
			i += add_folder_option(request, i, ret) - 1;
			continue;
		}
		ended |= ends_early(arg);
		hg_strvec_add(ret, arg);
	}
	for (size_t i = 0; i < request->n_includes; i++)
		if (request->includes[i].path[0] == '/')
			add_include_folder(request->includes[i].path, ret);
	if (!ended)
		hg_strvec_add(ret, "-c");
	hg_strvec_add(ret, "-o");
	hg_strvec_add(ret, OBJECT);
	/* a name with a dash in front is not to be an option */
	hg_strvec_addf(ret, "%s%s", *source == '-' ? "./" : "", source);
}

const char *
hg_simple_unsafe_argument(const struct hg_strvec *args)
{
	static const char *const unsafe[] = {
		"--config",
		"--specs",
		"-B",
		"-Wp,",
		"-X",
		"-fpass-plugin",
		"-fplugin",
		"-mllvm",
		"-specs",
		"-wrapper",
		"@",
	};

	for (size_t i = 0; i < args->n; i++)
		for (size_t k = 0; k < sizeof(unsafe) / sizeof(*unsafe); k++)
			if (strncmp(args->v[i], unsafe[k],
				strlen(unsafe[k])) == 0)
				return args->v[i];
	return NULL;
}

/* ---- running ----------------------------------------------------------- */

static int
run_in_sandbox(struct hg_execution *e, const struct hg_strvec *argv,
    struct hg_error *err)
{
	char *path = hg_xasprintf("PATH=%s", e->x->options->path_list);
	const char *const env[] = { path, "LC_ALL=C", "TMPDIR=/tmp", NULL };
	struct hg_jail_spec spec = {
		.cell = e->cell,
		.limits = &e->x->limits,
		.view = &e->view,
		.cwd = HG_SIMPLE_FOLDER,
		.argv = (const char *const *)argv->v,
		.env = env,
		.umask = 022,
		.keep_fd = -1,
		.cancel_fd = e->cancel_fd,
		.timeout_ns = e->timeout_ns,
	};
	int rc = hg_jail_run(&spec, &e->outcome->proc, err);

	free(path);
	return rc;
}

/* Where the kernel allows no sandbox; a shell sets the limits. */
static int
run_natively(struct hg_execution *e, const struct hg_strvec *argv,
    struct hg_error *err)
{
	static const char limits[] =
	    "ulimit -c 0; ulimit -f 8388608; ulimit -n 4096; exec \"$@\"";
	char *path = hg_xasprintf("PATH=%s", e->x->options->path_list);
	char *tmp = hg_xasprintf("TMPDIR=%s/tmp", e->view.root);
	char *cwd = hg_xasprintf("%s" HG_SIMPLE_FOLDER, e->view.root);
	const char *const env[] = { path, tmp, "LC_ALL=C", NULL };
	struct hg_proc_spec spec = HG_PROC_SPEC_INIT;
	struct hg_strvec words = HG_STRVEC_INIT;
	int rc;

	hg_strvec_add(&words, "/bin/sh");
	hg_strvec_add(&words, "-c");
	hg_strvec_add(&words, limits);
	hg_strvec_add(&words, "sh");
	hg_strvec_add_all(&words, (const char *const *)argv->v);
	spec.argv = (const char *const *)words.v;
	spec.envp = env;
	spec.cwd = cwd;
	spec.cancel_fd = e->cancel_fd;
	spec.timeout_ns = e->timeout_ns;
	rc = hg_proc_run(&spec, &e->outcome->proc, err);
	hg_strvec_release(&words);
	free(path);
	free(tmp);
	free(cwd);
	return rc;
}

static int
run_compiler(struct hg_execution *e, struct hg_error *err)
{
	struct hg_strvec argv = HG_STRVEC_INIT;
	char *compiler = hg_compiler_search(
	    e->request->compiler, e->x->options->path_list, err);
	const char *unsafe = NULL;
	int rc = -HG_NOCOMPILER;

	if (!compiler)
		return rc;
	hg_strvec_add_take(&argv, compiler);
	hg_simple_arguments(e->request, &argv);
	if (!*e->x->no_sandbox)
		rc = run_in_sandbox(e, &argv, err);
	else if ((unsafe = hg_simple_unsafe_argument(&argv)))
		rc = hg_fail(err, HG_INVALID,
		    "%s is not allowed on a worker without sandbox", unsafe);
	else
		rc = run_natively(e, &argv, err);
	hg_strvec_release(&argv);
	return rc;
}

/* ---- result ------------------------------------------------------------ */

static int
take_object(struct hg_execution *e, struct hg_error *err)
{
	struct hg_outcome *o = e->outcome;
	int rc = hg_collect_file(&e->view, HG_SIMPLE_FOLDER, OBJECT,
	    e->x->options->max_message_bytes, &o->text, err);

	o->result.object = (struct hg_blob){ o->text.buf, o->text.len };
	/* -fsyntax-only makes none */
	return rc == -HG_NOTFOUND ? 0 : rc;
}

void
hg_execute_simple(struct hg_execution *e)
{
	struct hg_error err = { .text = "" };
	int rc = hg_layout_simple(&e->view, HG_SIMPLE_FOLDER, e->request, &err);

	if (rc == 0)
		rc = e->container
		    ? hg_docker_run_simple(e, HG_SIMPLE_FOLDER, &err)
		    : run_compiler(e, &err);
	if (rc == -HG_NOCOMPILER) {
		hg_outcome_app_error(e->outcome, e->request->protocol,
		    HG_APP_ERROR_NO_COMPILER, err.text);
		return;
	}
	if (rc == -HG_INVALID) {
		hg_outcome_refuse(
		    e->outcome, HG_RPC_INVALID_ARGUMENT, "%s", err.text);
		return;
	}
	if (rc == 0 && hg_execution_ended_well(e)) {
		hg_outcome_ran(e->outcome);
		if (e->outcome->proc.status == 0)
			rc = take_object(e, &err);
	}
	if (rc)
		hg_outcome_infra(e->outcome, e->request->protocol, err.text);
}
