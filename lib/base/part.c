/* SPDX-License-Identifier: Apache-2.0 */
/* Finding the other parts of this installation. */
#include "config.h"

#include <stdlib.h>
#include <unistd.h>

#include "lib/base/alloc.h"
#include "lib/base/limits.h"
#include "lib/base/part.h"
#include "lib/base/path.h"

char *
hg_part_path(const char *name)
{
	static const char *const places[] = { ".", "../libexec/hybridgrid",
		HG_LIBEXECDIR };
	char self[HG_MAX_PATH_BYTES];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	char *ours, *found = NULL;

	self[n < 0 ? 0 : n] = '\0';
	ours = hg_path_dir(self);
	for (size_t i = 0; !found && i < sizeof(places) / sizeof(*places);
	     i++) {
		char *dir = hg_path_join(ours, places[i]);

		found = hg_xasprintf("%s/%s", i == 0 ? ours : dir, name);
		free(dir);
		if (access(found, R_OK) < 0) {
			free(found);
			found = NULL;
		}
	}
	free(ours);
	return found;
}
