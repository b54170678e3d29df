/* SPDX-License-Identifier: Apache-2.0 */
/* Whole reads and writes. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/alloc.h"
#include "lib/base/error.h"
#include "lib/base/fd.h"
#include "lib/base/strbuf.h"

void
hg_fd_close(int *fd)
{
	int saved = errno;

	if (*fd >= 0)
		close(*fd);
	*fd = -1;
	errno = saved;
}

int
hg_write_all(int fd, const void *p, size_t n, struct hg_error *err)
{
	const char *at = p;

	while (n > 0) {
		ssize_t k = write(fd, at, n);

		if (k < 0 && errno == EINTR)
			continue;
		if (k < 0)
			return hg_fail_errno(err, HG_IO, "cannot write");
		at += k;
		n -= (size_t)k;
	}
	return 0;
}

int
hg_read_exact(int fd, void *p, size_t n, struct hg_error *err)
{
	char *at = p;

	while (n > 0) {
		ssize_t k = read(fd, at, n);

		if (k < 0 && errno == EINTR)
			continue;
		if (k < 0)
			return hg_fail_errno(err, HG_IO, "cannot read");
		if (k == 0)
			return hg_fail(err, HG_IO, "the other side ended early");
		at += k;
		n -= (size_t)k;
	}
	return 0;
}

int
hg_read_fd(int fd, size_t max, struct hg_strbuf *out, struct hg_error *err)
{
	struct stat st;
	size_t chunk = 65536;
	bool is_file = false;

	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > 0 &&
	    (size_t)st.st_size < max) {
		is_file = true;
		chunk = (size_t)st.st_size + 1;
	}
	for (;;) {
		ssize_t k;

		hg_strbuf_grow(out, chunk);
		k = read(fd, out->buf + out->len, chunk);
		if (k < 0 && errno == EINTR)
			continue;
		if (k < 0)
			return hg_fail_errno(err, HG_IO, "cannot read");
		if (k == 0)
			return 0;
		hg_strbuf_setlen(out, out->len + (size_t)k);
		if (out->len > max)
			return hg_fail(err, HG_TOOBIG,
			    "more than %zu bytes to read", max);
		/* less than asked for: a file's end, without asking again */
		if (is_file && (size_t)k < chunk)
			return 0;
		chunk = 65536;
	}
}

int
hg_read_file(
    const char *path, size_t max, struct hg_strbuf *out, struct hg_error *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	int rc;

	if (fd < 0)
		return hg_fail_errno(err,
		    errno == ENOENT || errno == ENOTDIR ? HG_NOTFOUND : HG_IO,
		    "cannot open %s", path);
	rc = hg_read_fd(fd, max, out, err);
	if (rc)
		hg_wrap(err, "%s", path);
	hg_fd_close(&fd);
	return rc;
}

int
hg_write_file_atomic(const char *path, const void *p, size_t n, mode_t mode,
    struct hg_error *err)
{
	char *tmp = hg_xasprintf("%s.%ld.tmp", path, (long)getpid());
	int fd = open(tmp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	int rc;

	if (fd < 0) {
		rc = hg_fail_errno(err, HG_IO, "cannot create %s", tmp);
		goto out;
	}
	rc = hg_write_all(fd, p, n, err);
	if (rc == 0 && fchmod(fd, mode) < 0)
		rc = hg_fail_errno(err, HG_IO, "cannot set mode of %s", tmp);
	hg_fd_close(&fd);
	if (rc == 0 && rename(tmp, path) < 0)
		rc = hg_fail_errno(err, HG_IO, "cannot rename to %s", path);
	if (rc)
		unlink(tmp);
out:
	free(tmp);
	return rc;
}
