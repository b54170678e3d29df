/* SPDX-License-Identifier: Apache-2.0 */
/* Listing a fan-out folder. */
#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/alloc.h"
#include "lib/base/error.h"
#include "lib/store/cache.h"
#include "lib/store/folder.h"
#include "lib/store/sig.h"

/* Whoever makes a temporary file is done with it long before that. */
static const int64_t LEFTOVER_NS = INT64_C(3600) * 1000 * 1000 * 1000;

void
hg_folder_list_release(struct hg_folder_list *l)
{
	free(l->v);
	*l = (struct hg_folder_list)HG_FOLDER_LIST_INIT;
}

static int
hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool
hg_folder_parse(const char *name, struct hg_digest *ret_key,
    char ret_ending[HG_ENDING_BYTES])
{
	const char *ending = name + 2 * HG_DIGEST_BYTES + 1;
	size_t n = strlen(name);

	if (n <= 2 * HG_DIGEST_BYTES + 1 || ending[-1] != '.' ||
	    strlen(ending) >= HG_ENDING_BYTES || strchr(ending, '.'))
		return false;
	for (size_t i = 0; i < HG_DIGEST_BYTES; i++) {
		int high = hex_value(name[2 * i]);
		int low = hex_value(name[2 * i + 1]);

		if (high < 0 || low < 0)
			return false;
		ret_key->b[i] = (unsigned char)(high << 4 | low);
	}
	memset(ret_ending, 0, HG_ENDING_BYTES);
	memcpy(ret_ending, ending, strlen(ending));
	return true;
}

static bool
is_temporary(const char *name)
{
	size_t n = strlen(name);

	return n > 4 && strcmp(name + n - 4, ".tmp") == 0;
}

/* Removes a temporary file that nobody works on any more. */
static void
sweep(int dirfd, const char *name, const struct stat *st)
{
	struct hg_sig sig;

	hg_sig_of(st, &sig);
	if (sig.mtime_ns < hg_sig_now() - LEFTOVER_NS)
		unlinkat(dirfd, name, 0);
}

/* Sweeps a folder that has no entries. */
static void
sweep_folder(const char *path)
{
	DIR *d = opendir(path);
	struct dirent *e;
	struct stat st;

	while (d && (e = readdir(d)))
		if (is_temporary(e->d_name) &&
		    fstatat(dirfd(d), e->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0)
			sweep(dirfd(d), e->d_name, &st);
	if (d)
		closedir(d);
}

/* What else is in the cache's folder has its turn along with the entries. */
static void
sweep_others(const struct hg_cache *c, unsigned folder)
{
	char *path = hg_xasprintf("%s/why/%02x", hg_cache_dir(c), folder);

	sweep_folder(path);
	free(path);
	if (folder == 0)
		sweep_folder(hg_cache_dir(c));
}

static struct hg_folder_file *
new_file(struct hg_folder_list *l)
{
	if (l->n == l->cap) {
		l->cap = l->cap ? 2 * l->cap : 1024;
		l->v = hg_xrealloc(l->v, l->cap * sizeof(*l->v));
	}
	return &l->v[l->n++];
}

/* Adds a file to the list and to what was found. */
static void
see(int dirfd, const char *name, unsigned folder, struct hg_folder_list *l,
    struct hg_usage_count *found)
{
	struct hg_folder_file f, *new;
	struct hg_sig sig;
	struct stat st;

	if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
	    !S_ISREG(st.st_mode))
		return;
	if (is_temporary(name)) {
		sweep(dirfd, name, &st);
		return;
	}
	if (!hg_folder_parse(name, &f.key, f.ending) || f.key.b[0] != folder) {
		l->strays++;
		return;
	}
	f.bytes = hg_usage_room(st.st_size);
	hg_sig_of(&st, &sig);
	f.used_ns = sig.mtime_ns;
	new = new_file(l);
	*new = f;
	found->files++;
	found->bytes += f.bytes;
}

static int
list(const struct hg_cache *c, unsigned folder, struct hg_folder_list *l,
    struct hg_usage_count *found, struct hg_error *err)
{
	char *path = hg_xasprintf("%s/%02x", hg_cache_dir(c), folder);
	DIR *d = opendir(path);
	struct dirent *e;
	int rc = 0;

	if (!d && errno != ENOENT)
		rc = hg_fail_errno(err, HG_IO, "cannot list %s", path);
	while (d && (e = readdir(d)))
		if (e->d_name[0] != '.')
			see(dirfd(d), e->d_name, folder, l, found);
	if (d)
		closedir(d);
	free(path);
	return rc;
}

static void
correct(struct hg_usage *u, const struct hg_usage_mark *mark,
    struct hg_usage_count found, struct hg_folder_list *l)
{
	struct hg_usage_count off = { found.files - mark->count.files,
		found.bytes - mark->count.bytes };

	if (off.files == 0 && off.bytes == 0)
		return;
	if (!hg_usage_correct(u, mark, found))
		return;
	l->corrected++;
	l->off.files += off.files;
	l->off.bytes += off.bytes;
}

int
hg_folder_read(struct hg_cache *c, unsigned folder, struct hg_folder_list *l,
    struct hg_error *err)
{
	struct hg_usage *u = hg_cache_usage(c, NULL);
	struct hg_usage_count found = { 0, 0 };
	struct hg_usage_mark mark = { 0 };
	bool marked = u && hg_usage_mark(u, folder, &mark);
	int rc = list(c, folder, l, &found, err);

	if (rc == 0 && marked)
		correct(u, &mark, found, l);
	sweep_others(c, folder);
	return rc;
}
