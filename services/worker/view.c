/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Resolving names of a sandbox from outside of it. It goes one component at a
 * time and keeps `at`, the name so far as seen inside, free of links and of
 * "..": so `at` below the root folder, or `at` itself where the host is bound,
 * can be used as it is.
 */
#include "config.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/alloc.h"
#include "lib/base/error.h"
#include "lib/base/path.h"
#include "lib/base/strbuf.h"
#include "lib/toolchain/host_paths.h"
#include "services/worker/view.h"

/* As many as the kernel follows. */
#define MAX_LINKS 40

void
hg_view_init(struct hg_view *v, const char *root, bool with_headers)
{
	*v = (struct hg_view){ .root = root };
	hg_host_paths(with_headers, &v->binds);
}

void
hg_view_init_container(
    struct hg_view *v, const char *root, const struct hg_strvec *areas)
{
	*v = (struct hg_view){ .root = root, .tools = root, .areas = areas };
}

void
hg_view_release(struct hg_view *v)
{
	hg_strvec_release(&v->binds);
}

void
hg_view_use_tools(
    struct hg_view *v, const char *tools, const struct hg_strvec *names)
{
	hg_strvec_release(&v->binds);
	for (size_t i = 0; i < names->n; i++)
		hg_strvec_add(&v->binds, names->v[i]);
	v->tools = tools;
}

/* What leads to an area has to be walked through, and so is not the host's. */
static bool
is_of_image(const struct hg_view *v, const char *path)
{
	for (size_t i = 0; i < v->areas->n; i++)
		if (hg_path_is_within(path, v->areas->v[i]) ||
		    hg_path_is_within(v->areas->v[i], path))
			return false;
	return *path != '\0';
}

bool
hg_view_is_host(const struct hg_view *v, const char *path)
{
	if (v->areas)
		return is_of_image(v, path);
	for (size_t i = 0; i < v->binds.n; i++)
		if (hg_path_is_within(path, v->binds.v[i]))
			return true;
	return false;
}

static char *
real_name(const struct hg_view *v, const char *at, bool *ret_host)
{
	*ret_host = hg_view_is_host(v, at);
	return hg_xasprintf("%s%s",
	    !*ret_host ? v->root : v->tools ? v->tools : "", at);
}

static void
drop_last(struct hg_strbuf *at)
{
	const char *slash = strrchr(at->buf, '/');

	if (slash)
		hg_strbuf_setlen(at, (size_t)(slash - at->buf));
}

/* The text of the link at that name, or NULL; owned. */
static char *
read_link(const struct hg_view *v, const char *at)
{
	char text[PATH_MAX];
	bool host;
	char *real = real_name(v, at, &host);
	ssize_t n = readlink(real, text, sizeof(text) - 1);

	free(real);
	return n > 0 ? hg_xstrndup(text, (size_t)n) : NULL;
}

/*
 * Takes one component. When it is a link its text is put before what is left of
 * the path.
 */
static void
step(const struct hg_view *v, struct hg_strbuf *at, const char *name, size_t n,
    char **rest, int *links)
{
	size_t before = at->len;
	char *text, *joined;

	if (n == 0 || (n == 1 && name[0] == '.'))
		return;
	if (n == 2 && name[0] == '.' && name[1] == '.') {
		drop_last(at);
		return;
	}
	hg_strbuf_addc(at, '/');
	hg_strbuf_add(at, name, n);
	text = read_link(v, at->buf);
	if (!text)
		return;
	++*links;
	hg_strbuf_setlen(at, *text == '/' ? 0 : before);
	joined = hg_xasprintf("%s/%s", text, *rest);
	free(text);
	free(*rest);
	*rest = joined;
}

char *
hg_view_resolve(const struct hg_view *v, const char *cwd, const char *path,
    bool *ret_host, struct hg_error *err)
{
	struct hg_strbuf at = HG_STRBUF_INIT;
	char *rest = hg_path_join(cwd, path);
	char *real = NULL;
	int links = 0;

	while (*rest && links <= MAX_LINKS) {
		size_t n = strcspn(rest, "/");
		char *name = hg_xstrndup(rest, n);

		memmove(rest, rest + n + (rest[n] == '/'),
		    strlen(rest + n + (rest[n] == '/')) + 1);
		step(v, &at, name, n, &rest, &links);
		free(name);
	}
	if (links > MAX_LINKS)
		hg_fail(err, HG_INVALID, "too many links in %s", path);
	else
		real = real_name(v, at.buf, ret_host);
	free(rest);
	hg_strbuf_release(&at);
	return real;
}
