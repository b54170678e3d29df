/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A program that tries to get out of a sandbox. It is run there in the place of a
 * compiler; the test that does so (t4110) is outside, and tells it what there is
 * to find: HG_ESCAPE_NAME=VALUE in its environment.
 */
#ifndef HG_TESTS_ESCAPE_H
#define HG_TESTS_ESCAPE_H

#include <stdbool.h>
#include <stddef.h>

struct attempt {
	/* what is to hold */
	const char *claim;
	/* true if it held; otherwise *ret_how may be set, to a constant */
	bool (*fn)(const char **ret_how);
};

struct attempts {
	const struct attempt *v;
	size_t n;
};

extern const struct attempts escape_files;
extern const struct attempts escape_network;
extern const struct attempts escape_processes;
extern const struct attempts escape_powers;
extern const struct attempts escape_bounds;

#define ATTEMPTS(name, table) \
	const struct attempts name = { table, sizeof(table) / sizeof(*(table)) }

/* What the test tells; "" if it does not. */
const char *told(const char *name);
long told_number(const char *name);

/* Can the file be opened? flags as for open(). */
bool can_open(const char *path, int flags);

#endif
