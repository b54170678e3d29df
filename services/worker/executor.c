/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The checks before a compile and the judgement after it, for both kinds of
 * clients. The rule for judging: what may be this machine's fault (a signal, the
 * out-of-memory killer, a full disk) is never told as the user's. gcc itself
 * exits with 1 when its cc1 was killed, so its message has to be looked at.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/alloc.h"
#include "lib/base/error.h"
#include "lib/base/log.h"
#include "lib/base/path.h"
#include "lib/base/strvec.h"
#include "lib/base/time.h"
#include "lib/blob/blobs.h"
#include "lib/toolchain/toolchain.h"
#include "services/worker/capability.h"
#include "services/worker/cell.h"
#include "services/worker/cgroup.h"
#include "services/worker/compiler.h"
#include "services/worker/docker.h"
#include "services/worker/docker_execute.h"
#include "services/worker/docker_images.h"
#include "services/worker/executor_private.h"
#include "services/worker/host.h"
#include "services/worker/jail.h"
#include "services/worker/toolroot.h"
#include "services/worker/digests.h"

/* Where gcc finds its assembler when the client says nothing. */
#define DEFAULT_PATH "/usr/bin:/bin"

static void
set_limits(struct hg_executor *x)
{
	const struct hg_executor_options *o = x->options;
	bool memory, processes;

	x->cgroups = hg_cgroups_new(&hg_capability_system_roots, &o->max);
	memory = hg_cgroups_hold_memory(x->cgroups);
	processes = hg_cgroups_hold_processes(x->cgroups);
	x->limits = (struct hg_jail_limits){
		.memory_bytes = memory ? 0 : o->max.memory_bytes,
		.processes = processes ? 0 : o->max.processes,
		.cpu_ns = o->max_cpu_ns,
		.file_bytes = o->max_file_bytes,
	};
	if (*hg_cgroups_trouble(x->cgroups))
		hg_log(HG_LOG_NOTICE,
		    "control groups cannot be used; limits hold for single "
		    "processes instead of whole compiles",
		    "reason=\"%s\"", hg_cgroups_trouble(x->cgroups));
}

static void
probe_sandbox(struct hg_executor *x)
{
	struct hg_error err = { .text = "" };
	int rc = hg_jail_probe(x->cells, &err);

	x->no_sandbox = hg_xstrdup(rc ? err.text : "");
	if (rc)
		hg_log(HG_LOG_WARNING,
		    "sandboxes cannot be made; compiles of Hybrid-Grid's own "
		    "clients are refused, those of others can read this "
		    "machine's files",
		    "reason=\"%s\"", err.text);
}

static int
start_docker(struct hg_executor *x, struct hg_error *err)
{
	const struct hg_executor_options *o = x->options;
	char *runner;

	if (!o->docker)
		return 0;
	runner = hg_host_helper(o->helper_dir, "hg-runner");
	x->docker =
	    hg_docker_new(o->docker, runner, x->observer, o->work_dir, err);
	free(runner);
	return x->docker ? 0 : -HG_EXHAUSTED;
}

struct hg_executor *
hg_executor_new(
    const struct hg_executor_options *options, struct hg_error *err)
{
	struct hg_executor *x;
	struct hg_toolroots *toolroots;
	struct hg_blobs *blobs;
	char *tools;

	if (hg_mkdir_p(options->work_dir, err))
		return NULL;
	blobs = hg_blobs_open(options->store_dir, options->store_bytes, err);
	if (!blobs)
		return NULL;
	tools = hg_path_join(options->store_dir, "tools");
	toolroots = hg_toolroots_new(tools, blobs, err);
	free(tools);
	if (!toolroots) {
		hg_blobs_close(blobs);
		return NULL;
	}
	x = hg_xcalloc(1, sizeof(*x));
	x->options = options;
	x->blobs = blobs;
	x->toolroots = toolroots;
	x->toolchains = hg_toolchains_new();
	x->memo = hg_digests_new();
	x->sandbox = hg_host_helper(options->helper_dir, "hg-sandbox");
	x->observer = hg_host_helper(options->helper_dir, "hg-observe.so");
	set_limits(x);
	x->cells_options = (struct hg_cells_options){
		.sandbox = x->sandbox,
		.work_dir = options->work_dir,
		.scratch_bytes = options->max_disk_bytes,
		.output_bytes = options->max_output_bytes,
		.spares = options->spares,
		.cgroups = x->cgroups,
	};
	x->cells = hg_cells_new(&x->cells_options);
	if (start_docker(x, err)) {
		hg_executor_free(x);
		return NULL;
	}
	probe_sandbox(x);
	return x;
}

void
hg_executor_free(struct hg_executor *x)
{
	if (!x)
		return;
	hg_cells_free(x->cells);
	hg_cgroups_free(x->cgroups);
	hg_docker_free(x->docker);
	hg_toolchains_free(x->toolchains);
	hg_digests_free(x->memo);
	hg_toolroots_free(x->toolroots);
	hg_blobs_close(x->blobs);
	free(x->sandbox);
	free(x->observer);
	free(x->no_sandbox);
	free(x);
}

const char *
hg_executor_no_sandbox(const struct hg_executor *x)
{
	return x->no_sandbox;
}

bool
hg_executor_has_docker(struct hg_executor *x)
{
	return hg_docker_is_available(x->docker);
}

/* ---- before ------------------------------------------------------------ */

static const char *
client_path_list(const struct hg_wire_compile *request)
{
	for (size_t i = 0; i < request->n_env; i++)
		if (strcmp(request->env[i].name, "PATH") == 0)
			return request->env[i].value;
	return DEFAULT_PATH;
}

static int
check_toolchain(struct hg_executor *x, const struct hg_wire_compile *request,
    struct hg_error *err)
{
	char hex[HG_DIGEST_HEX_BYTES];
	char *path_list;
	int rc;

	if (!*request->toolchain)
		return 0;
	path_list = hg_host_filter_path_list(client_path_list(request));
	rc = hg_toolchain_digest(
	    x->toolchains, request->compiler_path, path_list, hex, err);
	free(path_list);
	if (rc == 0 && strcmp(hex, request->toolchain) != 0)
		rc = hg_fail(err, HG_NOCOMPILER,
		    "%s of this worker is not the same program as the client's",
		    request->compiler_path);
	return rc;
}

/*
 * Of our own clients: the compiler of this machine, if it is the same and shows
 * all that is needed, else the one that the client can bring.
 */
static int
choose_compiler(struct hg_execution *e, struct hg_error *err)
{
	const struct hg_wire_compile *r = e->request;
	bool can_bring = hg_content_id_is_set(&r->toolchain_list);
	int rc;

	if (!*r->toolchain && can_bring)
		rc = -HG_NOCOMPILER;
	else
		rc = hg_compiler_check_path(r->compiler_path, err);
	if (rc == 0)
		rc = check_toolchain(e->x, r, err);
	if (rc == 0 || !can_bring)
		return rc;
	if (!hg_compiler_family(hg_path_base(r->compiler_path)))
		return hg_fail(err, HG_NOCOMPILER, "%s is no compiler's name",
		    r->compiler_path);
	e->brings_tools = true;
	return 0;
}

static int
check_compiler(struct hg_execution *e, struct hg_error *err)
{
	char *path;

	if (e->request->protocol > 0)
		return choose_compiler(e, err);
	path = hg_compiler_search(
	    e->request->compiler, e->x->options->path_list, err);
	free(path);
	return path ? 0 : -HG_NOCOMPILER;
}

static bool
is_well_formed(const struct hg_wire_compile *r, struct hg_outcome *o)
{
	if (!*r->source_file)
		hg_outcome_refuse(o, HG_RPC_INVALID_ARGUMENT,
		    "source_file is empty");
	else if (!*r->compiler)
		hg_outcome_refuse(
		    o, HG_RPC_INVALID_ARGUMENT, "compiler is empty");
	else if (r->protocol > 0 && strcmp(r->cwd, "/") != 0 &&
	    (*r->cwd != '/' || !hg_path_is_beneath(r->cwd + 1)))
		hg_outcome_refuse(o, HG_RPC_INVALID_ARGUMENT,
		    "cwd is not a plain absolute path");
	return o->status == HG_RPC_OK;
}

/* In a container its file is looked for when it is run. */
static int
check_compiler_name(const struct hg_wire_compile *r, struct hg_error *err)
{
	const char *name = r->protocol > 0 ? r->compiler_path : r->compiler;

	if (!hg_compiler_family(
		r->protocol > 0 ? hg_path_base(name) : name))
		return hg_fail(err, HG_NOCOMPILER,
		    "%s is not the name of a compiler", name);
	return 0;
}

/*
 * The image to compile in, owned; NULL: natively. An image by default only has
 * the compiler of our own clients by chance.
 */
static char *
choose_image(
    struct hg_executor *x, const struct hg_wire_compile *r, bool native)
{
	const struct hg_docker_options *d = x->options->docker;
	bool configured;
	char *image;

	/* who brings a compiler has no use for an image's */
	if (!d ||
	    (native && !d->always &&
		hg_content_id_is_set(&r->toolchain_list)))
		return NULL;
	image = hg_docker_image(
	    d->images, r->target_arch, r->target_os, &configured);
	if (d->always || configured || (!native && r->protocol == 0))
		return image;
	free(image);
	return NULL;
}

static bool
can_do(struct hg_execution *e)
{
	struct hg_executor *x = e->x;
	const struct hg_wire_compile *r = e->request;
	struct hg_outcome *o = e->outcome;
	struct hg_error err = { .text = "" };
	bool native = hg_capability_can_target(
	    x->options->capability, r->target_arch, r->target_os);

	if (r->protocol == 1) {
		hg_outcome_infra(o, r->protocol,
		    "the client speaks protocol 1, which was never released");
		return false;
	}
	if (r->source.n > x->options->max_source_bytes) {
		hg_fail(&err, HG_TOOBIG, "%s has %zu bytes, the limit is %llu",
		    r->source_file, r->source.n,
		    (unsigned long long)x->options->max_source_bytes);
		hg_outcome_app_error(
		    o, r->protocol, HG_APP_ERROR_SOURCE_TOO_BIG, err.text);
		return false;
	}
	e->image = choose_image(x, r, native);
	if (x->options->docker && x->options->docker->always)
		native = false;
	if (!e->image && !native) {
		hg_fail(&err, HG_UNSUPPORTED, "%s %s", r->target_os,
		    r->target_arch);
		hg_outcome_app_error(
		    o, r->protocol, HG_APP_ERROR_NO_TARGET, err.text);
		return false;
	}
	if (e->image ? check_compiler_name(r, &err)
		     : check_compiler(e, &err)) {
		hg_outcome_app_error(
		    o, r->protocol, HG_APP_ERROR_NO_COMPILER, err.text);
		return false;
	}
	return true;
}

/* ---- after ------------------------------------------------------------- */

/* What compilers say when the machine failed them and not the user's code. */
static const char *
machine_trouble(const char *text)
{
	static const char *const signs[] = {
		" signal terminated program ",
		"No space left on device",
		"Read-only file system",
		"virtual memory exhausted",
		"out of memory",
		"Cannot allocate memory",
		"Resource temporarily unavailable",
	};

	for (size_t i = 0; i < sizeof(signs) / sizeof(*signs); i++)
		if (strstr(text, signs[i]))
			return signs[i];
	return NULL;
}

bool
hg_execution_ended_well(struct hg_execution *e)
{
	const struct hg_proc_result *p = &e->outcome->proc;
	unsigned protocol = e->request->protocol;
	struct hg_error err;
	const char *trouble;

	switch (p->end) {
	case HG_PROC_TIMED_OUT:
		hg_fail(&err, HG_TIMEOUT, "the compiler was ended after %llu ms",
		    (unsigned long long)(e->timeout_ns / HG_NS_PER_MS));
		hg_outcome_app_error(
		    e->outcome, protocol, HG_APP_ERROR_TIMEOUT, err.text);
		return false;
	case HG_PROC_CANCELLED:
		hg_outcome_refuse(e->outcome, HG_RPC_CANCELLED, "cancelled");
		return false;
	case HG_PROC_EXITED:
	case HG_PROC_SIGNALLED:
		break;
	}
	trouble = p->status ? machine_trouble(p->err.buf) : NULL;
	if (p->status >= 128)
		hg_fail(&err, HG_INTERNAL, "the compiler was ended by signal %d",
		    p->status - 128);
	else if (trouble)
		hg_fail(&err, HG_INTERNAL, "the compiler says:%s%s",
		    *trouble == ' ' ? "" : " ", trouble);
	else if (p->truncated)
		hg_fail(&err, HG_TOOBIG, "the compiler's messages are too long");
	else
		return true;
	hg_outcome_infra(e->outcome, protocol, err.text);
	return false;
}

/* A place for its files, and for it to run in. */
static int
make_place(struct hg_execution *e, struct hg_error *err)
{
	const char *root;
	int rc = 0;

	if (*e->x->no_sandbox) {
		rc = hg_job_folder_make(
		    &e->folder, e->x->options->work_dir, err);
		root = e->folder.root;
	} else {
		e->cell = hg_cell_take(e->x->cells, err);
		root = e->cell ? hg_cell_root(e->cell) : NULL;
		rc = e->cell ? 0 : -HG_UNAVAILABLE;
	}
	if (rc == 0)
		hg_view_init(&e->view, root, e->request->protocol == 0);
	return rc;
}

void
hg_executor_run(struct hg_executor *x, const struct hg_wire_compile *request,
    int cancel_fd, uint64_t left_ns, struct hg_outcome *ret)
{
	struct hg_execution e = {
		.x = x,
		.request = request,
		.cancel_fd = cancel_fd,
		.timeout_ns = x->options->timeout_ns,
		.outcome = ret,
	};
	struct hg_error err = { .text = "" };

	if (left_ns < e.timeout_ns || e.timeout_ns == 0)
		e.timeout_ns = left_ns == UINT64_MAX ? 0 : left_ns;
	if (!is_well_formed(request, ret) || !can_do(&e)) {
		free(e.image);
		return;
	}
	if (e.image) {
		hg_execute_docker(&e);
		free(e.image);
		return;
	}
	if (make_place(&e, &err)) {
		hg_outcome_infra(ret, request->protocol, err.text);
	} else {
		if (request->protocol > 0)
			hg_execute_exact(&e);
		else
			hg_execute_simple(&e);
		hg_view_release(&e.view);
		hg_toolroot_drop(x->toolroots, e.tools);
	}
	hg_cell_free(e.cell);
	if (hg_job_folder_remove(&e.folder, &err))
		hg_log(HG_LOG_WARNING, "a job folder stays behind",
		    "reason=\"%s\"", err.text);
}
