/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Images of targets. A target is written as dockcross writes it: the system, a
 * dash, the architecture.
 */
#include "config.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include "lib/base/alloc.h"
#include "lib/base/error.h"
#include "services/worker/capability.h"
#include "services/worker/docker_images.h"

static const char gaps[] = " \t,";

/* What stands in names of images; they become part of a URL. */
static const char image_chars[] = "abcdefghijklmnopqrstuvwxyz"
				  "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				  "0123456789._-/:@";

static const struct {
	const char *target;
	const char *image;
} defaults[] = {
#define HG_DOCKER_IMAGE(os, arch, image) { os "-" arch, image },
#include "services/worker/docker_images.def"
};

static char *
target_name(const char *arch, const char *os)
{
	struct utsname self = { .machine = "unknown" };
	char *name;

	uname(&self);
	name = hg_xasprintf("%s-%s", *os ? os : "linux",
	    hg_capability_architecture(*arch ? arch : self.machine));
	for (char *p = name; *p; p++)
		*p = (char)tolower((unsigned char)*p);
	return name;
}

/* The image that the setting has for it; owned or NULL. */
static char *
find_in_setting(const char *setting, const char *target)
{
	size_t len = strlen(target);

	for (const char *p = setting + strspn(setting, gaps); *p;) {
		size_t n = strcspn(p, gaps);

		if (n > len && p[len] == '=' && memcmp(p, target, len) == 0)
			return hg_xstrndup(p + len + 1, n - len - 1);
		p += n;
		p += strspn(p, gaps);
	}
	return NULL;
}

char *
hg_docker_image(const char *setting, const char *arch, const char *os,
    bool *ret_configured)
{
	char *target = target_name(arch, os);
	char *image = find_in_setting(setting, target);

	*ret_configured = image != NULL;
	for (size_t i = 0;
	     !image && i < sizeof(defaults) / sizeof(*defaults); i++)
		if (strcmp(defaults[i].target, target) == 0)
			image = hg_xstrdup(defaults[i].image);
	free(target);
	return image;
}

int
hg_docker_images_check(const char *setting, struct hg_error *err)
{
	for (const char *p = setting + strspn(setting, gaps); *p;) {
		size_t n = strcspn(p, gaps);
		const char *equal = memchr(p, '=', n);
		const char *dash = memchr(p, '-', n);

		if (!equal || !dash || dash > equal || equal + 1 == p + n ||
		    equal[1] == '/' ||
		    strspn(equal + 1, image_chars) <
			(size_t)(p + n - equal - 1))
			return hg_fail(err, HG_INVALID,
			    "docker.images: %.*s is not like "
			    "linux-arm64=IMAGE",
			    (int)n, p);
		p += n;
		p += strspn(p, gaps);
	}
	return 0;
}
