/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Makes all attempts and prints one line for each: "held" or "ESCAPED", and the
 * claim. With "leave" as its argument it only leaves processes behind, with
 * "memory" it uses memory until it is killed.
 */
#include "config.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/escape/escape.h"

#define CHUNK ((size_t)16 << 20)

const char *
told(const char *name)
{
	char full[64];
	const char *value;

	snprintf(full, sizeof(full), "HG_ESCAPE_%s", name);
	value = getenv(full);
	return value ? value : "";
}

long
told_number(const char *name)
{
	return strtol(told(name), NULL, 10);
}

bool
can_open(const char *path, int flags)
{
	int fd = open(path, flags | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

static int
make_all(const struct attempts *a)
{
	int escaped = 0;

	for (size_t i = 0; i < a->n; i++) {
		const char *how = "";
		bool held = a->v[i].fn(&how);

		if (held)
			how = "";
		printf("%s %s%s%s\n", held ? "held" : "ESCAPED",
		    a->v[i].claim, *how ? ": " : "", how);
		/* a child must not print it again */
		fflush(stdout);
		escaped += !held;
	}
	return escaped;
}

/* A child, an orphan of its own session, and one that hears no signal. */
static int
leave(void)
{
	const char *mark = told("MARK");

	for (int i = 0; i < 3; i++) {
		if (fork() != 0)
			continue;
		if (i > 0)
			setsid();
		if (i > 1 && fork() != 0)
			_exit(0);
		execl("/usr/bin/sleep", "sleep", mark, (char *)NULL);
		_exit(1);
	}
	if (*told("STAY"))
		for (;;)
			pause();
	return 0;
}

static int
use_memory(void)
{
	for (size_t i = 0; i < 4096; i++) {
		char *p = malloc(CHUNK);

		if (!p)
			break;
		memset(p, 1, CHUNK);
		/* or else the compiler leaves all this out */
		__asm__ volatile("" : : "r"(p) : "memory");
	}
	return 3;
}

int
main(int argc, char **argv)
{
	const struct attempts *all[] = {
		&escape_files,
		&escape_network,
		&escape_processes,
		&escape_powers,
		&escape_bounds,
	};
	int escaped = 0;

	if (argc > 1 && strcmp(argv[1], "leave") == 0)
		return leave();
	if (argc > 1 && strcmp(argv[1], "memory") == 0)
		return use_memory();
	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++)
		escaped += make_all(all[i]);
	printf("end %d\n", escaped);
	return escaped ? EXIT_FAILURE : EXIT_SUCCESS;
}
