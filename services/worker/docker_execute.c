/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A compile in a container: which compiler of the image is meant, and how it
 * ends when there is no engine or no image. For our own clients everything is as
 * in the sandbox, with the image's files in the place of this machine's; they
 * are told what the compiler looked at and compare, so an image whose compiler
 * is not theirs costs a compile and never a wrong object.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/alloc.h"
#include "lib/base/error.h"
#include "lib/base/path.h"
#include "lib/base/strvec.h"
#include "services/worker/compiler.h"
#include "services/worker/container.h"
#include "services/worker/docker.h"
#include "services/worker/docker_execute.h"
#include "services/worker/executor_private.h"
#include "services/worker/jail.h"
#include "services/worker/needed.h"

/* ---- the compiler of an image ------------------------------------------ */

static const char *
image_variable(const struct hg_container *c, const char *name)
{
	size_t n = strlen(name);

	for (size_t i = 0; i < c->env.n; i++)
		if (strncmp(c->env.v[i], name, n) == 0 && c->env.v[i][n] == '=')
			return c->env.v[i] + n + 1;
	return "";
}

/* Is the image's compiler, as CC or CXX names it, of that family? */
static bool
is_of_family(const char *compiler, const char *family)
{
	const char *its = hg_compiler_family(hg_path_base(compiler));

	return its && strcmp(its, family) == 0;
}

/*
 * Images of cross-compilers name theirs in CC and CXX; a plain gcc beside them
 * compiles for another machine and is not what was asked for.
 */
static const char *
compiler_of_image(
    const struct hg_container *c, const char *name, struct hg_error *err)
{
	const char *family = hg_compiler_family(name);
	const char *cc = image_variable(c, "CC");
	const char *cxx = image_variable(c, "CXX");

	if (is_of_family(cc, family))
		return cc;
	if (is_of_family(cxx, family))
		return cxx;
	if (!*cc && !*cxx)
		return name;
	hg_fail(err, HG_NOCOMPILER, "no %s in image %s, which has %s and %s",
	    name, c->image, hg_path_base(cc), hg_path_base(cxx));
	return NULL;
}

int
hg_docker_run_simple(
    struct hg_execution *e, const char *folder, struct hg_error *err)
{
	struct hg_container *c = e->container;
	struct hg_strvec argv = HG_STRVEC_INIT;
	struct hg_strvec env = HG_STRVEC_INIT;
	struct hg_jail_spec spec = {
		.cwd = folder,
		.umask = 022,
		.keep_fd = -1,
		.cancel_fd = e->cancel_fd,
		.timeout_ns = e->timeout_ns,
	};
	const char *compiler = compiler_of_image(c, e->request->compiler, err);
	int rc;

	if (!compiler)
		return -HG_NOCOMPILER;
	hg_strvec_add(&argv, compiler);
	hg_simple_arguments(e->request, &argv);
	/* the first of a name is the one that counts */
	hg_strvec_add(&env, "LC_ALL=C");
	hg_strvec_add(&env, "TMPDIR=/tmp");
	if (c->env.v)
		hg_strvec_add_all(&env, (const char *const *)c->env.v);
	spec.argv = (const char *const *)argv.v;
	spec.env = (const char *const *)env.v;
	rc = hg_container_run(c, &spec, &e->outcome->proc, err);
	hg_strvec_release(&env);
	hg_strvec_release(&argv);
	return rc;
}

/* ---- a compile --------------------------------------------------------- */

static void
tell_no_container(struct hg_execution *e, int rc, const struct hg_error *err)
{
	const struct hg_wire_compile *r = e->request;
	struct hg_error missing;

	switch (-rc) {
	case HG_UNAVAILABLE:
	case HG_TIMEOUT:
		hg_outcome_app_error(e->outcome, r->protocol,
		    HG_APP_ERROR_NO_DOCKER, err->text);
		break;
	case HG_NOTFOUND:
		hg_fail(&missing, HG_NOTFOUND,
		    "%s %s needs image %s, which this worker's Docker engine "
		    "does not have (docker pull)",
		    r->target_os, r->target_arch, e->image);
		hg_outcome_app_error(e->outcome, r->protocol,
		    HG_APP_ERROR_NO_TARGET, missing.text);
		break;
	default:
		hg_outcome_infra(e->outcome, r->protocol, err->text);
	}
}

/*
 * Inputs may be named by a list that is a content itself; without it there is
 * nothing to be done yet but to ask for it, and for what else is missing.
 */
static int
list_exact_areas(
    struct hg_execution *e, struct hg_strvec *ret, struct hg_error *err)
{
	struct hg_strbuf *missing = &e->outcome->text;
	struct hg_needed in = { NULL, 0, NULL };
	struct hg_view view;
	int rc = hg_needed_keep(e->x->blobs, e->request, err);

	/* what is shown is named alike, be it this machine's or an image's */
	hg_view_init(&view, "/", false);
	if (rc == 0)
		rc = hg_needed_receive(
		    &in, e->x->blobs, e->request, &view, missing, err);
	if (rc == 0 && missing->len == 0)
		rc = hg_docker_areas(e->request, in.v, in.n, ret, err);
	e->outcome->result.missing =
	    (struct hg_blob){ missing->buf, missing->len };
	hg_needed_release(&in);
	hg_view_release(&view);
	return rc;
}

static int
list_areas(struct hg_execution *e, struct hg_strvec *ret, struct hg_error *err)
{
	if (e->request->protocol > 0)
		return list_exact_areas(e, ret, err);
	hg_strvec_add(ret, HG_SIMPLE_FOLDER);
	hg_strvec_add(ret, "/tmp");
	return 0;
}

static void
compile_in_container(struct hg_execution *e)
{
	hg_view_init_container(
	    &e->view, e->container->root, &e->container->areas);
	if (e->request->protocol > 0)
		hg_execute_exact(e);
	else
		hg_execute_simple(e);
	hg_view_release(&e->view);
}

void
hg_execute_docker(struct hg_execution *e)
{
	struct hg_docker *docker = e->x->docker;
	struct hg_strvec areas = HG_STRVEC_INIT;
	struct hg_error err = { .code = HG_INTERNAL };
	int rc = list_areas(e, &areas, &err);

	if (hg_execution_is_clients_fault(rc)) {
		hg_outcome_refuse(
		    e->outcome, HG_RPC_INVALID_ARGUMENT, "%s", err.text);
	} else if (rc) {
		hg_outcome_infra(e->outcome, e->request->protocol, err.text);
	} else if (e->outcome->result.missing.n == 0) {
		e->container = hg_docker_lend(docker, e->image, &areas, &err);
		if (e->container)
			compile_in_container(e);
		else
			tell_no_container(e, -(int)err.code, &err);
		if (e->container)
			hg_docker_take_back(docker, e->container);
	}
	hg_strvec_release(&areas);
}
