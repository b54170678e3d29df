/* SPDX-License-Identifier: Apache-2.0 */
/*
 * floor LIST RESULT OUTPUT: the least that any compiler cache must do for a hit,
 * as a program that does nothing else: read a list of files, stat each of them,
 * deliver the stored result as the object. What a launcher takes beyond this is
 * its own cost. Libc alone, linked as the launcher is.
 */
#include "config.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* The file's bytes, or NULL; an empty file counts as not there. */
static char *
map_file(const char *path, size_t *ret_len)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	char *p = NULL;

	if (fd < 0)
		return NULL;
	if (fstat(fd, &st) == 0 && st.st_size > 0) {
		*ret_len = (size_t)st.st_size;
		p = mmap(NULL, *ret_len, PROT_READ | PROT_WRITE, MAP_PRIVATE,
		    fd, 0);
	}
	close(fd);
	return p == MAP_FAILED ? NULL : p;
}

/* list: names, each ended by a newline */
static int
check_files(char *list, size_t len)
{
	char *end = list + len;

	while (list < end) {
		char *nl = memchr(list, '\n', (size_t)(end - list));
		struct stat st;

		if (!nl)
			return -1;
		*nl = '\0';
		if (stat(list, &st) < 0 || st.st_size < 0)
			return -1;
		list = nl + 1;
	}
	return 0;
}

static int
deliver(const char *from, const char *to)
{
	size_t len, done = 0;
	char *p = map_file(from, &len);
	int fd = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);

	if (!p || fd < 0)
		return -1;
	while (done < len) {
		ssize_t k = write(fd, p + done, len - done);

		if (k < 0)
			return -1;
		done += (size_t)k;
	}
	return close(fd);
}

int
main(int argc, char **argv)
{
	size_t len;
	char *list;

	if (argc != 4)
		return EXIT_FAILURE;
	list = map_file(argv[1], &len);
	if (!list || check_files(list, len) < 0)
		return EXIT_FAILURE;
	return deliver(argv[2], argv[3]) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
