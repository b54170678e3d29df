/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The file of a folder, .hybridgrid.conf: the nearest one above the working
 * folder. Looking for it costs the launcher a call for each folder on the way,
 * less than a microsecond; so nothing else is done unless there is one. It may
 * only set what folder.def lists, and only counts when it is the user's own.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/alloc.h"
#include "lib/base/error.h"
#include "lib/base/limits.h"
#include "lib/base/path.h"
#include "lib/config/private.h"

static const char name[] = "/.hybridgrid.conf";

static const enum hg_option_id allowed[] = {
#define HG_FOLDER_OPTION(section, key) HG_OPT_##section##_##key,
#include "lib/config/folder.def"
};

bool
hg_config_is_for_folders(enum hg_option_id id)
{
	for (size_t i = 0; i < sizeof(allowed) / sizeof(*allowed); i++)
		if (allowed[i] == id)
			return true;
	return false;
}

char *
hg_config_folder_file(const char *home)
{
	char path[HG_MAX_PATH_BYTES + sizeof(name)];
	size_t n, stop = home ? strlen(home) : 0;

	if (!getcwd(path, HG_MAX_PATH_BYTES) || *path != '/')
		return NULL;
	/* neither the root nor the home folder is a project's */
	for (n = strlen(path); n > 1; n--) {
		if (n == stop && memcmp(path, home, n) == 0)
			return NULL;
		memcpy(path + n, name, sizeof(name));
		if (access(path, F_OK) == 0)
			return hg_xstrdup(path);
		while (n > 1 && path[n - 1] != '/')
			n--;
	}
	return NULL;
}

/* Who could have written it? */
static int
check_owner(const char *path, struct hg_error *err)
{
	const char *shown = hg_config_short_name(path);
	struct stat st;

	if (stat(path, &st) < 0)
		return hg_fail_errno(err, HG_IO, "cannot look at %s", shown);
	if (!S_ISREG(st.st_mode))
		return hg_fail(err, HG_DENIED, "%s is not a file", shown);
	if (st.st_uid != geteuid())
		return hg_fail(
		    err, HG_DENIED, "%s belongs to another user", shown);
	/* a group of one's own has the user's number */
	if ((st.st_mode & S_IWOTH) ||
	    ((st.st_mode & S_IWGRP) && st.st_gid != st.st_uid))
		return hg_fail(err, HG_DENIED,
		    "%s can be written by others: chmod go-w", shown);
	return 0;
}

/* Whether the file of a folder may take the place of the value that there is.
 */
static bool
may_replace(const struct hg_config *cfg, enum hg_option_id id,
    const struct hg_config_sources *weaker)
{
	const char *origin = cfg->origin[id];
	const char *const files[] = { weaker->system, weaker->user };

	if (strcmp(origin, "default") == 0)
		return true;
	for (size_t i = 0; i < 2; i++) {
		size_t n = files[i] ? strlen(files[i]) : 0;

		if (n > 0 && strncmp(origin, files[i], n) == 0 &&
		    origin[n] == ':')
			return true;
	}
	return false;
}

static int
apply(struct hg_config *cfg, const struct hg_ini *ini, const char *path,
    const struct hg_config_sources *weaker, struct hg_error *err)
{
	char *dir = hg_path_dir(path);
	int rc = 0;

	for (int i = 0; rc == 0 && i < HG_OPTION_COUNT; i++) {
		enum hg_option_id id = (enum hg_option_id)i;

		if (hg_ini_line(ini, id) == 0)
			continue;
		if (!hg_config_is_for_folders(id))
			rc = hg_fail(err, HG_DENIED,
			    "%s:%u: %s.%s cannot be set for a folder",
			    hg_config_short_name(path), hg_ini_line(ini, id),
			    hg_option_table[id].section,
			    hg_option_table[id].key);
		else if (may_replace(cfg, id, weaker))
			rc = hg_config_read_option(
			    cfg, ini, path, weaker->home, dir, id, err);
	}
	free(dir);
	return rc;
}

int
hg_config_read_folder(struct hg_config *cfg, const char *path,
    const struct hg_config_sources *weaker, struct hg_error *err)
{
	struct hg_ini *ini = NULL;
	struct hg_config trial;
	int rc = check_owner(path, err);

	if (rc)
		return rc;
	ini = hg_ini_load(path, err);
	if (!ini)
		return -HG_INVALID;
	/* all of it or nothing */
	hg_config_init(&trial);
	rc = apply(&trial, ini, path, weaker, err);
	if (rc == 0)
		rc = apply(cfg, ini, path, weaker, err);
	hg_config_release(&trial);
	hg_ini_free(ini);
	return rc;
}
