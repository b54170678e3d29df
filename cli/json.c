/* SPDX-License-Identifier: Apache-2.0 */
/* Printing JSON. */
#include "config.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "cli/json.h"
#include "lib/base/alloc.h"
#include "lib/base/error.h"

json_t *
hg_json_text(const char *s)
{
	json_t *j = json_string(s);
	char *copy;

	if (j)
		return j;
	copy = hg_xstrdup(s);
	for (char *p = copy; *p; p++) {
		if ((unsigned char)*p >= 0x80)
			*p = '?';
	}
	j = json_string(copy);
	free(copy);
	return j;
}

int
hg_json_print(json_t *root)
{
	int rc = json_dumpf(root, stdout, JSON_INDENT(2));

	json_decref(root);
	putchar('\n');
	return rc < 0 || fflush(stdout) != 0 ? hg_code_exit(HG_IO) : 0;
}
