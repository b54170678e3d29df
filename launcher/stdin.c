/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A source on standard input can be read once only: by us, for the key. So that
 * the compiler has it, too, whether it is run or exec'ed in the end, standard
 * input is replaced by a file in memory. What is typed at a terminal is left to
 * the compiler.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "launcher/stdin.h"
#include "lib/base/error.h"
#include "lib/base/fd.h"
#include "lib/base/limits.h"
#include "lib/base/strbuf.h"

static bool
can_be_taken(void)
{
	int flags = fcntl(STDIN_FILENO, F_GETFD);
	struct stat st;

	/* what is closed for the compiler is ours, if anything */
	return flags >= 0 && !(flags & FD_CLOEXEC) &&
	    fstat(STDIN_FILENO, &st) == 0 && !S_ISDIR(st.st_mode) &&
	    !S_ISBLK(st.st_mode) && !isatty(STDIN_FILENO);
}

/* What was read is with nobody else: like memory, it must not run out. */
static void
must_write(int fd, const char *p, size_t n)
{
	struct hg_error err;

	if (hg_write_all(fd, p, n, &err) == 0)
		return;
	fprintf(stderr,
	    "hg-launcher: standard input cannot be held in memory: %s\n",
	    err.text);
	abort();
}

static int
copy_all(int to, struct hg_error *err)
{
	char buf[64 << 10];

	for (;;) {
		ssize_t n = read(STDIN_FILENO, buf, sizeof(buf));

		if (n == 0)
			return 0;
		if (n > 0)
			must_write(to, buf, (size_t)n);
		else if (errno != EINTR)
			return hg_fail_errno(
			    err, HG_IO, "cannot read standard input");
	}
}

int
hg_stdin_take(struct hg_strbuf *ret, struct hg_error *err)
{
	int fd = -1, rc;

	if (!can_be_taken())
		return hg_fail(err, HG_UNSUPPORTED,
		    "standard input is no file or pipe");
	fd = memfd_create("hg-stdin", MFD_CLOEXEC);
	if (fd < 0)
		return hg_fail_errno(
		    err, HG_UNSUPPORTED, "cannot make a file in memory");
	rc = copy_all(fd, err);
	if (rc)
		goto out;
	if (lseek(fd, 0, SEEK_SET) < 0 || dup2(fd, STDIN_FILENO) < 0) {
		rc = hg_fail_errno(err, HG_IO, "cannot replace standard input");
		goto out;
	}
	rc = hg_read_fd(fd, HG_MAX_FILE_BYTES, ret, err);
	/* both descriptors have one position */
	lseek(fd, 0, SEEK_SET);
out:
	hg_fd_close(&fd);
	return rc;
}
