/* SPDX-License-Identifier: Apache-2.0 */
/* The table of reason codes. */
#include "config.h"

#include <string.h>

#include "lib/base/reason.h"

static const struct {
	const char *name;
	enum hg_reason_class class;
	const char *text;
} reasons[HG_REASON_COUNT] = {
#define HG_REASON(n, c, t) { #n, HG_REASON_CLASS_##c, t },
#include "lib/base/reasons.def"
};

const char *
hg_reason_name(enum hg_reason r)
{
	return r < HG_REASON_COUNT ? reasons[r].name : "unknown";
}

const char *
hg_reason_text(enum hg_reason r)
{
	return r < HG_REASON_COUNT ? reasons[r].text : "unknown reason";
}

enum hg_reason_class
hg_reason_class(enum hg_reason r)
{
	return r < HG_REASON_COUNT ? reasons[r].class : HG_REASON_CLASS_PASS;
}

enum hg_reason
hg_reason_parse(const char *name)
{
	for (int i = 0; i < HG_REASON_COUNT; i++)
		if (strcmp(name, reasons[i].name) == 0)
			return (enum hg_reason)i;
	return HG_REASON_COUNT;
}
