/* SPDX-License-Identifier: Apache-2.0 */
/* Taking more of this machine than is given. The limits are what the test told. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/escape/escape.h"

#define MIB ((uint64_t)1 << 20)
#define MAX_CHILDREN 1000

/* The signal would end us; blocked, it leaves an error. */
static void
survive_large_files(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGXFSZ);
	sigprocmask(SIG_BLOCK, &set, NULL);
}

/* Writes until it fails; how much it was. */
static uint64_t
fill(const char *path)
{
	static char block[1 << 20];
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	uint64_t sum = 0;
	ssize_t n;

	memset(block, 'x', sizeof(block));
	while (fd >= 0 && sum < 4096 * MIB &&
	    (n = write(fd, block, sizeof(block))) > 0)
		sum += (uint64_t)n;
	if (fd >= 0)
		close(fd);
	return sum;
}

static bool
disk(const char **ret_how)
{
	uint64_t limit = (uint64_t)told_number("DISK");
	char path[64];
	uint64_t sum = 0;

	(void)ret_how;
	survive_large_files();
	for (int i = 0; i < 20; i++) {
		snprintf(path, sizeof(path), "/tmp/fill-%d", i);
		sum += fill(path);
	}
	for (int i = 0; i < 20; i++) {
		snprintf(path, sizeof(path), "/tmp/fill-%d", i);
		unlink(path);
	}
	return sum > 0 && sum <= limit;
}

static bool
file_size(const char **ret_how)
{
	int fd = open("/tmp/sparse", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	bool held;

	(void)ret_how;
	survive_large_files();
	held = fd >= 0 && ftruncate(fd, (off_t)1 << 40) < 0 && errno == EFBIG;
	if (fd >= 0)
		close(fd);
	unlink("/tmp/sparse");
	return held;
}

/* Empty files take memory as well. */
static bool
files(const char **ret_how)
{
	const int most = 200000;
	char path[64];
	int made = 0;

	(void)ret_how;
	for (; made < most; made++) {
		int fd;

		snprintf(path, sizeof(path), "/tmp/file-%d", made);
		fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
		if (fd < 0)
			break;
		close(fd);
	}
	for (int i = 0; i < made; i++) {
		snprintf(path, sizeof(path), "/tmp/file-%d", i);
		unlink(path);
	}
	return made < most;
}

static bool
descriptors(const char **ret_how)
{
	struct rlimit limit;

	(void)ret_how;
	return getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_max <= 4096;
}

static bool
processes(const char **ret_how)
{
	static pid_t child[MAX_CHILDREN];
	long limit = told_number("PROCESSES");
	long made = 0;

	if (limit <= 0 || limit >= MAX_CHILDREN) {
		*ret_how = "the test tells no limit";
		return false;
	}
	while (made <= limit) {
		pid_t pid = fork();

		if (pid == 0)
			for (;;)
				pause();
		if (pid < 0)
			break;
		child[made++] = pid;
	}
	for (long i = 0; i < made; i++) {
		kill(child[i], SIGKILL);
		waitpid(child[i], NULL, 0);
	}
	return made > 0 && made < limit;
}

static const struct attempt attempts[] = {
	{ "the space for files is bounded", disk },
	{ "the size of a file is bounded", file_size },
	{ "the number of files is bounded", files },
	{ "the number of descriptors is bounded", descriptors },
	{ "the number of processes is bounded", processes },
};

ATTEMPTS(escape_bounds, attempts);
