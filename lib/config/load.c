/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where settings come from, in order: three files, then the environment. The
 * launcher goes through this once per compile, so the usual case (no files, few
 * variables) is three failed opens and one look at the environment. The home
 * folder is $HOME; the user database is not asked, which would not work in a
 * static program and is slow.
 */
#include "config.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/alloc.h"
#include "lib/base/error.h"
#include "lib/base/path.h"
#include "lib/base/strbuf.h"
#include "lib/config/private.h"

/* The variables that start with HG_; borrowed. */
struct env {
	const char **v;
	size_t n;
};

/* The value of a variable that is set and not empty, or NULL. */
static const char *
env_get(const char *const *env, const char *name)
{
	size_t n = strlen(name);

	for (; env && *env; env++) {
		if (strncmp(*env, name, n) == 0 && (*env)[n] == '=')
			return (*env)[n + 1] ? *env + n + 1 : NULL;
	}
	return NULL;
}

static void
env_init(struct env *e, const char *const *env)
{
	size_t n = 0;

	for (const char *const *p = env; p && *p; p++)
		n += strncmp(*p, "HG_", 3) == 0;
	e->v = hg_xcalloc(n + 1, sizeof(*e->v));
	e->n = 0;
	for (const char *const *p = env; p && *p; p++) {
		if (strncmp(*p, "HG_", 3) == 0)
			e->v[e->n++] = *p;
	}
}

/* Moves *p over word, if that is what stands there in capitals. */
static bool
skip_upper(const char **p, const char *word)
{
	const char *at = *p;

	for (; *word; word++, at++) {
		if (*at != toupper((unsigned char)*word))
			return false;
	}
	*p = at;
	return true;
}

/* The value of HG_<SECTION>_<KEY>, or NULL. */
static const char *
env_option(const struct env *e, const struct hg_option_info *o)
{
	for (size_t i = 0; i < e->n; i++) {
		const char *p = e->v[i] + 3;

		if (skip_upper(&p, o->section) && skip_upper(&p, "_") &&
		    skip_upper(&p, o->key) && *p == '=')
			return p[1] ? p + 1 : NULL;
	}
	return NULL;
}

static int
read_option_env(struct hg_config *cfg, const struct env *e,
    enum hg_option_id id, struct hg_error *err)
{
	const struct hg_option_info *o = &hg_option_table[id];
	const char *full = env_option(e, o);
	const char *alias =
	    o->alias ? env_get((const char *const *)e->v, o->alias) : NULL;
	struct hg_strbuf name = HG_STRBUF_INIT;
	int rc = 0;

	if (!full && !alias)
		return 0;
	hg_option_env_name(id, &name);
	if (full && alias && strcmp(full, alias) != 0) {
		rc = hg_fail(err, HG_INVALID,
		    "%s and %s are both set, and differ: unset one of them",
		    o->alias, name.buf);
	} else {
		char *origin =
		    hg_xasprintf("env %s", alias ? o->alias : name.buf);

		rc = hg_config_set(cfg, id, alias ? alias : full, origin, err);
		free(origin);
	}
	hg_strbuf_release(&name);
	return rc;
}

static int
read_env(struct hg_config *cfg, const char *const *env, struct hg_error *err)
{
	struct env e;
	int rc = 0;

	env_init(&e, env);
	for (int i = 0; rc == 0 && e.n > 0 && i < HG_OPTION_COUNT; i++)
		rc = read_option_env(cfg, &e, (enum hg_option_id)i, err);
	free(e.v);
	return rc;
}

/*
 * A file name from a file, for which no shell has expanded "~" and which must
 * mean the same whatever folder the program runs in. Owned.
 */
static int
resolve_path(const char *text, const char *home, const char *dir, char **ret,
    struct hg_error *err)
{
	if (*text == '\0' || *text == '/') {
		*ret = hg_xstrdup(text);
	} else if (dir && strcmp(text, ".") == 0) {
		*ret = hg_xstrdup(dir);
	} else if (dir && *text != '~') {
		*ret = hg_path_join(dir, text);
	} else if (strncmp(text, "~/", 2) != 0) {
		return hg_fail(err, HG_INVALID,
		    "'%.60s' is neither an absolute path nor starts with ~/",
		    text);
	} else if (!home) {
		return hg_fail(err, HG_INVALID,
		    "'%.60s' needs HOME, which is not set", text);
	} else {
		*ret = hg_path_join(home, text + 2);
	}
	return 0;
}

int
hg_config_read_option(struct hg_config *cfg, const struct hg_ini *ini,
    const char *path, const char *home, const char *dir, enum hg_option_id id,
    struct hg_error *err)
{
	const struct hg_option_info *o = &hg_option_table[id];
	const char *text = hg_ini_value(ini, id);
	char *origin = hg_xasprintf("%s:%u", path, hg_ini_line(ini, id));
	char *resolved = NULL;
	int rc = 0;

	if (o->type == HG_TYPE_PATH) {
		rc = resolve_path(text, home, dir, &resolved, err);
		if (rc)
			hg_wrap(err, "%s: %s.%s", hg_config_short_name(origin),
			    o->section, o->key);
	}
	if (rc == 0)
		rc = hg_config_set(
		    cfg, id, resolved ? resolved : text, origin, err);
	free(resolved);
	free(origin);
	return rc;
}

int
hg_config_read_file(struct hg_config *cfg, const char *path, const char *home,
    struct hg_error *err)
{
	struct hg_error mine;
	struct hg_ini *ini = hg_ini_load(path, &mine);
	int rc = 0;

	if (!ini)
		return hg_fail(err, mine.code, "%s", mine.text);
	for (int i = 0; rc == 0 && i < HG_OPTION_COUNT; i++) {
		enum hg_option_id id = (enum hg_option_id)i;

		if (hg_ini_line(ini, id) != 0)
			rc = hg_config_read_option(
			    cfg, ini, path, home, NULL, id, err);
	}
	hg_ini_free(ini);
	return rc;
}

char *
hg_config_system_file(void)
{
	return hg_xstrdup(HG_SYSCONFDIR "/hybridgrid/hybridgrid.conf");
}

char *
hg_config_user_file(const char *const *env)
{
	const char *xdg = env_get(env, "XDG_CONFIG_HOME");
	const char *home = env_get(env, "HOME");

	if (xdg && *xdg == '/')
		return hg_path_join(xdg, "hybridgrid/hybridgrid.conf");
	if (home)
		return hg_path_join(home, ".config/hybridgrid/hybridgrid.conf");
	return NULL;
}

char *
hg_config_named_file(const char *const *env)
{
	const char *named = env_get(env, "HG_CONFIG");

	return named ? hg_xstrdup(named) : NULL;
}

/*
 * The system's and the user's file need not be there, and the user's need not
 * be readable: $HOME may be somebody else's, after a change of user.
 */
static int
read_files(struct hg_config *cfg, const char *const *env, struct hg_error *err)
{
	const char *home = env_get(env, "HOME");
	char *system = hg_config_system_file();
	char *user = hg_config_user_file(env);
	char *named = hg_config_named_file(env);
	int rc;

	rc = hg_config_read_file(cfg, system, home, err);
	if (rc == -HG_NOTFOUND)
		rc = 0;
	if (rc == 0 && user) {
		rc = hg_config_read_file(cfg, user, home, err);
		if (rc == -HG_NOTFOUND || rc == -HG_DENIED)
			rc = 0;
	}
	if (rc == 0 && named) {
		rc = hg_config_read_file(cfg, named, home, err);
		if (rc)
			hg_wrap(err, "HG_CONFIG");
	}
	free(system);
	free(user);
	free(named);
	return rc;
}

static void
default_cache_dir(struct hg_config *cfg, const char *const *env)
{
	const char *xdg = env_get(env, "XDG_CACHE_HOME");
	const char *home = env_get(env, "HOME");
	const char *tmp = env_get(env, "TMPDIR");

	char *dir;

	if (*cfg->cache_dir)
		return;
	if (xdg && *xdg == '/')
		dir = hg_path_join(xdg, "hybridgrid");
	else if (home)
		dir = hg_path_join(home, ".hybridgrid/cache");
	else
		dir = hg_xasprintf("%s/hybridgrid-%lu", tmp ? tmp : "/tmp",
		    (unsigned long)getuid());
	hg_config_take_text(cfg, HG_OPT_cache_dir, dir);
}

char *
hg_config_store_dir(const char *option, const char *who)
{
	const char *xdg = getenv("XDG_CACHE_HOME");
	const char *home = getenv("HOME");

	if (*option)
		return hg_xstrdup(option);
	if (xdg && *xdg == '/')
		return hg_xasprintf("%s/hybridgrid-%s", xdg, who);
	if (home && *home == '/')
		return hg_xasprintf("%s/.hybridgrid/%s", home, who);
	return hg_xasprintf(
	    "/tmp/hybridgrid-%lu-%s", (unsigned long)getuid(), who);
}

int
hg_config_load(
    struct hg_config *cfg, const char *const *env, struct hg_error *err)
{
	int rc = read_files(cfg, env, err);

	if (rc == 0)
		rc = read_env(cfg, env, err);
	if (rc == 0)
		default_cache_dir(cfg, env);
	return rc;
}

/* Passed over when it is not right: "hgbuild config check" tells. */
static void
read_folder(struct hg_config *cfg, const char *const *env)
{
	const char *home = env_get(env, "HOME");
	char *path = hg_config_folder_file(home);
	struct hg_config_sources weaker = { .home = home };
	char *system, *user;

	if (!path)
		return;
	weaker.system = system = hg_config_system_file();
	weaker.user = user = hg_config_user_file(env);
	(void)hg_config_read_folder(cfg, path, &weaker, NULL);
	free(system);
	free(user);
	free(path);
}

int
hg_config_load_here(
    struct hg_config *cfg, const char *const *env, struct hg_error *err)
{
	int rc = hg_config_load(cfg, env, err);

	if (rc == 0 && cfg->launcher_folder_config)
		read_folder(cfg, env);
	return rc;
}
