/* SPDX-License-Identifier: Apache-2.0 */
/* Names of what need not be exact, to a set and back. */
#include "config.h"

#include <string.h>

#include "lib/base/error.h"
#include "lib/base/strbuf.h"
#include "lib/config/sloppiness.h"

const struct hg_sloppiness_info hg_sloppiness_table[HG_SLOPPY_COUNT] = {
#define HG_SLOPPINESS(name, effect, text) \
	{ #name, HG_SLOPPY_EFFECT_##effect, text },
#include "lib/config/sloppiness.def"
};

static int
find(const char *name, size_t n)
{
	for (int i = 0; i < HG_SLOPPY_COUNT; i++)
		if (strlen(hg_sloppiness_table[i].name) == n &&
		    memcmp(hg_sloppiness_table[i].name, name, n) == 0)
			return i;
	return -1;
}

int
hg_sloppiness_parse(const char *text, unsigned *ret, struct hg_error *err)
{
	unsigned set = 0;

	while (*text) {
		size_t n = strcspn(text, ", \t");
		int i = n > 0 ? find(text, n) : 0;

		if (i < 0)
			return hg_fail(err, HG_INVALID,
			    "there is no sloppiness '%.*s'",
			    n > 60 ? 60 : (int)n, text);
		if (n > 0)
			set |= 1U << i;
		text += n + (text[n] != '\0');
	}
	*ret = set;
	return 0;
}

unsigned
hg_sloppiness_kept(unsigned set)
{
	for (int i = 0; i < HG_SLOPPY_COUNT; i++)
		if (hg_sloppiness_table[i].effect != HG_SLOPPY_EFFECT_KEPT)
			set &= ~(1U << i);
	return set;
}

void
hg_sloppiness_format(unsigned set, struct hg_strbuf *out)
{
	const char *comma = "";

	for (int i = 0; i < HG_SLOPPY_COUNT; i++) {
		if (!(set & 1U << i))
			continue;
		hg_strbuf_addf(out, "%s%s", comma, hg_sloppiness_table[i].name);
		comma = ",";
	}
}
