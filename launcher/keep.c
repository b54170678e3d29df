/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Failed compiles are results like others (a configure script makes hundreds),
 * but only if nothing but the sources can have been the reason. Messages are
 * known in English only, so in other languages no failure is kept.
 *
 * The compiler asks for the local time once, for the date and the time of day
 * alike; which of them a source uses is told by its text.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "launcher/job.h"
#include "launcher/keep.h"
#include "lib/base/fd.h"
#include "lib/base/limits.h"
#include "lib/base/strbuf.h"
#include "lib/cc/faults.h"
#include "lib/observe/observe.h"

/* Above, a status is the shell's or ours: not found, killed by a signal. */
enum { MAX_COMPILER_STATUS = 125 };

static bool
speaks_english(void)
{
	static const char *const names[] = { "LC_ALL", "LC_MESSAGES", "LANG" };

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		const char *value = getenv(names[i]);

		if (value && *value)
			return strcmp(value, "C") == 0 ||
			    strncmp(value, "C.", 2) == 0 ||
			    strcmp(value, "POSIX") == 0 ||
			    (strncmp(value, "en", 2) == 0 &&
				!getenv("LANGUAGE"));
	}
	return true;
}

bool
hg_keep_failure(struct hg_job *job, int exit_code, const void *err,
    size_t err_n, const struct hg_observed_list *seen)
{
	const char *doubt = NULL;

	if (!job->config.cache_failures)
		doubt = "cache.failures is off";
	else if (exit_code > MAX_COMPILER_STATUS)
		doubt = "not a compiler's exit status";
	else if (seen->has_fault)
		doubt = "a file could not be opened";
	else if (!speaks_english())
		doubt = "the compiler's messages are not in English";
	else
		doubt = hg_cc_find_fault(err, err_n);
	if (doubt)
		snprintf(job->detail, sizeof(job->detail), "%s", doubt);
	return !doubt;
}

static bool
mentions(const char *text, size_t n, const char *const *words)
{
	for (; *words; words++)
		if (memmem(text, n, *words, strlen(*words)))
			return true;
	return false;
}

bool
hg_args_mention(const struct hg_job *job, const char *const *words)
{
	const struct hg_strvec *args = &job->command.args;

	for (size_t i = 0; i < args->n; i++)
		if (mentions(args->v[i], strlen(args->v[i]), words))
			return true;
	return false;
}

/* Clang finds the system's headers by way of its own folder. */
static bool
is_of_system(const char *path)
{
	static const char *const folders[] = { "/usr/include/", "/usr/lib/",
		"/usr/bin/../" };

	for (size_t i = 0; i < sizeof(folders) / sizeof(*folders); i++)
		if (strncmp(path, folders[i], strlen(folders[i])) == 0)
			return true;
	return false;
}

bool
hg_inputs_mention(const struct hg_observed_list *seen,
    const char *const *words, bool with_system)
{
	struct hg_strbuf text = HG_STRBUF_INIT;
	bool found = false;

	for (size_t i = 0; !found && i < seen->n; i++) {
		const struct hg_observed *o = &seen->v[i];

		if (o->kind != HG_OBSERVED_READ || o->only_seen ||
		    (!with_system && is_of_system(o->path)))
			continue;
		hg_strbuf_reset(&text);
		/* what cannot be read now is for others to judge */
		if (hg_read_file(o->path, HG_MAX_FILE_BYTES, &text, NULL) == 0)
			found = mentions(text.buf, text.len, words);
	}
	hg_strbuf_release(&text);
	return found;
}

bool
hg_keep_for_today(
    const struct hg_job *job, const struct hg_observed_list *seen)
{
	static const char *const date[] = { "__DATE__", NULL };
	static const char *const finer[] = { "__TIME", NULL };

	/* what was on standard input is not looked at again */
	if (job->command.from_stdin || hg_args_mention(job, finer) || hg_inputs_mention(seen, finer, true))
		return false;
	return hg_args_mention(job, date) || hg_inputs_mention(seen, date, true);
}
