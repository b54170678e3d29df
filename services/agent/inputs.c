/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The walk along a path as the kernel does it: component by component, a link's
 * target taking the place of the link. Each real path is looked at once;
 * nothing is opened.
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/alloc.h"
#include "lib/base/error.h"
#include "lib/base/limits.h"
#include "lib/base/path.h"
#include "lib/base/strbuf.h"
#include "lib/toolchain/host_paths.h"
#include "services/agent/inputs.h"

/* As the kernel's. */
#define MAX_LINKS 40

/* Made up by the kernel, and different for every process. */
static const char *const unreal[] = { "/dev", "/proc", "/sys" };

bool
hg_inputs_is_unreal(const char *path)
{
	for (size_t i = 0; i < sizeof(unreal) / sizeof(*unreal); i++)
		if (hg_path_is_within(path, unreal[i]))
			return true;
	return false;
}

struct hg_input *
hg_input_new(const char *path, enum hg_input_kind kind, char *target)
{
	struct hg_input *input = hg_xcalloc(1, sizeof(*input));

	atomic_init(&input->refs, 1);
	input->kind = kind;
	input->path = hg_xstrdup(path);
	input->target = target;
	input->is_toolchain = hg_host_shows(path);
	return input;
}

void
hg_input_unref(struct hg_input *input)
{
	if (!input || atomic_fetch_sub(&input->refs, 1) != 1)
		return;
	free(input->path);
	free(input->target);
	free(input);
}

void
hg_inputs_release(struct hg_inputs *in)
{
	for (size_t i = 0; i < in->n; i++)
		hg_input_unref(in->v[i]);
	free(in->v);
	hg_hmap_release(&in->index, NULL);
	*in = (struct hg_inputs)HG_INPUTS_INIT;
}

/* The target of a link, or NULL when it is gone or not to be read. */
static char *
read_link(const char *path)
{
	char buf[HG_MAX_PATH_BYTES];
	ssize_t n = readlink(path, buf, sizeof(buf));

	return n > 0 && (size_t)n < sizeof(buf) ? hg_xstrndup(buf, (size_t)n)
						: NULL;
}

static enum hg_input_kind
kind_of(mode_t mode)
{
	if (S_ISREG(mode))
		return HG_INPUT_FILE;
	if (S_ISDIR(mode))
		return HG_INPUT_FOLDER;
	return S_ISLNK(mode) ? HG_INPUT_LINK : HG_INPUT_OTHER;
}

/* Takes the caller's reference. */
static int
append(struct hg_inputs *in, struct hg_input *input, struct hg_error *err)
{
	if (in->n >= HG_MAX_INPUTS) {
		hg_input_unref(input);
		return hg_fail(err, HG_TOOBIG,
		    "more than %d files and folders are needed", HG_MAX_INPUTS);
	}
	if (in->n == in->cap) {
		in->cap = in->cap ? 2 * in->cap : 64;
		in->v = hg_xrealloc(in->v, in->cap * sizeof(*in->v));
	}
	in->v[in->n++] = input;
	return 0;
}

int
hg_inputs_share(
    struct hg_inputs *in, struct hg_input *input, struct hg_error *err)
{
	atomic_fetch_add(&input->refs, 1);
	return append(in, input, err);
}

/* The input at a path whose folder is real; *ret NULL when nothing is there. */
static int
look_at(struct hg_inputs *in, const char *path, struct hg_input **ret,
    struct hg_error *err)
{
	struct hg_input *input = hg_hmap_get(&in->index, path);
	char *target = NULL;
	struct stat st;
	int rc;

	*ret = input;
	if (input || hg_inputs_is_unreal(path) || lstat(path, &st) < 0)
		return 0;
	if (S_ISLNK(st.st_mode)) {
		target = read_link(path);
		if (!target)
			return 0;
	}
	input = hg_input_new(path, kind_of(st.st_mode), target);
	rc = append(in, input, err);
	if (rc)
		return rc;
	hg_hmap_set(&in->index, path, input);
	*ret = input;
	return 0;
}

/* What is left of a walk. */
struct walk {
	/* real path of the folder reached; "" is the root */
	struct hg_strbuf at;
	/* still to go, from at on */
	struct hg_strbuf rest;
	int links;
};

/* Puts a link's target before the rest; at is the link's folder. */
static bool
follow(struct walk *w, const char *target)
{
	struct hg_strbuf rest = HG_STRBUF_INIT;

	if (++w->links > MAX_LINKS ||
	    strlen(target) + w->rest.len >= HG_MAX_PATH_BYTES)
		return false;
	hg_strbuf_addf(&rest, "%s/%s", target, w->rest.buf);
	hg_strbuf_release(&w->rest);
	w->rest = rest;
	if (*target == '/')
		hg_strbuf_setlen(&w->at, 0);
	return true;
}

static void
go_up(struct walk *w)
{
	const char *slash = strrchr(w->at.buf, '/');

	hg_strbuf_setlen(&w->at, slash ? (size_t)(slash - w->at.buf) : 0);
}

/* Takes the next component off rest; false when there is none. Owned. */
static char *
next_component(struct walk *w)
{
	const char *start = w->rest.buf + strspn(w->rest.buf, "/");
	size_t n = strcspn(start, "/");
	struct hg_strbuf rest = HG_STRBUF_INIT;
	char *name;

	if (n == 0)
		return NULL;
	name = hg_xstrndup(start, n);
	hg_strbuf_adds(&rest, start + n);
	hg_strbuf_release(&w->rest);
	w->rest = rest;
	return name;
}

/* One component. *ret_on: the walk goes on. */
static int
step(struct hg_inputs *in, struct walk *w, const char *name, bool *ret_on,
    struct hg_error *err)
{
	size_t folder = w->at.len;
	struct hg_input *input;
	int rc;

	*ret_on = true;
	if (strcmp(name, ".") == 0)
		return 0;
	if (strcmp(name, "..") == 0) {
		go_up(w);
		return 0;
	}
	hg_strbuf_addf(&w->at, "/%s", name);
	if (w->at.len >= HG_MAX_PATH_BYTES)
		return hg_fail(err, HG_TOOBIG, "a path is too long");
	rc = look_at(in, w->at.buf, &input, err);
	if (rc)
		return rc;
	*ret_on = input && input->kind == HG_INPUT_FOLDER;
	if (input && input->kind == HG_INPUT_LINK) {
		hg_strbuf_setlen(&w->at, folder);
		*ret_on = follow(w, input->target);
	}
	return 0;
}

int
hg_inputs_add(struct hg_inputs *in, const char *cwd, const char *path,
    struct hg_error *err)
{
	struct walk w = { HG_STRBUF_INIT, HG_STRBUF_INIT, 0 };
	bool on = true;
	int rc = 0;

	if (*path != '/')
		hg_strbuf_addf(&w.rest, "%s/", cwd);
	hg_strbuf_adds(&w.rest, path);
	while (rc == 0 && on) {
		char *name = next_component(&w);

		if (!name)
			break;
		rc = step(in, &w, name, &on, err);
		free(name);
	}
	hg_strbuf_release(&w.at);
	hg_strbuf_release(&w.rest);
	return rc;
}

static int
by_path(const void *a, const void *b)
{
	const struct hg_input *const *x = a, *const *y = b;

	return strcmp((*x)->path, (*y)->path);
}

void
hg_inputs_sort(struct hg_inputs *in)
{
	size_t kept = 0;

	if (in->n > 0)
		qsort(in->v, in->n, sizeof(struct hg_input *), by_path);
	for (size_t i = 0; i < in->n; i++) {
		if (kept > 0 &&
		    strcmp(in->v[kept - 1]->path, in->v[i]->path) == 0)
			hg_input_unref(in->v[i]);
		else
			in->v[kept++] = in->v[i];
	}
	in->n = kept;
	/* it may name those that went */
	hg_hmap_release(&in->index, NULL);
}
