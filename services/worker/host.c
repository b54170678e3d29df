/* SPDX-License-Identifier: Apache-2.0 */
/* PATH and helper programs on this machine. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/alloc.h"
#include "lib/base/part.h"
#include "lib/base/path.h"
#include "lib/base/strbuf.h"
#include "lib/toolchain/host_paths.h"
#include "services/worker/host.h"

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
