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
#include "services/worker/cell.h"
#include "services/worker/jail.h"

/* Files that a compile may have open at once. */
#define MAX_OPEN 4096

#define PROBE_TIMEOUT_NS (20 * HG_NS_PER_SEC)

static void
add_option(struct hg_strvec *argv, const char *name, const char *value)
{
	hg_strvec_add(argv, name);
	hg_strvec_add(argv, value);
}

/* A limit of 0 is none. */
static void
add_limit(struct hg_strvec *argv, const char *name, uint64_t limit)
{
	if (limit == 0)
		return;
	hg_strvec_addf(argv, "--limit-%s", name);
	hg_strvec_addf(argv, "%llu", (unsigned long long)limit);
}

static void
add_limits(struct hg_strvec *argv, const struct hg_jail_limits *l)
{
	add_option(argv, "--limit-core", "0");
	add_limit(argv, "nofile", MAX_OPEN);
	add_limit(argv, "data", l->memory_bytes);
	add_limit(argv, "nproc", l->processes);
	add_limit(argv, "cpu",
	    (l->cpu_ns + HG_NS_PER_SEC - 1) / HG_NS_PER_SEC);
	add_limit(argv, "fsize", l->file_bytes);
}

/* Of the host, or of a folder that stands for it. */
static void
add_bind(struct hg_strvec *argv, const char *tools, const char *path)
{
	hg_strvec_add(argv, "--bind-ro");
	if (tools)
		hg_strvec_addf(argv, "%s%s:%s", tools, path, path);
	else
		hg_strvec_add(argv, path);
}

static void
make_argv(const struct hg_jail_spec *spec, struct hg_strvec *argv)
{
	hg_strvec_add(argv, "hg-sandbox");
	add_option(argv, "--cwd", spec->cwd);
	for (size_t i = 0; i < spec->view->binds.n; i++)
		add_bind(argv, spec->view->tools, spec->view->binds.v[i]);
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
	if (spec->limits)
		add_limits(argv, spec->limits);
	if (!spec->argv)
		hg_strvec_add(argv, "--check");
	hg_strvec_add(argv, "--");
	if (spec->argv)
		hg_strvec_add_all(argv, spec->argv);
}

int
hg_jail_run(const struct hg_jail_spec *spec, struct hg_proc_result *ret,
    struct hg_error *err)
{
	struct hg_strvec argv = HG_STRVEC_INIT;
	int rc;

	make_argv(spec, &argv);
	rc = hg_cell_run(spec->cell, &argv, spec->keep_fd, spec->cancel_fd,
	    spec->timeout_ns, ret, err);
	hg_strvec_release(&argv);
	return rc;
}

static int
probe_cell(struct hg_cell *cell, struct hg_error *err)
{
	struct hg_proc_result result;
	struct hg_view view;
	struct hg_jail_spec spec = {
		.cell = cell,
		.view = &view,
		.cwd = "/",
		.keep_fd = -1,
		.cancel_fd = -1,
		.timeout_ns = PROBE_TIMEOUT_NS,
	};
	int rc;

	hg_view_init(&view, hg_cell_root(cell), false);
	rc = hg_jail_run(&spec, &result, err);
	if (rc == 0 && (result.end != HG_PROC_EXITED || result.status != 0))
		rc = hg_fail(err, HG_UNAVAILABLE,
		    "the sandbox ended with status %d", result.status);
	hg_proc_result_release(&result);
	hg_view_release(&view);
	return rc;
}

int
hg_jail_probe(struct hg_cells *cells, struct hg_error *err)
{
	struct hg_cell *cell = hg_cell_take(cells, err);
	int rc = cell ? probe_cell(cell, err) : -HG_UNAVAILABLE;

	hg_cell_free(cell);
	return rc;
}
