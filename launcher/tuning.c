/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the user has decided about keys and inputs. All of it is off by default,
 * and costs a comparison with zero then.
 */
#include "config.h"

#include <string.h>

#include "launcher/tuning.h"
#include "lib/base/alloc.h"
#include "lib/observe/observe.h"

/* Where headers and libraries are that come with the system. */
static const char *const system_folders[] = { "/usr/include/", "/usr/lib/",
	"/usr/lib32/", "/usr/lib64/", "/usr/libx32/", "/usr/local/include/",
	"/usr/local/lib/", "/usr/local/lib64/", "/lib/", "/lib32/", "/lib64/" };

static bool
begins_with(const char *s, const char *with)
{
	return strncmp(s, with, strlen(with)) == 0;
}

/*
 * Whether a list has the n bytes of word; an entry that ends in * stands for
 * all that begin so.
 */
static bool
list_has(const char *list, const char *between, const char *word, size_t n)
{
	while (*list) {
		size_t k = strcspn(list, between);

		if (k > 0 && list[k - 1] == '*'
			? n >= k - 1 && memcmp(list, word, k - 1) == 0
			: k == n && k > 0 && memcmp(list, word, k) == 0)
			return true;
		list += k + (list[k] != '\0');
	}
	return false;
}

size_t
hg_tuning_ignored(const struct hg_config *cfg, char *const *words)
{
	static const char overlay[] = "-ivfsoverlay";
	const char *list = cfg->launcher_ignore_options, *word = words[0];

	if (!*list && !cfg->launcher_sloppiness)
		return 0;
	if (list_has(list, " \t", word, strlen(word)))
		return 1;
	if (hg_is_sloppy(cfg, HG_SLOPPY_random_seed) &&
	    begins_with(word, "-frandom-seed="))
		return 1;
	if (hg_is_sloppy(cfg, HG_SLOPPY_ivfsoverlay) &&
	    begins_with(word, overlay))
		return word[sizeof(overlay) - 1] || !words[1] ? 1 : 2;
	return 0;
}

static bool
is_locale(const char *variable)
{
	return begins_with(variable, "LANG=") ||
	    begins_with(variable, "LANGUAGE=") || begins_with(variable, "LC_");
}

enum hg_env_effect
hg_tuning_env(const struct hg_config *cfg, const char *variable)
{
	enum hg_env_effect effect = hg_env_effect(variable);

	if (effect == HG_ENV_NONE && *cfg->launcher_env &&
	    list_has(cfg->launcher_env, ", \t", variable,
		strcspn(variable, "=")))
		return HG_ENV_KEY;
	if (effect == HG_ENV_KEY && hg_is_sloppy(cfg, HG_SLOPPY_locale) &&
	    is_locale(variable))
		return HG_ENV_NONE;
	return effect;
}

/* The programs of the compiler are told apart by something else. */
static bool
skips_programs(const char *check)
{
	return strcmp(check, "none") == 0 || begins_with(check, "string:");
}

static bool
is_of_system(const char *path)
{
	for (size_t i = 0; i < sizeof(system_folders) / sizeof(*system_folders);
	     i++)
		if (begins_with(path, system_folders[i]))
			return true;
	return false;
}

bool
hg_tuning_skips(const struct hg_config *cfg, const char *compiler,
    const struct hg_observed *seen)
{
	const char *check = cfg->launcher_compiler_check;

	/* a compiler that is a script reads itself */
	if (strcmp(check, "content") != 0 && strcmp(seen->path, compiler) == 0)
		return true;
	switch (seen->kind) {
	case HG_OBSERVED_RUN:
		return skips_programs(check);
	case HG_OBSERVED_READ:
	case HG_OBSERVED_ABSENT:
	case HG_OBSERVED_FOLDER:
	case HG_OBSERVED_LISTED:
		return hg_is_sloppy(cfg, HG_SLOPPY_system_headers) &&
		    is_of_system(seen->path);
	case HG_OBSERVED_WRITTEN:
	case HG_OBSERVED_OVERWRITTEN:
		break;
	}
	return false;
}

char *
hg_tuning_next_file(const char **at)
{
	const char *from = *at + strspn(*at, ":");
	size_t n = strcspn(from, ":");

	*at = from + n;
	return n > 0 ? hg_xstrndup(from, n) : NULL;
}
