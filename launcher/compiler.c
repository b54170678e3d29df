/* SPDX-License-Identifier: Apache-2.0 */
/* Finding the real compiler. */
#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/alloc.h"
#include "lib/base/path.h"
#include "lib/cc/command.h"
#include "launcher/compiler.h"

static bool
is_program(const char *path, struct stat *ret)
{
	return stat(path, ret) == 0 && S_ISREG(ret->st_mode) &&
	    access(path, X_OK) == 0;
}

static bool
is_us(const struct stat *st)
{
	struct stat self;

	return stat("/proc/self/exe", &self) == 0 &&
	    self.st_dev == st->st_dev && self.st_ino == st->st_ino;
}

/* The first program of that name on PATH that is not us. */
static char *
search(const char *name, struct stat *ret, bool *ret_hidden)
{
	const char *p = getenv("PATH");

	if (!p)
		p = "/usr/local/bin:/usr/bin:/bin";
	for (; *p;) {
		size_t n = strcspn(p, ":");
		char *path = hg_path_in(p, n, name);

		if (is_program(path, ret)) {
			if (!is_us(ret))
				return path;
			*ret_hidden = true;
		}
		free(path);
		p += n + (p[n] == ':');
	}
	return NULL;
}

/* A link's target may be named as a compiler where the link is not. */
static const char *
family_of(const char *path)
{
	const char *family = hg_cc_family(path);
	char *real;

	if (family)
		return family;
	real = realpath(path, NULL);
	family = real ? hg_cc_family(real) : NULL;
	free(real);
	return family;
}

int
hg_compiler_find(struct hg_compiler *c, const char *name)
{
	memset(c, 0, sizeof(*c));
	if (strchr(name, '/') && is_program(name, &c->st) && !is_us(&c->st))
		c->path = hg_xstrdup(name);
	else if (!strchr(name, '/') || is_us(&c->st))
		c->path = search(hg_path_base(name), &c->st, &c->hidden);
	c->hidden |= strchr(name, '/') && c->path && strcmp(c->path, name) != 0;
	if (!c->path)
		return -1;
	c->family = family_of(c->path);
	c->is_clang = c->family && strncmp(c->family, "clang", 5) == 0;
	return 0;
}

void
hg_compiler_release(struct hg_compiler *c)
{
	free(c->path);
	c->path = NULL;
}
