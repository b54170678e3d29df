/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The look at sources and headers. Whatever the bytes: no crash, no leak, names
 * end and fit into a path, macros are in order; and what is found with knowledge
 * of the compiler's macros is found without it too.
 */
#include "config.h"

#include <string.h>

#include "lib/base/error.h"
#include "lib/scan/macros.h"
#include "lib/scan/text.h"
#include "tests/fuzz/fuzz.h"

static void
check(const struct hg_text *t)
{
	for (size_t i = 0; i < t->n_refs; i++) {
		size_t n = strlen(t->ref[i].name);

		hg_assert(n > 0 && n < 4096);
	}
	for (size_t i = 1; i < t->n_macros; i++)
		hg_assert(
		    strcmp(t->macro[i - 1].name, t->macro[i].name) <= 0);
	for (size_t i = 0; i < t->n_others; i++)
		hg_assert(hg_text_has_other(t, t->other[i]));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct hg_macros macros = HG_MACROS_INIT;
	struct hg_text *some, *all;

	hg_macros_read(&macros,
	    "#define __cplusplus 201703L\n#define __GNUC__ 12\n");
	some = hg_text_new((const char *)data, size, &macros);
	all = hg_text_new((const char *)data, size, NULL);
	check(some);
	check(all);
	hg_assert(some->n_refs <= all->n_refs);
	hg_text_free(some);
	hg_text_free(all);
	hg_macros_release(&macros);
	return 0;
}
