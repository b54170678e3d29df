/* SPDX-License-Identifier: Apache-2.0 */
/* Compiler drivers, told from other programs by their names. */
#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/error.h"
#include "lib/base/path.h"
#include "lib/base/strvec.h"
#include "lib/toolchain/host_paths.h"
#include "services/worker/compiler.h"

static const struct {
	const char *name;
	const char *family;
} drivers[] = {
#define HG_COMPILER(name, family) { name, family },
#include "services/worker/compilers.def"
};

#define DRIVERS (sizeof(drivers) / sizeof(*drivers))

/* Length of name without a version such as "-12" or "-14.0.6" at its end. */
static size_t
length_without_version(const char *name)
{
	size_t n = strlen(name);
	size_t at = n;

	while (at > 0 && strchr("0123456789.", name[at - 1]))
		at--;
	return at < n && at > 0 && name[at - 1] == '-' ? at - 1 : n;
}

const char *
hg_compiler_family(const char *basename)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyz"
				      "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789_.+-";
	size_t n = length_without_version(basename);
	size_t at = n;

	if (basename[strspn(basename, allowed)] != '\0' || *basename == '-')
		return NULL;
	while (at > 0 && basename[at - 1] != '-')
		at--;
	for (size_t i = 0; i < DRIVERS; i++)
		if (strlen(drivers[i].name) == n - at &&
		    memcmp(drivers[i].name, basename + at, n - at) == 0)
			return drivers[i].family;
	return NULL;
}

void
hg_compiler_find_all(const char *path_list, struct hg_strvec *ret)
{
	for (size_t i = 0; i < DRIVERS; i++) {
		char *path;

		if (hg_strvec_find(ret, drivers[i].family) >= 0)
			continue;
		path = hg_path_search(drivers[i].name, path_list);
		if (path)
			hg_strvec_add(ret, drivers[i].family);
		free(path);
	}
}

int
hg_compiler_check_path(const char *path, struct hg_error *err)
{
	struct stat st;

	if (*path != '/' || !hg_path_is_beneath(path + 1))
		return hg_fail(err, HG_NOCOMPILER,
		    "%s is not a plain absolute path", path);
	if (!hg_compiler_family(hg_path_base(path)))
		return hg_fail(err, HG_NOCOMPILER,
		    "%s is not the name of a compiler", path);
	if (!hg_host_shows(path))
		return hg_fail(err, HG_NOCOMPILER,
		    "%s is not in a folder that workers use", path);
	if (stat(path, &st) < 0 || !S_ISREG(st.st_mode) ||
	    access(path, X_OK) < 0)
		return hg_fail(err, HG_NOCOMPILER,
		    "%s is not a program on this worker", path);
	return 0;
}

char *
hg_compiler_search(
    const char *name, const char *path_list, struct hg_error *err)
{
	char *path = NULL;

	if (hg_compiler_family(name))
		path = hg_path_search(name, path_list);
	if (!path)
		hg_fail(err, HG_NOCOMPILER, "no compiler %s on this worker",
		    name);
	else if (hg_compiler_check_path(path, err)) {
		free(path);
		path = NULL;
	}
	return path;
}
