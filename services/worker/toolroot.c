/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A folder is filled under another name and renamed when it is whole; so one that
 * is found at a start is whole. The list tells what to show of it: the places of
 * host_paths.def that it has, and folders of files elsewhere. A client may list
 * what it likes, so no name may lead through a link.
 */
#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/alloc.h"
#include "lib/base/error.h"
#include "lib/base/fd.h"
#include "lib/base/hmap.h"
#include "lib/base/path.h"
#include "lib/base/strbuf.h"
#include "lib/base/rooted.h"
#include "lib/blob/blobs.h"
#include "lib/toolchain/host_paths.h"
#include "lib/wire/wire.h"
#include "services/worker/layout.h"
#include "services/worker/needed.h"
#include "services/worker/toolroot.h"

/* Folders kept; compilers are few, what compiles need beside them is not. */
#define MAX_ROOTS 64

#define UNFINISHED ".tmp"

struct entry {
	struct hg_toolroot root;
	char hex[HG_CONTENT_ID_HEX_BYTES];
	unsigned users;
	uint64_t last_use;
};

struct hg_toolroots {
	char *dir;
	struct hg_blobs *blobs;
	/* held while one is made, so that it is made once */
	pthread_mutex_t lock;
	struct hg_hmap table;
	uint64_t uses;
};

static void
entry_free(void *p)
{
	struct entry *e = p;

	free(e->root.path);
	hg_strvec_release(&e->root.names);
	free(e);
}

/* Removes what a killed worker left. */
static void
clean(const char *dir)
{
	DIR *d = opendir(dir);
	struct dirent *e;

	while (d && (e = readdir(d))) {
		if (strcmp(hg_path_ext(e->d_name), UNFINISHED) == 0) {
			char *path = hg_path_join(dir, e->d_name);

			hg_remove_tree(path, NULL);
			free(path);
		}
	}
	if (d)
		closedir(d);
}

struct hg_toolroots *
hg_toolroots_new(
    const char *dir, struct hg_blobs *blobs, struct hg_error *err)
{
	struct hg_toolroots *t;

	if (hg_mkdir_p(dir, err))
		return NULL;
	clean(dir);
	t = hg_xcalloc(1, sizeof(*t));
	t->dir = hg_xstrdup(dir);
	t->blobs = blobs;
	pthread_mutex_init(&t->lock, NULL);
	return t;
}

void
hg_toolroots_free(struct hg_toolroots *t)
{
	if (!t)
		return;
	hg_hmap_release(&t->table, entry_free);
	pthread_mutex_destroy(&t->lock);
	free(t->dir);
	free(t);
}

/* ---- filling ---------------------------------------------------------------- */

static int
fill(struct hg_toolroots *t, const char *path,
    const struct hg_wire_input_list *list, struct hg_error *err)
{
	char *tmp = hg_xasprintf("%s.%ld" UNFINISHED, path, (long)getpid());
	struct hg_rooted tree = HG_ROOTED_INIT;
	int rc = hg_mkdir_p(tmp, err);

	if (rc == 0)
		rc = hg_rooted_open(&tree, tmp, err);
	for (size_t i = 0; rc == 0 && i < list->n_inputs; i++)
		rc = hg_layout_place(&tree, t->blobs, &list->inputs[i],
		    hg_blobs_link, 0444, err);
	hg_rooted_close(&tree);
	/* another worker with this store may have been faster */
	if (rc == 0 && rename(tmp, path) < 0 && access(path, F_OK) < 0)
		rc = hg_fail_errno(err, HG_IO, "cannot make %s", path);
	hg_remove_tree(tmp, NULL);
	free(tmp);
	return rc;
}

/* Is path there without any link on the way to it? */
static bool
is_there(const char *root, const char *path)
{
	char *copy = hg_xstrdup(path + 1), *rest = copy, *name;
	int fd = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct stat st;
	bool there = false;

	while (fd >= 0 && (name = strsep(&rest, "/"))) {
		int next;

		if (!rest) {
			there = fstatat(
			    fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0;
			break;
		}
		next = openat(fd, name,
		    O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		close(fd);
		fd = next;
	}
	hg_fd_close(&fd);
	free(copy);
	return there;
}

static bool
is_shown(const struct hg_strvec *names, const char *path)
{
	for (size_t i = 0; i < names->n; i++)
		if (hg_path_is_within(path, names->v[i]))
			return true;
	return false;
}

static void
find_names(struct hg_toolroot *root, const struct hg_wire_input_list *list)
{
	struct hg_strvec tools = HG_STRVEC_INIT;

	hg_host_tools(&tools);
	for (size_t i = 0; i < tools.n; i++)
		if (is_there(root->path, tools.v[i]))
			hg_strvec_add(&root->names, tools.v[i]);
	hg_strvec_release(&tools);
	for (size_t i = 0; i < list->n_inputs; i++) {
		const struct hg_wire_input *row = &list->inputs[i];
		char *dir = hg_path_dir(row->path);

		if (!row->folder && dir[1] != '\0' &&
		    !is_shown(&root->names, row->path) &&
		    is_there(root->path, dir))
			hg_strvec_add(&root->names, dir);
		free(dir);
	}
}

/* ---- taking ----------------------------------------------------------------- */

struct oldest {
	const struct entry *entry;
};

static int
compare(const char *key, void *value, void *arg)
{
	const struct entry *e = value;
	struct oldest *o = arg;

	(void)key;
	if (e->users == 0 &&
	    (!o->entry || e->last_use < o->entry->last_use))
		o->entry = e;
	return 0;
}

static void
make_room(struct hg_toolroots *t)
{
	struct oldest o = { NULL };
	struct entry *e;

	if (t->table.n < MAX_ROOTS)
		return;
	hg_hmap_each(&t->table, compare, &o);
	if (!o.entry)
		return;
	e = hg_hmap_del(&t->table, o.entry->hex);
	hg_remove_tree(e->root.path, NULL);
	entry_free(e);
}

static struct entry *
make(struct hg_toolroots *t, const struct hg_content_id *id, const char *hex,
    struct hg_strbuf *missing, int *ret_rc, struct hg_error *err)
{
	struct hg_wire_input_list *list;
	struct entry *e = NULL;
	char *path = hg_path_join(t->dir, hex);
	bool is_whole = access(path, F_OK) == 0;

	*ret_rc = hg_needed_list(t->blobs, id, missing, &list, err);
	for (size_t i = 0; list && !is_whole && i < list->n_inputs; i++)
		hg_needed_want(t->blobs, &list->inputs[i], missing);
	if (!list || missing->len > 0)
		goto out;
	make_room(t);
	*ret_rc = is_whole ? 0 : fill(t, path, list, err);
	if (*ret_rc)
		goto out;
	e = hg_xcalloc(1, sizeof(*e));
	memcpy(e->hex, hex, sizeof(e->hex));
	e->root.path = hg_xstrdup(path);
	find_names(&e->root, list);
	hg_hmap_set(&t->table, hex, e);
out:
	free(path);
	hg_wire_input_list_free(list);
	return e;
}

int
hg_toolroot_take(struct hg_toolroots *t, const struct hg_content_id *list,
    struct hg_strbuf *missing, const struct hg_toolroot **ret,
    struct hg_error *err)
{
	char hex[HG_CONTENT_ID_HEX_BYTES];
	struct entry *e;
	int rc = 0;

	hg_content_id_hex(list, hex);
	pthread_mutex_lock(&t->lock);
	e = hg_hmap_get(&t->table, hex);
	if (!e)
		e = make(t, list, hex, missing, &rc, err);
	if (e) {
		e->users++;
		e->last_use = ++t->uses;
	}
	pthread_mutex_unlock(&t->lock);
	*ret = e ? &e->root : NULL;
	return rc;
}

void
hg_toolroot_drop(struct hg_toolroots *t, const struct hg_toolroot *root)
{
	struct entry *e;

	if (!root)
		return;
	/* root is its entry's first member */
	e = (struct entry *)(uintptr_t)root;
	pthread_mutex_lock(&t->lock);
	e->users--;
	pthread_mutex_unlock(&t->lock);
}
