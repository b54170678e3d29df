/* SPDX-License-Identifier: Apache-2.0 */
/* The table of host_paths.def, and questions to it. */
#include "config.h"

#include <sys/stat.h>

#include "lib/base/path.h"
#include "lib/base/strvec.h"
#include "lib/toolchain/host_paths.h"

enum kind {
	TOOLS,
	HEADERS,
};

static const struct {
	const char *path;
	enum kind kind;
} paths[] = {
#define HG_HOST_PATH(path, kind) { path, kind },
#include "lib/toolchain/host_paths.def"
};

#define PATHS (sizeof(paths) / sizeof(*paths))

bool
hg_host_shows(const char *path)
{
	for (size_t i = 0; i < PATHS; i++)
		if (paths[i].kind == TOOLS && hg_path_is_within(path, paths[i].path))
			return true;
	return false;
}

bool
hg_host_has(const char *path)
{
	for (size_t i = 0; i < PATHS; i++)
		if (hg_path_is_within(path, paths[i].path))
			return true;
	return false;
}

void
hg_host_tools(struct hg_strvec *ret)
{
	for (size_t i = 0; i < PATHS; i++)
		if (paths[i].kind == TOOLS)
			hg_strvec_add(ret, paths[i].path);
}

void
hg_host_paths(bool with_headers, struct hg_strvec *ret)
{
	for (size_t i = 0; i < PATHS; i++) {
		struct stat st;

		if (paths[i].kind == HEADERS && !with_headers)
			continue;
		if (lstat(paths[i].path, &st) == 0)
			hg_strvec_add(ret, paths[i].path);
	}
}
