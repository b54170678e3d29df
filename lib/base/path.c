/* SPDX-License-Identifier: Apache-2.0 */
/* File names. */
#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/alloc.h"
#include "lib/base/error.h"
#include "lib/base/limits.h"
#include "lib/base/path.h"
#include "lib/base/strbuf.h"

const char *
hg_path_base(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

char *
hg_path_dir(const char *path)
{
	const char *slash = strrchr(path, '/');

	if (!slash)
		return hg_xstrdup(".");
	while (slash > path && slash[-1] == '/')
		slash--;
	return slash == path ? hg_xstrdup("/")
			     : hg_xstrndup(path, (size_t)(slash - path));
}

/* By hand, as a cache hit joins dozens of names. */
static char *
join(const char *dir, size_t n, const char *name)
{
	size_t name_n = strlen(name);
	char *path = hg_xmalloc(n + 1 + name_n + 1);

	memcpy(path, dir, n);
	if (n == 0 || dir[n - 1] != '/')
		path[n++] = '/';
	memcpy(path + n, name, name_n + 1);
	return path;
}

char *
hg_path_join(const char *dir, const char *name)
{
	return *name == '/' ? hg_xstrdup(name) : join(dir, strlen(dir), name);
}

const char *
hg_path_ext(const char *path)
{
	const char *base = hg_path_base(path);
	const char *dot = strrchr(base, '.');

	return dot && dot != base ? dot : base + strlen(base);
}

void
hg_path_plain(const char *path, struct hg_strbuf *ret)
{
	hg_strbuf_reset(ret);
	while (*path) {
		size_t n = strcspn(path, "/");

		if (n == 2 && memcmp(path, "..", 2) == 0) {
			const char *slash = strrchr(ret->buf, '/');

			hg_strbuf_setlen(
			    ret, slash ? (size_t)(slash - ret->buf) : 0);
		} else if (n > 1 || (n == 1 && *path != '.')) {
			hg_strbuf_addc(ret, '/');
			hg_strbuf_add(ret, path, n);
		}
		path += n + (path[n] == '/');
	}
}

bool
hg_path_is_within(const char *path, const char *top)
{
	size_t n = strlen(top);

	return strncmp(path, top, n) == 0 &&
	    (path[n] == '\0' || path[n] == '/');
}

bool
hg_path_is_beneath(const char *path)
{
	if (strlen(path) >= HG_MAX_PATH_BYTES || *path == '\0')
		return false;
	for (const char *p = path;;) {
		size_t n = strcspn(p, "/");

		if (n == 0 || (n == 1 && p[0] == '.') ||
		    (n == 2 && p[0] == '.' && p[1] == '.'))
			return false;
		if (p[n] == '\0')
			return true;
		p += n + 1;
	}
}

int
hg_mkdir_p(const char *dir, struct hg_error *err)
{
	char *copy = hg_xstrdup(dir);
	int rc = 0;

	for (char *p = copy + 1; rc == 0; p++) {
		char c = *p;

		if (c != '/' && c != '\0')
			continue;
		*p = '\0';
		if (mkdir(copy, 0777) < 0 && errno != EEXIST)
			rc = hg_fail_errno(
			    err, HG_IO, "cannot create folder %s", copy);
		*p = c;
		if (c == '\0')
			break;
	}
	free(copy);
	return rc;
}

static int
remove_at(int at, const char *name)
{
	struct dirent *e;
	DIR *d;
	int fd, rc = 0;

	if (unlinkat(at, name, 0) == 0 || errno == ENOENT)
		return 0;
	if (errno != EISDIR && errno != EPERM)
		return -1;
	fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return -1;
	d = fdopendir(fd);
	if (!d) {
		close(fd);
		return -1;
	}
	while ((e = readdir(d))) {
		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
			continue;
		if (remove_at(dirfd(d), e->d_name) < 0)
			rc = -1;
	}
	closedir(d);
	if (unlinkat(at, name, AT_REMOVEDIR) < 0 && errno != ENOENT)
		rc = -1;
	return rc;
}

int
hg_remove_tree(const char *dir, struct hg_error *err)
{
	if (remove_at(AT_FDCWD, dir) < 0)
		return hg_fail_errno(err, HG_IO, "cannot remove %s", dir);
	return 0;
}

static bool
is_program(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISREG(st.st_mode) &&
	    access(path, X_OK) == 0;
}

char *
hg_path_in(const char *list, size_t n, const char *name)
{
	return n > 0 ? join(list, n, name) : join(".", 1, name);
}

char *
hg_path_search(const char *name, const char *path_list)
{
	for (const char *p = path_list; p && *p;) {
		size_t n = strcspn(p, ":");
		char *full = hg_path_in(p, n, name);

		if (is_program(full))
			return full;
		free(full);
		p += n + (p[n] == ':');
	}
	return NULL;
}
