/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of this machine that compiles see. */
#include "config.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/alloc.h"
#include "lib/base/part.h"
#include "lib/base/path.h"
#include "lib/base/strbuf.h"
#include "lib/base/strvec.h"
#include "services/worker/host.h"

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

static bool
is_at_or_below(const char *path, const char *top)
{
	size_t n = strlen(top);

	return strncmp(path, top, n) == 0 &&
	    (path[n] == '\0' || path[n] == '/');
}

bool
hg_host_shows(const char *path)
{
	for (size_t i = 0; i < PATHS; i++)
		if (paths[i].kind == TOOLS && is_at_or_below(path, paths[i].path))
			return true;
	return false;
}

bool
hg_host_has(const char *path)
{
	for (size_t i = 0; i < PATHS; i++)
		if (is_at_or_below(path, paths[i].path))
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

char *
hg_host_filter_path_list(const char *path_list)
{
	struct hg_strbuf out = HG_STRBUF_INIT;

	for (const char *p = path_list; *p;) {
		size_t n = strcspn(p, ":");
		char *dir = hg_xstrndup(p, n);

		if (*dir == '/' && hg_path_is_beneath(dir + 1) &&
		    hg_host_shows(dir))
			hg_strbuf_addf(&out, "%s%s", out.len ? ":" : "", dir);
		free(dir);
		p += n + (p[n] == ':');
	}
	return hg_strbuf_detach(&out, NULL);
}

char *
hg_host_helper(const char *dir, const char *name)
{
	char *path = dir ? hg_path_join(dir, name) : hg_part_path(name);

	/* named all the same, for the message that it cannot be used */
	return path ? path : hg_path_join(HG_LIBEXECDIR, name);
}
