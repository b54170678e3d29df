/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A result counts only when the worker's compiler looked at nothing that is
 * different here: this is what makes it safe to send what a preprocessor run
 * found and to let workers use their own toolchain.
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "lib/base/error.h"
#include "lib/base/hmap.h"
#include "lib/base/path.h"
#include "lib/base/strbuf.h"
#include "lib/observe/observe.h"
#include "lib/toolchain/host_paths.h"
#include "lib/wire/agent_msg.h"
#include "services/agent/check.h"
#include "services/agent/contents.h"
#include "services/agent/inputs.h"
#include "services/agent/request.h"

struct check {
	const struct hg_agent_request *request;
	struct hg_contents *contents;
	/* absolute names of the request's outputs */
	struct hg_hmap outputs;
	/* folders that were sent, or need not be */
	struct hg_hmap folders;
};

static int
check_content(struct check *k, const char *path, const struct hg_digest *digest,
    struct hg_error *err)
{
	const struct hg_content *c;
	bool same;

	if (hg_contents_get(k->contents, path, 0, &c, err))
		return hg_fail(err, HG_INVALID,
		    "the worker read %.150s, which is not here", path);
	same = hg_digest_equal(&c->digest, digest);
	hg_contents_drop(k->contents, c);
	if (!same)
		return hg_fail(
		    err, HG_INVALID, "the worker read another %.150s", path);
	return 0;
}

static int
check_absent(const char *path, struct hg_error *err)
{
	struct stat st;

	if (stat(path, &st) < 0 && (errno == ENOENT || errno == ENOTDIR))
		return 0;
	return hg_fail(
	    err, HG_INVALID, "%.150s is here, but not at the worker", path);
}

static int
check_folder(const char *path, struct hg_error *err)
{
	struct stat st;

	if (stat(path, &st) == 0 && S_ISDIR(st.st_mode))
		return 0;
	return hg_fail(err, HG_INVALID,
	    "the worker has a folder %.150s, which is not here", path);
}

static int
check_one(
    struct check *k, const struct hg_wire_observed *o, struct hg_error *err)
{
	char *path = hg_path_join(k->request->cwd, o->path);
	int rc;

	if (hg_hmap_get(&k->outputs, path)) {
		free(path);
		return 0;
	}
	switch (o->kind) {
	case HG_OBSERVED_READ:
	case HG_OBSERVED_RUN:
		rc = check_content(k, path, &o->digest, err);
		break;
	case HG_OBSERVED_ABSENT:
		rc = check_absent(path, err);
		break;
	case HG_OBSERVED_FOLDER:
		rc = check_folder(path, err);
		break;
	default:
		rc = hg_fail(err, HG_INVALID,
		    "the worker did something unknown with %.150s", path);
		break;
	}
	free(path);
	return rc;
}

static int
check_outputs(
    struct check *k, const struct hg_wire_result *result, struct hg_error *err)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < result->n_outputs; i++) {
		char *path =
		    hg_path_join(k->request->cwd, result->outputs[i].path);

		if (!hg_hmap_get(&k->outputs, path))
			rc = hg_fail(err, HG_INVALID,
			    "the worker wrote %.150s, which was not asked for",
			    path);
		free(path);
	}
	return rc;
}

/* Is it where workers have tools, ".." followed back? */
static bool
is_tool(const struct hg_agent_request *request, const char *name)
{
	char *path = hg_path_join(request->cwd, name);
	struct hg_strbuf plain = HG_STRBUF_INIT;
	bool yes;

	hg_path_plain(path, &plain);
	yes = hg_host_shows(plain.buf);
	hg_strbuf_release(&plain);
	free(path);
	return yes;
}

/* ---- what the compiler complains of -------------------------------------- */

static void
list_folders(struct check *k, const struct hg_inputs *inputs)
{
	for (size_t i = 0; i < inputs->n; i++)
		if (inputs->v[i]->kind == HG_INPUT_FOLDER)
			hg_hmap_set(&k->folders, inputs->v[i]->path, k);
}

/* Was the folder of a missing name at the worker, if it is here? */
static int
check_folder_of(struct check *k, const char *path, struct hg_error *err)
{
	char *dir = hg_path_dir(path), *real;
	bool sent;

	/* the same for all names in it */
	if (hg_hmap_get(&k->folders, dir)) {
		free(dir);
		return 0;
	}
	real = realpath(dir, NULL);
	sent = !real || hg_hmap_get(&k->folders, real) ||
	    hg_host_shows(real) || hg_inputs_is_unreal(real);
	if (sent)
		hg_hmap_set(&k->folders, dir, k);
	free(real);
	free(dir);
	return sent ? 0
		    : hg_fail(err, HG_INVALID,
			  "the worker lacked the folder of %.150s", path);
}

/* In a locale that every C library has by itself? */
static bool
speaks_plainly(const struct hg_agent_request *request)
{
	static const char *const names[] = { "LC_ALL", "LC_MESSAGES",
		"LC_CTYPE", "LANG" };

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		const char *value = hg_request_env(request, names[i]);

		if (value && *value && strcmp(value, "C") != 0 &&
		    strncmp(value, "C.", 2) != 0 &&
		    strcmp(value, "POSIX") != 0)
			return false;
	}
	return true;
}

/*
 * A file could not be written, or not be found, where its folder was not sent:
 * then the complaint is not about the user's code.
 */
static int
check_complaints(struct check *k, const struct hg_wire_result *result,
    const struct hg_inputs *inputs, struct hg_error *err)
{
	int rc = 0;

	if (result->exit_code == 0 && result->err.n == 0)
		return 0;
	if (!speaks_plainly(k->request))
		return hg_fail(err, HG_INVALID,
		    "the worker may not have the locale of the messages");
	list_folders(k, inputs);
	for (size_t i = 0; rc == 0 && i < result->n_observed; i++) {
		const struct hg_wire_observed *o = &result->observed[i];
		char *path;

		if (o->kind != HG_OBSERVED_ABSENT)
			continue;
		path = hg_path_join(k->request->cwd, o->path);
		rc = check_folder_of(k, path, err);
		free(path);
	}
	return rc;
}

int
hg_check_result(const struct hg_agent_request *request,
    const struct hg_wire_result *result, const struct hg_inputs *inputs,
    struct hg_contents *contents, bool *ret_in_tools, struct hg_error *err)
{
	struct check k = { request, contents, HG_HMAP_INIT, HG_HMAP_INIT };
	int rc;

	*ret_in_tools = false;
	if (result->n_observed == 0)
		return hg_fail(
		    err, HG_INVALID, "the worker does not tell what it read");
	for (size_t i = 0; i < request->n_outputs; i++) {
		char *path = hg_path_join(request->cwd, request->outputs[i]);

		hg_hmap_set(&k.outputs, path, request->outputs[i]);
		free(path);
	}
	rc = check_outputs(&k, result, err);
	for (size_t i = 0; rc == 0 && i < result->n_observed; i++) {
		rc = check_one(&k, &result->observed[i], err);
		*ret_in_tools =
		    rc != 0 && is_tool(request, result->observed[i].path);
	}
	if (rc == 0)
		rc = check_complaints(&k, result, inputs, err);
	hg_hmap_release(&k.outputs, NULL);
	hg_hmap_release(&k.folders, NULL);
	return rc;
}
