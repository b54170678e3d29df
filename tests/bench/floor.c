/* SPDX-License-Identifier: Apache-2.0 */
/*
 * floor HOW LIST RESULT OUTPUT: the least that any compiler cache must do for a
 * hit, as a program that does nothing else: read a list of files (source and
 * headers), stat each of them, deliver the stored result as the object. It checks
 * nothing, looks for nothing that is missing, and writes no dependency file. What
 * a launcher takes beyond this is its own cost. Libc alone, linked as the
 * launcher is.
 *
 * HOW the object gets where an older one is: "cut" empties that first, as most
 * programs do; "over" writes over it, which on some file systems is much less,
 * and right only for an object of the same size.
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
deliver(const char *from, const char *to, int how)
{
	size_t len, done = 0;
	char *p = map_file(from, &len);
	int fd = open(to, O_WRONLY | O_CREAT | O_CLOEXEC | how, 0666);

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
	int how;

	if (argc != 5)
		return EXIT_FAILURE;
	how = strcmp(argv[1], "cut") == 0 ? O_TRUNC : 0;
	list = map_file(argv[2], &len);
	if (!list || check_files(list, len) < 0)
		return EXIT_FAILURE;
	return deliver(argv[3], argv[4], how) == 0 ? EXIT_SUCCESS
						   : EXIT_FAILURE;
}
