/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hgbuild make, ninja, cmake and wrap: run a build command with an environment
 * that makes every compile go through hg-launcher, whichever way the build
 * system looks for its compiler: by a name on PATH (the masquerade folder), or
 * by CMake's launcher variables. Command lines and the user's own CC stay as
 * they are. Whatever of this cannot be set up is left out with a warning; the
 * build runs anyway.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cache.h"
#include "cli/child.h"
#include "cli/cli.h"
#include "cli/env.h"
#include "cli/masquerade.h"
#include "cli/progress.h"
#include "lib/base/alloc.h"
#include "lib/base/fd.h"
#include "lib/base/path.h"
#include "lib/base/strbuf.h"
#include "lib/base/strvec.h"
#include "lib/base/time.h"

struct wrap {
	struct hg_cli *cli;
	struct hg_strvec env;
	char *launcher;
	char *cache_dir;
	/* folder of a log that only this build needs, or NULL */
	char *tmp;
	char *log;
	char *build_id;
	struct hg_progress progress;
	/* of the cache, before the build */
	uint64_t saved_us;
};

/* All time that hits of this cache have saved so far. */
static uint64_t
saved_us(const struct wrap *w)
{
	struct hg_cache_figures f;

	if (hg_cache_figures_read(&f, w->cache_dir, NULL))
		return 0;
	return f.stats.stat[HG_STAT_SAVED_US];
}

static void
warn(const char *what, const struct hg_error *err)
{
	fprintf(stderr, "hgbuild: warning: %s%s\n", err->text, what);
}

static void
env_default(struct hg_strvec *env, const char *name, const char *value)
{
	if (!getenv(name))
		hg_env_set(env, name, value);
}

/* Compiles run in other folders: a relative name would mean other files. */
static char *
absolute(const char *path)
{
	char *cwd = getcwd(NULL, 0);
	char *full = hg_path_join(cwd ? cwd : ".", path);

	free(cwd);
	return full;
}

static int
make_tmp(struct wrap *w, struct hg_error *err)
{
	const char *dir = getenv("TMPDIR");

	w->tmp = hg_xasprintf("%s/hgbuild-XXXXXX", dir && *dir ? dir : "/tmp");
	if (mkdtemp(w->tmp))
		return 0;
	hg_fail_errno(err, HG_IO, "cannot make a folder like %s", w->tmp);
	free(w->tmp);
	w->tmp = NULL;
	return -HG_IO;
}

/* CMake would remember the link as its compiler: when it configures, it only
 * gets its launcher variables. */
static bool
is_cmake_configure(const struct hg_cli *cli)
{
	return strcmp(hg_path_base(cli->argv[0]), "cmake") == 0 &&
	       !(cli->argc > 1 && strcmp(cli->argv[1], "--build") == 0);
}

static int
add_masquerade(struct wrap *w, struct hg_error *err)
{
	const char *list = getenv("PATH");
	char *dir, *value;

	if (!list || is_cmake_configure(w->cli))
		return 0;
	dir = hg_masquerade_make(w->cache_dir, w->launcher, list, err);
	if (!dir)
		return -(int)err->code;
	value = hg_xasprintf("%s:%s", dir, list);
	hg_env_set(&w->env, "PATH", value);
	free(value);
	free(dir);
	return 0;
}

static void
add_launcher(struct wrap *w)
{
	char *found = hg_cli_find_launcher();
	struct hg_error err;

	if (!found) {
		hg_fail(&err, HG_NOTFOUND, "cannot find hg-launcher");
		warn("; building without it", &err);
		return;
	}
	w->launcher = absolute(found);
	free(found);
	if (add_masquerade(w, &err))
		warn("; only CMake's compiles are caught", &err);
	env_default(&w->env, "CMAKE_C_COMPILER_LAUNCHER", w->launcher);
	env_default(&w->env, "CMAKE_CXX_COMPILER_LAUNCHER", w->launcher);
	env_default(&w->env, "CC_KNOWN_WRAPPER_CUSTOM", "hg-launcher");
}

/* The user's log, or one of our own. */
static int
choose_log(struct wrap *w, struct hg_error *err)
{
	const char *log = w->cli->cfg.launcher_log;
	int rc = 0;

	if (*log)
		w->log = absolute(log);
	else
		rc = make_tmp(w, err);
	if (rc == 0 && !w->log)
		w->log = hg_path_join(w->tmp, "log");
	return rc;
}

static void
add_log(struct wrap *w)
{
	const char *outer = getenv("HG_BUILD_ID");
	struct hg_error err;

	w->build_id = outer && *outer ? hg_xstrdup(outer)
				      : hg_xasprintf("%llx-%lx",
					    (unsigned long long)hg_wall_ns(),
					    (unsigned long)getpid());
	hg_env_set(&w->env, "HG_BUILD_ID", w->build_id);
	if (choose_log(w, &err) ||
	    hg_progress_open(&w->progress, w->log, w->build_id, &err)) {
		warn("; there will be no summary", &err);
		return;
	}
	w->progress.verbose = w->cli->cfg.launcher_verbose;
	w->progress.colour = hg_cli_is_colour(STDERR_FILENO);
	hg_env_set_option(&w->env, HG_OPT_launcher_log, w->log);
}

static void
on_tick(void *arg)
{
	struct wrap *w = arg;

	if (w->progress.fd >= 0)
		hg_progress_poll(&w->progress);
}

static void
print_summary(const struct wrap *w, uint64_t wall_ns)
{
	struct hg_strbuf out = HG_STRBUF_INIT;
	uint64_t now;

	if (w->progress.fd < 0)
		return;
	now = saved_us(w);
	hg_progress_summary(&w->progress, wall_ns,
	    now > w->saved_us ? now - w->saved_us : 0, &out);
	hg_write_all(STDERR_FILENO, out.buf, out.len, NULL);
	hg_strbuf_release(&out);
}

static void
wrap_init(struct wrap *w, struct hg_cli *cli)
{
	memset(w, 0, sizeof(*w));
	w->cli = cli;
	w->progress.fd = -1;
	hg_strbuf_init(&w->progress.partial);
	hg_strvec_add_all(&w->env, (const char *const *)environ);
	if (cli->cfg_error.code != HG_OK) {
		warn("; building without hg-launcher", &cli->cfg_error);
		return;
	}
	hg_env_set_flags(&w->env, &cli->cfg);
	w->cache_dir = absolute(cli->cfg.cache_dir);
	hg_env_set_option(&w->env, HG_OPT_cache_dir, w->cache_dir);
	add_launcher(w);
	add_log(w);
	w->saved_us = saved_us(w);
}

static void
wrap_release(struct wrap *w)
{
	if (w->tmp)
		hg_remove_tree(w->tmp, NULL);
	hg_progress_release(&w->progress);
	hg_strvec_release(&w->env);
	free(w->launcher);
	free(w->cache_dir);
	free(w->tmp);
	free(w->log);
	free(w->build_id);
}

int
hg_cli_wrap(struct hg_cli *cli)
{
	struct hg_error err;
	struct wrap w;
	uint64_t start = hg_now_ns();
	int status = 0, rc;

	if (cli->argc == 0)
		return hg_cli_usage("%s needs a command", cli->command->name);
	wrap_init(&w, cli);
	rc = hg_child_run(cli->argv, w.env.v, on_tick, &w, &status, &err);
	if (rc == 0)
		print_summary(&w, hg_now_ns() - start);
	wrap_release(&w);
	if (rc) {
		hg_cli_fail(&err);
		return 127;
	}
	return hg_child_leave(status);
}

/* The command's name is also the program's. */
static int
wrap_named(struct hg_cli *cli)
{
	cli->argv--;
	cli->argc++;
	return hg_cli_wrap(cli);
}

int
hg_cli_make(struct hg_cli *cli)
{
	return wrap_named(cli);
}

int
hg_cli_ninja(struct hg_cli *cli)
{
	return wrap_named(cli);
}

int
hg_cli_cmake(struct hg_cli *cli)
{
	return wrap_named(cli);
}
