/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Counting processes does not show that a static program was among them: what
 * it runs in turn is seen to begin, but not to be run, and makes up for it. So
 * each program is looked at before it runs.
 */
#include "config.h"

#include <elf.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib/observe/loads.h"

#if __SIZEOF_POINTER__ == 8
typedef Elf64_Ehdr elf_head;
typedef Elf64_Phdr elf_segment;
# define OUR_CLASS ELFCLASS64
#else
typedef Elf32_Ehdr elf_head;
typedef Elf32_Phdr elf_segment;
# define OUR_CLASS ELFCLASS32
#endif

/* What a script names may be a script; the kernel goes no further either. */
enum { MAX_SCRIPTS = 5, MAX_SEGMENTS = 64 };

static bool
has_interpreter(int fd, const elf_head *head)
{
	elf_segment s;

	if (head->e_ident[EI_CLASS] != OUR_CLASS ||
	    head->e_phentsize != sizeof(s) || head->e_phnum > MAX_SEGMENTS)
		return false;
	for (unsigned i = 0; i < head->e_phnum; i++) {
		off_t at = (off_t)(head->e_phoff + i * sizeof(s));

		if (pread(fd, &s, sizeof(s), at) != (ssize_t)sizeof(s))
			return false;
		if (s.p_type == PT_INTERP)
			return true;
	}
	return false;
}

/* The path behind "#!" becomes path; false when there is none. */
static bool
take_interpreter(const char *text, size_t n, char path[PATH_MAX])
{
	size_t from = 2, len = 0;

	while (from < n && (text[from] == ' ' || text[from] == '\t'))
		from++;
	while (from + len < n && !strchr(" \t\n", text[from + len]))
		len++;
	/* cut off at the end of what was read: not known */
	if (len == 0 || from + len == n)
		return false;
	memcpy(path, text + from, len);
	path[len] = '\0';
	return true;
}

/* 1 or 0: as the file itself tells; -1: as what is now in path does. */
static int
look_at(int fd, char path[PATH_MAX])
{
	char text[256];
	ssize_t n = pread(fd, text, sizeof(text), 0);
	elf_head head;
	struct stat st;

	/* such programs do not let others into them */
	if (fstat(fd, &st) < 0 || (st.st_mode & (S_ISUID | S_ISGID)))
		return 0;
	if (n >= (ssize_t)sizeof(head) && memcmp(text, ELFMAG, SELFMAG) == 0) {
		memcpy(&head, text, sizeof(head));
		return has_interpreter(fd, &head);
	}
	if (n > 2 && text[0] == '#' && text[1] == '!' &&
	    take_interpreter(text, (size_t)n, path))
		return -1;
	return 0;
}

bool
hg_observe_loads(const char *program)
{
	char path[PATH_MAX];
	size_t n = strlen(program);
	int answer = -1;

	if (n >= sizeof(path))
		return false;
	memcpy(path, program, n + 1);
	for (int i = 0; answer < 0 && i < MAX_SCRIPTS; i++) {
		/* open() itself is noted by preload.c */
		int fd = (int)syscall(
		    SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC);

		if (fd < 0)
			return false;
		answer = look_at(fd, path);
		close(fd);
	}
	return answer == 1;
}
