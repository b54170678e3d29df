/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The folders of a container that belong to the compile. A client's files lie at
 * its own paths, and a container can only be given room at its start: so a whole
 * top folder (/home) is a folder in memory, which the next compile of the same
 * client finds there. What the image's compiler consists of stays the image's.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/alloc.h"
#include "lib/base/error.h"
#include "lib/base/path.h"
#include "lib/base/strvec.h"
#include "lib/toolchain/host_paths.h"
#include "lib/wire/wire.h"
#include "services/worker/docker_execute.h"

/* More would be no project any more. */
#define MAX_AREAS 16

/* Folders that are made of more than files, or without which nothing runs. */
static const char *const reserved[] = {
	"/.hybridgrid",
	"/dev",
	"/etc",
	"/proc",
	"/sys",
};

/* Length of the part of path that becomes a folder in memory; 0: none. */
static size_t
area_length(const char *path)
{
	unsigned depth = 1;
	size_t n = 0;

	if (hg_path_is_within(path, "/usr/local"))
		depth = 3;
	else if (hg_path_is_within(path, "/usr"))
		depth = 2;
	while (depth-- > 0) {
		if (path[n] != '/' || path[n + 1] == '\0')
			return 0;
		n += 1 + strcspn(path + n + 1, "/");
	}
	return n;
}

static bool
is_reserved(const char *path)
{
	for (size_t i = 0; i < sizeof(reserved) / sizeof(*reserved); i++)
		if (hg_path_is_within(path, reserved[i]))
			return true;
	return false;
}

static int
add_area(const char *path, struct hg_strvec *ret, struct hg_error *err)
{
	size_t n;
	char *area;

	/* names that are not plain are refused where they are used */
	if (*path != '/' || !hg_path_is_beneath(path + 1) ||
	    hg_host_shows(path))
		return 0;
	if (is_reserved(path))
		return hg_fail(err, HG_UNSUPPORTED,
		    "a container cannot show the client's %s", path);
	n = area_length(path);
	if (n == 0)
		return 0;
	area = hg_xstrndup(path, n);
	if (hg_strvec_find(ret, area) < 0)
		hg_strvec_add(ret, area);
	free(area);
	return ret->n <= MAX_AREAS
	    ? 0
	    : hg_fail(err, HG_UNSUPPORTED,
		  "the client's files lie in more than %d folders", MAX_AREAS);
}

static int
add_temp_folders(const struct hg_wire_compile *request, struct hg_strvec *ret,
    struct hg_error *err)
{
	static const char *const names[] = { "TMPDIR", "TMP", "TEMP" };
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < request->n_env; i++)
		for (size_t k = 0; rc == 0 && k < 3; k++)
			if (strcmp(request->env[i].name, names[k]) == 0)
				rc = add_area(request->env[i].value, ret, err);
	return rc;
}

/* What is no folder cannot be one in memory. */
static int
add_input(const struct hg_wire_input *input, struct hg_strvec *ret,
    struct hg_error *err)
{
	/* the image has folders of that name, and nobody looks into them */
	if (input->folder && is_reserved(input->path))
		return 0;
	if (!input->folder && *input->path == '/' &&
	    !hg_host_shows(input->path) &&
	    area_length(input->path) == strlen(input->path))
		return hg_fail(err, HG_UNSUPPORTED,
		    "a container cannot show the client's %s", input->path);
	return add_area(input->path, ret, err);
}

int
hg_docker_areas(const struct hg_wire_compile *request,
    const struct hg_wire_input *inputs, size_t n, struct hg_strvec *ret,
    struct hg_error *err)
{
	/* the image's own headers are not the client's */
	static const char *const always[] = {
		"/tmp",
		"/usr/include",
		"/usr/local/include",
	};
	int rc = add_area(request->cwd, ret, err);

	for (size_t i = 0; rc == 0 && i < sizeof(always) / sizeof(*always); i++)
		rc = add_area(always[i], ret, err);
	if (rc == 0)
		rc = add_area(request->source_file, ret, err);
	for (size_t i = 0; rc == 0 && i < n; i++)
		rc = add_input(&inputs[i], ret, err);
	for (size_t i = 0; rc == 0 && i < request->n_outputs; i++)
		rc = add_area(request->outputs[i], ret, err);
	if (rc == 0)
		rc = add_temp_folders(request, ret, err);
	hg_strvec_sort(ret);
	return rc;
}
