/* SPDX-License-Identifier: Apache-2.0 */
/* Which environment variables matter to a compiler. */
#include "config.h"

#include <stddef.h>
#include <string.h>

#include "lib/cc/env.h"

static const struct {
	const char *name;
	size_t len;
	enum hg_env_effect effect;
} table[] = {
#define HG_ENV(n, e) { n, sizeof(n) - 1, HG_ENV_##e },
#include "lib/cc/env.def"
};

enum hg_env_effect
hg_env_effect(const char *variable)
{
	size_t n = strcspn(variable, "=");

	for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
		const char *name = table[i].name;
		size_t len = table[i].len;

		if (name[0] < variable[0])
			continue;
		if (name[0] > variable[0])
			break;
		if (name[len - 1] == '*'
			? n >= len - 1 && memcmp(variable, name, len - 1) == 0
			: n == len && memcmp(variable, name, len) == 0)
			return table[i].effect;
	}
	return HG_ENV_NONE;
}
