/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files of counters. One is filled with zeros when made, so that a full disk
 * cannot take its pages away under us later, and it appears whole or not at all.
 * File systems that never write in place (btrfs) take them away all the same: the
 * guard then puts a page of our own there. What is mapped is noted in this file,
 * as a signal handler can be told nothing.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "lib/base/alloc.h"
#include "lib/base/error.h"
#include "lib/base/fd.h"
#include "lib/base/path.h"
#include "lib/base/time.h"
#include "lib/store/mapped.h"

/* ---- pages that cannot be written -------------------------------------- */

struct range {
	char *at;
	size_t n;
};

/* stats and usage; the cleaner opens its own usage */
static struct range mapped[4];

static void
note_range(const void *p, size_t n, void *at, size_t at_n)
{
	for (size_t i = 0; i < sizeof(mapped) / sizeof(*mapped); i++)
		if (mapped[i].at == p && mapped[i].n == n) {
			mapped[i] = (struct range){ at, at_n };
			return;
		}
}

static bool
is_mapped(const char *p)
{
	for (size_t i = 0; i < sizeof(mapped) / sizeof(*mapped); i++)
		if (p >= mapped[i].at && p < mapped[i].at + mapped[i].n)
			return true;
	return false;
}

/* A page of our own in place of the one at p, with its content if it has any. */
static bool
replace_page(char *p)
{
	size_t n = (size_t)sysconf(_SC_PAGESIZE);
	struct iovec from = { p - (uintptr_t)p % n, n }, to = { NULL, n };

	to.iov_base = mmap(NULL, n, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (to.iov_base == MAP_FAILED)
		return false;
	(void)!process_vm_readv(getpid(), &to, 1, &from, 1, 0);
	return mremap(to.iov_base, n, n, MREMAP_MAYMOVE | MREMAP_FIXED,
		   from.iov_base) != MAP_FAILED;
}

static void
on_bus_error(int sig, siginfo_t *info, void *context)
{
	struct sigaction usual = { .sa_handler = SIG_DFL };
	int saved = errno;

	(void)context;
	/* back to the instruction that failed, which ends us if it was not ours */
	if (!is_mapped(info->si_addr) || !replace_page(info->si_addr))
		sigaction(sig, &usual, NULL);
	errno = saved;
}

void
hg_mapped_guard(void)
{
	struct sigaction guard = { .sa_sigaction = on_bus_error,
		.sa_flags = SA_SIGINFO };

	sigaction(SIGBUS, &guard, NULL);
}

/* ---- files ------------------------------------------------------------- */

/* The first one stays, where the file system can make links. */
static void
appear(const char *tmp, const char *path)
{
	if (link(tmp, path) < 0 && errno != EEXIST)
		(void)!rename(tmp, path);
}

static int
make_file(const char *dir, const char *path, size_t n, struct hg_error *err)
{
	char *tmp = hg_xasprintf("%s.%ld.%" PRIx64 ".tmp", path, (long)getpid(),
	    hg_now_ns());
	char *zeros = hg_xcalloc(1, n);
	int fd, rc;

	rc = hg_mkdir_p(dir, err);
	fd = rc ? -1 : open(tmp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
	if (rc == 0 && fd < 0)
		rc = hg_fail_errno(err, HG_IO, "cannot create %s", tmp);
	if (rc == 0)
		rc = hg_write_all(fd, zeros, n, err);
	hg_fd_close(&fd);
	if (rc == 0)
		appear(tmp, path);
	unlink(tmp);
	free(zeros);
	free(tmp);
	return rc;
}

/* Opens the file, made if there is none; -1 and err. */
static int
open_file(const char *dir, const char *path, size_t n, struct hg_error *err)
{
	int fd = open(path, O_RDWR | O_CLOEXEC);

	if (fd < 0 && errno == ENOENT) {
		if (make_file(dir, path, n, err) != 0)
			return -1;
		fd = open(path, O_RDWR | O_CLOEXEC);
	}
	if (fd < 0)
		hg_fail_errno(err, HG_IO, "cannot use %s", path);
	return fd;
}

void *
hg_mapped_open(const char *dir, const char *name, size_t n, int *ret_fd,
    struct hg_error *err)
{
	char *path = hg_path_join(dir, name);
	int fd = open_file(dir, path, n, err);
	void *p = MAP_FAILED;
	struct stat st;

	if (fd < 0)
		goto out;
	if (fstat(fd, &st) < 0 || st.st_size != (off_t)n) {
		hg_fail(err, HG_CORRUPT,
		    "%s has not the size it should have: remove it", path);
	} else {
		p = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
		if (p == MAP_FAILED)
			hg_fail_errno(err, HG_IO, "cannot map %s", path);
	}
	if (p != MAP_FAILED)
		note_range(NULL, 0, p, n);
	if (p != MAP_FAILED && ret_fd)
		*ret_fd = fd;
	else
		hg_fd_close(&fd);
out:
	free(path);
	return p == MAP_FAILED ? NULL : p;
}

void
hg_mapped_close(void *p, size_t n)
{
	note_range(p, n, NULL, 0);
	munmap(p, n);
}
