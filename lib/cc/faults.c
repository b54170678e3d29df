/* SPDX-License-Identifier: Apache-2.0 */
/* Looking for signs of trouble with the machine in what a compiler said. */
#include "config.h"

#include <string.h>

#include "lib/cc/faults.h"

const char *
hg_cc_find_fault(const void *said, size_t n)
{
	static const char *const texts[] = {
#define HG_FAULT(text) text,
#include "lib/cc/faults.def"
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		if (memmem(said, n, texts[i], strlen(texts[i])))
			return texts[i];
	return NULL;
}
