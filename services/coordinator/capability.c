/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Matching of compiler and architecture names. It only decides which workers
 * are asked: a worker that turns out not to have the right toolchain says so
 * (HYBRIDGRID_ERR_001), and the compile goes elsewhere.
 */
#include "config.h"

#include <string.h>
#include <strings.h>

#include "lib/base/alloc.h"
#include "lib/base/path.h"
#include "services/coordinator/capability.h"

static const struct {
	const char *name;
	const char *family;
} known_drivers[] = {
	{ "c++", "" },
	{ "cc", "" },
	{ "clang", "clang" },
	{ "clang++", "clang" },
	{ "g++", "gcc" },
	{ "gcc", "gcc" },
};

static const struct {
	const char *name;
	const char *arch;
} known_archs[] = {
	{ "aarch64", "arm64" },
	{ "amd64", "x86_64" },
	{ "armhf", "arm" },
	{ "armv7l", "arm" },
	{ "i486", "i386" },
	{ "i586", "i386" },
	{ "i686", "i386" },
	{ "ppc64el", "ppc64le" },
	{ "powerpc64le", "ppc64le" },
	{ "x64", "x86_64" },
	{ "x86", "i386" },
	{ "x86-64", "x86_64" },
};

/* Length of name without "-12" or "-12.2.0" at its end. */
static size_t
length_without_version(const char *name)
{
	size_t n = strlen(name), i = n;

	while (i > 0 && strchr("0123456789.", name[i - 1]))
		i--;
	return i > 1 && i < n && name[i - 1] == '-' ? i - 1 : n;
}

static const char *
driver_family(const char *p, size_t n)
{
	for (size_t i = 0; i < sizeof(known_drivers) / sizeof(*known_drivers);
	     i++) {
		const char *name = known_drivers[i].name;

		if (strlen(name) == n && memcmp(name, p, n) == 0)
			return known_drivers[i].family;
	}
	return NULL;
}

/* Where the driver's own name begins, after "x86_64-linux-gnu-". */
static size_t
target_length(const char *name, size_t n)
{
	for (size_t i = n; i > 0; i--)
		if (name[i - 1] == '-')
			return i;
	return 0;
}

char *
hg_compiler_family(const char *name)
{
	const char *base = hg_path_base(name);
	size_t n = length_without_version(base);
	size_t prefix = target_length(base, n);
	const char *family = driver_family(base + prefix, n - prefix);

	return family ? hg_xstrdup(family) : hg_xstrndup(base, n);
}

char *
hg_compiler_target(const char *name)
{
	const char *base = hg_path_base(name);
	size_t n = length_without_version(base);
	size_t prefix = target_length(base, n);

	if (prefix == 0 || !driver_family(base + prefix, n - prefix))
		return NULL;
	return hg_xstrndup(base, strcspn(base, "-"));
}

bool
hg_family_fits(const char *a, const char *b)
{
	if (strcmp(a, b) == 0)
		return true;
	if (*a && *b)
		return false;
	a = *a ? a : b;
	return strcmp(a, "gcc") == 0 || strcmp(a, "clang") == 0;
}

static const char *
canonical_arch(const char *name)
{
	for (size_t i = 0; i < sizeof(known_archs) / sizeof(*known_archs); i++)
		if (strcasecmp(known_archs[i].name, name) == 0)
			return known_archs[i].arch;
	return name;
}

bool
hg_arch_same(const char *a, const char *b)
{
	return strcasecmp(canonical_arch(a), canonical_arch(b)) == 0;
}
