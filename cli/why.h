/* SPDX-License-Identifier: Apache-2.0 */
/* What differs between the keys of two compiles, in words. */
#ifndef HG_CLI_WHY_H
#define HG_CLI_WHY_H

#include <stddef.h>

#include "lib/store/record.h"

/* One difference. */
struct hg_change {
	/* the part of the key, as plan.c names it */
	char *field;
	/* as they were and are; NULL: there was or is none, or not for people */
	char *was;
	char *now;
	/* "argument -DX=1 is now -DX=2" */
	char *text;
};

struct hg_changes {
	struct hg_change *v;
	size_t n;
};

/* What of the parts differs from those of the time before. */
void hg_changes_find(const struct hg_record *was, const struct hg_record *now,
    struct hg_changes *ret);
void hg_changes_release(struct hg_changes *c);

#endif
