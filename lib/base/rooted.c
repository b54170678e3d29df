/* SPDX-License-Identifier: Apache-2.0 */
/* Walking down from a root, without ever following a link. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/alloc.h"
#include "lib/base/error.h"
#include "lib/base/fd.h"
#include "lib/base/path.h"
#include "lib/base/rooted.h"

int
hg_rooted_open(
    struct hg_rooted *t, const char *root, struct hg_error *err)
{
	*t = (struct hg_rooted)HG_ROOTED_INIT;
	t->root = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (t->root < 0)
		return hg_fail_errno(err, HG_IO, "cannot open folder %s", root);
	return 0;
}

void
hg_rooted_close(struct hg_rooted *t)
{
	hg_fd_close(&t->dir);
	hg_fd_close(&t->root);
	free(t->dir_name);
	t->dir_name = NULL;
}

/* Goes down into one component, making the folder when it is missing. */
static int
enter(int *dir, const char *name, const char *path, struct hg_error *err)
{
	int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
	int fd = openat(*dir, name, flags);

	if (fd < 0 && errno == ENOENT) {
		if (mkdirat(*dir, name, 0755) < 0)
			return hg_fail_errno(
			    err, HG_IO, "cannot create %s", path);
		fd = openat(*dir, name, flags);
		if (fd >= 0)
			fchmod(fd, 0755);
	}
	if (fd < 0 && (errno == ELOOP || errno == ENOTDIR))
		return hg_fail(err, HG_DENIED,
		    "refused %.150s: %.60s is not a folder", path, name);
	if (fd < 0)
		return hg_fail_errno(err, HG_IO, "cannot open %s", path);
	hg_fd_close(dir);
	*dir = fd;
	return 0;
}

/* Opens the folder of that name below the root; "" is the root. */
static int
walk(const struct hg_rooted *t, const char *name, int *ret,
    struct hg_error *err)
{
	char *copy = hg_xstrdup(name), *rest = copy, *part;
	int dir = fcntl(t->root, F_DUPFD_CLOEXEC, 0);
	int rc = 0;

	if (dir < 0)
		rc = hg_fail_errno(err, HG_IO, "cannot use the root folder");
	while (rc == 0 && rest && *rest) {
		part = strsep(&rest, "/");
		rc = enter(&dir, part, name, err);
	}
	free(copy);
	if (rc)
		hg_fd_close(&dir);
	else
		*ret = dir;
	return rc;
}

/* From the memory of the last one if it is the same. */
int
hg_rooted_parent(
    struct hg_rooted *t, const char *path, struct hg_error *err)
{
	const char *slash = strrchr(path, '/');
	size_t n = slash ? (size_t)(slash - path) : 0;

	if (t->dir >= 0 && strlen(t->dir_name) == n &&
	    memcmp(t->dir_name, path, n) == 0)
		return 0;
	hg_fd_close(&t->dir);
	free(t->dir_name);
	t->dir_name = hg_xstrndup(path, n);
	return walk(t, t->dir_name, &t->dir, err);
}

int
hg_rooted_folder(
    struct hg_rooted *t, const char *path, struct hg_error *err)
{
	int rc = hg_rooted_parent(t, path, err);
	int dir = -1;

	if (rc)
		return rc;
	dir = fcntl(t->dir, F_DUPFD_CLOEXEC, 0);
	if (dir < 0)
		return hg_fail_errno(err, HG_IO, "cannot create %s", path);
	rc = enter(&dir, hg_path_base(path), path, err);
	hg_fd_close(&dir);
	return rc;
}
