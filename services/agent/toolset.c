/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A compiler is asked to compile nothing, in C and in C++, under observation:
 * what it ran and what it looked at is needed. What the observer cannot see,
 * because it happens before or below it, is added: the libraries that the loader
 * takes, the C library's own files for characters, the headers that come with
 * the compiler.
 */
#include "config.h"

#include <dirent.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/alloc.h"
#include "lib/base/error.h"
#include "lib/base/hmap.h"
#include "lib/base/path.h"
#include "lib/base/strbuf.h"
#include "lib/base/strvec.h"
#include "lib/base/time.h"
#include "lib/observe/observe.h"
#include "lib/proc/proc.h"
#include "lib/toolchain/ask.h"
#include "lib/toolchain/host_paths.h"
#include "services/agent/inputs.h"
#include "services/agent/toolset.h"

#define TRIAL_TIMEOUT_NS (60 * HG_NS_PER_SEC)
#define MAX_MESSAGES     ((size_t)16 << 10)

/* Headers of a compiler, with those in folders of folders. */
#define MAX_DEPTH 8

/* Used by the C library beneath the observer's eyes; taken when there. */
static const char *const always[] = {
	"/etc/ld.so.cache",
	"/usr/lib/locale/C.utf8",
};

/* Where a driver says that its own files are. */
static const char *const folders[] = {
	"-print-file-name=include",
	"-print-file-name=include-fixed",
	"-print-resource-dir",
};

struct hg_toolset {
	struct hg_inputs inputs;
	/* their paths */
	struct hg_hmap index;
	/* folders, beside those of host_paths.def, that hold nothing else */
	struct hg_strvec roots;
};

struct hg_toolsets {
	char *so_path;
	pthread_mutex_t lock;
	/* under the lock, which is held while one is made: digest to toolset */
	struct hg_hmap table;
};

/* What is known of the compiler while its set is made. */
struct build {
	const char *so_path;
	const char *compiler;
	const char *path_list;
	struct hg_toolset *set;
	struct hg_strvec programs;
};

struct hg_toolsets *
hg_toolsets_new(const char *so_path)
{
	struct hg_toolsets *t = hg_xcalloc(1, sizeof(*t));

	t->so_path = hg_xstrdup(so_path);
	pthread_mutex_init(&t->lock, NULL);
	return t;
}

static void
toolset_free(void *p)
{
	struct hg_toolset *set = p;

	if (!set)
		return;
	hg_inputs_release(&set->inputs);
	hg_hmap_release(&set->index, NULL);
	hg_strvec_release(&set->roots);
	free(set);
}

void
hg_toolsets_free(struct hg_toolsets *t)
{
	if (!t)
		return;
	hg_hmap_release(&t->table, toolset_free);
	pthread_mutex_destroy(&t->lock);
	free(t->so_path);
	free(t);
}

/* ---- making one ------------------------------------------------------------ */

/* A place that workers do not know for tools becomes known as one. */
static void
add_root(struct build *b, const char *path)
{
	struct hg_strbuf plain = HG_STRBUF_INIT;
	char *dir;

	hg_path_plain(path, &plain);
	dir = hg_path_dir(plain.buf);
	/* not the root itself, which is more than a compiler */
	if (*path == '/' && dir[1] != '\0' &&
	    !hg_host_shows(plain.buf) &&
	    hg_strvec_find(&b->set->roots, dir) < 0)
		hg_strvec_add(&b->set->roots, dir);
	hg_strbuf_release(&plain);
	free(dir);
}

/* Names lead elsewhere by links and "..": where they end is what is shown. */
static void
add_real_roots(struct build *b)
{
	const struct hg_inputs *in = &b->set->inputs;

	for (size_t i = 0; i < in->n; i++)
		if (in->v[i]->kind == HG_INPUT_FILE ||
		    in->v[i]->kind == HG_INPUT_LINK)
			add_root(b, in->v[i]->path);
}

static int
add_program(struct build *b, const char *path, struct hg_error *err)
{
	struct hg_strvec libraries = HG_STRVEC_INIT;
	int rc;

	if (hg_strvec_find(&b->programs, path) >= 0)
		return 0;
	hg_strvec_add(&b->programs, path);
	add_root(b, path);
	rc = hg_inputs_add(&b->set->inputs, "/", path, err);
	if (rc == 0)
		rc = hg_toolchain_libraries(
		    path, b->path_list, &libraries, err);
	for (size_t i = 0; rc == 0 && i < libraries.n; i++) {
		add_root(b, libraries.v[i]);
		rc = hg_inputs_add(
		    &b->set->inputs, "/", libraries.v[i], err);
	}
	hg_strvec_release(&libraries);
	return rc;
}

/* Everything in a folder; missing is fine. */
static int
add_folder(struct build *b, const char *path, int depth, struct hg_error *err)
{
	DIR *d = depth > MAX_DEPTH ? NULL : opendir(path);
	struct dirent *e;
	int rc = 0;

	if (!d)
		return 0;
	while (rc == 0 && (e = readdir(d))) {
		char *name;
		struct stat st;

		if (e->d_name[0] == '.')
			continue;
		name = hg_path_join(path, e->d_name);
		add_root(b, name);
		rc = hg_inputs_add(&b->set->inputs, "/", name, err);
		if (rc == 0 && lstat(name, &st) == 0 && S_ISDIR(st.st_mode))
			rc = add_folder(b, name, depth + 1, err);
		free(name);
	}
	closedir(d);
	return rc;
}

static int
add_own_folders(struct build *b, struct hg_error *err)
{
	int rc = 0;

	for (size_t i = 0;
	    rc == 0 && i < sizeof(folders) / sizeof(*folders); i++) {
		char *path;

		rc = hg_toolchain_ask(
		    b->compiler, folders[i], b->path_list, &path, err);
		if (rc == 0 && path && *path == '/') {
			/* of Clang's the headers only: the rest is for linking */
			if (strstr(folders[i], "resource")) {
				char *own = hg_path_join(path, "include");

				free(path);
				path = own;
			}
			rc = add_folder(b, path, 0, err);
		}
		free(path);
	}
	for (size_t i = 0;
	    rc == 0 && i < sizeof(always) / sizeof(*always); i++) {
		rc = hg_inputs_add(&b->set->inputs, "/", always[i], err);
		if (rc == 0)
			rc = add_folder(b, always[i], 0, err);
	}
	return rc;
}

/* Headers of the system and our own file are inputs of that compile only. */
static bool
is_part(const struct build *b, const char *path)
{
	return hg_host_shows(path) ||
	    hg_toolset_covers(b->set, path);
}

static int
take_observed(struct build *b, const struct hg_observed_list *seen,
    struct hg_error *err)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < seen->n; i++)
		if (seen->v[i].kind == HG_OBSERVED_RUN)
			rc = add_program(b, seen->v[i].path, err);
	for (size_t i = 0; rc == 0 && i < seen->n; i++) {
		const struct hg_observed *o = &seen->v[i];

		if (o->kind != HG_OBSERVED_ABSENT &&
		    o->kind != HG_OBSERVED_WRITTEN && is_part(b, o->path))
			rc = hg_inputs_add(
			    &b->set->inputs, "/", o->path, err);
	}
	return rc;
}

static int
run(const struct build *b, const struct hg_observe *o, const char *const *argv,
    const char *dir, struct hg_error *err)
{
	struct hg_proc_spec spec = HG_PROC_SPEC_INIT;
	struct hg_strvec plain = HG_STRVEC_INIT, env = HG_STRVEC_INIT;
	struct hg_proc_result result;
	int rc;

	hg_strvec_add(&plain, "HG_DISABLE=1");
	hg_strvec_add(&plain, "LC_ALL=C");
	hg_strvec_addf(&plain, "TMPDIR=%s", dir);
	hg_strvec_addf(&plain, "PATH=%s", b->path_list);
	hg_observe_env(o, (const char *const *)plain.v, &env);
	spec.argv = argv;
	spec.envp = (const char *const *)env.v;
	spec.cwd = dir;
	spec.timeout_ns = TRIAL_TIMEOUT_NS;
	spec.pass_fd = hg_observe_fd(o);
	spec.max_capture_bytes = MAX_MESSAGES;
	rc = hg_proc_run(&spec, &result, err);
	hg_proc_result_release(&result);
	hg_strvec_release(&plain);
	hg_strvec_release(&env);
	return rc;
}

/*
 * Compiles nothing in a language. A compiler that lacks the language, or the
 * option that makes GCC use objcopy, has still shown what it looks at.
 */
static int
try_language(struct build *b, const char *language, const char *option,
    const char *dir, struct hg_error *err)
{
	const char *const argv[] = { b->compiler, "-x", language, "-c", "-g",
		option, "/dev/null", "-o", "nothing.o", NULL };
	struct hg_observe *o = hg_observe_new(b->so_path, err);
	struct hg_observed_list seen = { 0 };
	int rc;

	if (!o)
		return -HG_UNSUPPORTED;
	hg_observe_set_cwd(o, dir);
	hg_observe_set_program(o, b->compiler);
	rc = run(b, o, argv, dir, err);
	if (rc == 0)
		rc = hg_observe_collect(o, &seen, err);
	if (rc == 0)
		rc = take_observed(b, &seen, err);
	hg_observed_list_release(&seen);
	hg_observe_free(o);
	return rc;
}

static int
try_compiler(struct build *b, struct hg_error *err)
{
	static const char *const trials[][2] = {
		{ "c", "-gsplit-dwarf" },
		{ "c++", "-g" },
		{ "assembler-with-cpp", "-g" },
	};
	char dir[] = "/tmp/hybridgrid-XXXXXX";
	int rc = 0;

	if (!mkdtemp(dir))
		return hg_fail_errno(err, HG_IO, "cannot make a folder in /tmp");
	for (size_t i = 0;
	    rc == 0 && i < sizeof(trials) / sizeof(*trials); i++)
		rc = try_language(b, trials[i][0], trials[i][1], dir, err);
	hg_remove_tree(dir, NULL);
	return rc;
}

static struct hg_toolset *
make(const struct hg_toolsets *t, const char *compiler, const char *path_list,
    struct hg_error *err)
{
	struct build b = {
		.so_path = t->so_path,
		.compiler = compiler,
		.path_list = path_list,
		.set = hg_xcalloc(1, sizeof(*b.set)),
	};
	int rc;

	b.set->inputs = (struct hg_inputs)HG_INPUTS_INIT;
	rc = add_program(&b, compiler, err);
	if (rc == 0)
		rc = try_compiler(&b, err);
	if (rc == 0)
		rc = add_own_folders(&b, err);
	hg_inputs_sort(&b.set->inputs);
	add_real_roots(&b);
	for (size_t i = 0; i < b.set->inputs.n; i++)
		hg_hmap_set(&b.set->index, b.set->inputs.v[i]->path, b.set);
	hg_strvec_release(&b.programs);
	if (rc == 0)
		return b.set;
	toolset_free(b.set);
	return NULL;
}

/* ---- asking for it ---------------------------------------------------------- */

static char *
name_of(const char *compiler, const char *path_list, const char *toolchain)
{
	return hg_xasprintf("%s %s %s", toolchain, compiler, path_list);
}

const struct hg_toolset *
hg_toolset_get(struct hg_toolsets *t, const char *compiler,
    const char *path_list, const char *toolchain, struct hg_error *err)
{
	char *name = name_of(compiler, path_list, toolchain);
	struct hg_toolset *set;

	pthread_mutex_lock(&t->lock);
	set = hg_hmap_get(&t->table, name);
	if (!set) {
		set = make(t, compiler, path_list, err);
		if (set)
			hg_hmap_set(&t->table, name, set);
	}
	pthread_mutex_unlock(&t->lock);
	free(name);
	return set;
}

const struct hg_toolset *
hg_toolset_find(struct hg_toolsets *t, const char *compiler,
    const char *path_list, const char *toolchain)
{
	char *name = name_of(compiler, path_list, toolchain);
	const struct hg_toolset *set;

	pthread_mutex_lock(&t->lock);
	set = hg_hmap_get(&t->table, name);
	pthread_mutex_unlock(&t->lock);
	free(name);
	return set;
}

bool
hg_toolset_covers(const struct hg_toolset *set, const char *path)
{
	if (hg_host_shows(path))
		return true;
	for (size_t i = 0; i < set->roots.n; i++)
		if (hg_path_is_within(path, set->roots.v[i]))
			return true;
	return false;
}

bool
hg_toolset_has(const struct hg_toolset *set, const char *path)
{
	return hg_hmap_get(&set->index, path) != NULL;
}

const struct hg_inputs *
hg_toolset_inputs(const struct hg_toolset *set)
{
	return &set->inputs;
}
