/* SPDX-License-Identifier: Apache-2.0 */
/*
 * "-E -Wp,-v -dM" makes GCC and Clang alike print the folders that they search, on
 * stderr, and their macros. So that one answer serves all commands that differ
 * only in their folders, the question names one folder of each kind that is
 * always there, spelled as nobody does, and its place in the list is where the
 * command's own go.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/alloc.h"
#include "lib/base/error.h"
#include "lib/base/path.h"
#include "lib/base/strbuf.h"
#include "lib/base/time.h"
#include "lib/observe/observe.h"
#include "lib/proc/proc.h"
#include "lib/wire/agent_msg.h"
#include "services/agent/driver.h"
#include "services/agent/includes.h"
#include "services/agent/request.h"
#include "services/agent/search.h"

#define MAX_ANSWER_BYTES ((size_t)4 << 20)
#define TIMEOUT_NS	 (20 * HG_NS_PER_SEC)

/* Different folders, so that none is left out as another's double. */
static const char *const placeholders[HG_INCLUDE_KINDS] = {
	[HG_INCLUDE_QUOTE] = "/dev/.",
	[HG_INCLUDE_USER] = "/proc/.",
	[HG_INCLUDE_SYSTEM] = "/etc/.",
	[HG_INCLUDE_AFTER] = "/tmp/.",
};

/* Variables that change what drivers do. */
static const char *const variables[] = { "CCC_OVERRIDE_OPTIONS",
	"CLANG_CONFIG_FILE_SYSTEM_DIR", "CLANG_CONFIG_FILE_USER_DIR",
	"COMPILER_PATH", "CPATH", "CPLUS_INCLUDE_PATH", "C_INCLUDE_PATH",
	"GCC_EXEC_PREFIX", "OBJCPLUS_INCLUDE_PATH", "OBJC_INCLUDE_PATH", "PATH",
	"SDKROOT" };

/* Where drivers are asked. */
#define SCRATCH "/tmp/hybridgrid-"

#define COUNT(a) (sizeof(a) / sizeof(*(a)))

int
hg_driver_placeholder(const char *folder)
{
	for (int i = 0; i < HG_INCLUDE_KINDS; i++)
		if (strcmp(folder, placeholders[i]) == 0)
			return i;
	return -1;
}

void
hg_driver_key(const struct hg_agent_request *request,
    const struct hg_includes *includes, struct hg_strbuf *out)
{
	hg_strbuf_addf(out, "%s\n%s\n", request->compiler, includes->language);
	for (size_t i = 0; i < includes->ask.n; i++)
		hg_strbuf_addf(out, "%s\n", includes->ask.v[i]);
	for (size_t i = 0; i < COUNT(variables); i++) {
		const char *value = hg_request_env(request, variables[i]);

		if (value && *value)
			hg_strbuf_addf(out, "%s=%s\n", variables[i], value);
	}
	/* relative names are relative to it */
	if (includes->is_whole)
		hg_strbuf_addf(out, "in %s\n", request->cwd);
}

/* ---- the question ------------------------------------------------------- */

static int
run(struct hg_search *search, const struct hg_agent_request *request,
    const struct hg_includes *includes, uint64_t timeout_ns, int cancel_fd,
    struct hg_observed_list *seen, struct hg_proc_result *result,
    struct hg_error *err)
{
	struct hg_strvec args = HG_STRVEC_INIT;
	struct hg_search_command command = {
		/* the answer is read by a program */
		.more_env = "LC_ALL=C",
		.max_capture_bytes = MAX_ANSWER_BYTES,
	};
	char scratch[] = SCRATCH "XXXXXX";
	int rc;

	for (size_t i = 0; i < includes->ask.n; i++)
		hg_strvec_add(&args, includes->ask.v[i]);
	for (int i = 0; !includes->is_whole && i < HG_INCLUDE_KINDS; i++) {
		hg_strvec_add(&args, hg_include_option((enum hg_include_kind)i));
		hg_strvec_add(&args, placeholders[i]);
	}
	hg_strvec_add(&args, "-E");
	/* not -v, which makes Clang's driver look for what it does not need */
	hg_strvec_add(&args, "-Wp,-v");
	hg_strvec_add(&args, "-dM");
	hg_strvec_add(&args, "-x");
	hg_strvec_add(&args, includes->language);
	hg_strvec_add(&args, "/dev/null");
	command.args = (const char *const *)args.v;
	command.n_args = args.n;
	if (timeout_ns > TIMEOUT_NS)
		timeout_ns = TIMEOUT_NS;
	/* options may write files, which are nobody's */
	if (!mkdtemp(scratch)) {
		rc = hg_fail_errno(err, HG_IO, "cannot make a folder in /tmp");
		goto out;
	}
	if (!includes->is_whole)
		command.cwd = scratch;
	rc = hg_search_ask(search, request, &command, timeout_ns, cancel_fd,
	    seen, result, err);
	hg_remove_tree(scratch, NULL);
out:
	hg_strvec_release(&args);
	return rc;
}

/* ---- the answer --------------------------------------------------------- */

static bool
begins(const char *line, const char *with)
{
	return strncmp(line, with, strlen(with)) == 0;
}

/* ignoring nonexistent directory "/x" */
static void
note_missing(struct hg_driver *d, const char *line, size_t n)
{
	const char *open = memchr(line, '"', n);
	size_t at = open ? (size_t)(open - line) + 1 : n;

	if (at < n && line[n - 1] == '"')
		hg_strvec_add_take(
		    &d->missing, hg_xstrndup(line + at, n - 1 - at));
}

static bool
read_folders(struct hg_driver *d, const char *text)
{
	struct hg_strvec *list = NULL;

	for (const char *p = text; *p;) {
		size_t n = strcspn(p, "\n");

		if (begins(p, "ignoring nonexistent directory"))
			note_missing(d, p, n);
		else if (begins(p, "#include \"...\" search starts"))
			list = &d->quote;
		else if (begins(p, "#include <...> search starts"))
			list = &d->angle;
		else if (begins(p, "End of search list"))
			return list == &d->angle;
		else if (list && *p == ' ')
			hg_strvec_add_take(list, hg_xstrndup(p + 1, n - 1));
		p += n + (p[n] == '\n');
	}
	return false;
}

/* Every placeholder must have come back, or the lists are not what we think. */
static bool
has_placeholders(const struct hg_driver *d)
{
	for (int i = 0; i < HG_INCLUDE_KINDS; i++)
		if (hg_strvec_find(&d->quote, placeholders[i]) < 0 &&
		    hg_strvec_find(&d->angle, placeholders[i]) < 0)
			return false;
	return true;
}

static void
read_seen(struct hg_driver *d, const struct hg_observed_list *seen)
{
	for (size_t i = 0; i < seen->n; i++) {
		const struct hg_observed *o = &seen->v[i];

		switch (o->kind) {
		case HG_OBSERVED_READ:
		case HG_OBSERVED_FOLDER:
		case HG_OBSERVED_LISTED:
			if (hg_driver_placeholder(o->path) < 0 &&
			    strncmp(o->path, SCRATCH, strlen(SCRATCH)) != 0)
				hg_strvec_add(&d->base, o->path);
			d->has_predef |= strcmp(hg_path_base(o->path),
					     "stdc-predef.h") == 0;
			break;
		case HG_OBSERVED_RUN:
			hg_strvec_add(&d->programs, o->path);
			break;
		case HG_OBSERVED_ABSENT:
		case HG_OBSERVED_WRITTEN:
		case HG_OBSERVED_OVERWRITTEN:
			break;
		}
	}
}

static void
identify(struct hg_driver *d)
{
	struct hg_strbuf text = HG_STRBUF_INIT;
	struct hg_digest digest;

	hg_macros_describe(&d->known, &text);
	hg_digest_bytes(text.buf, text.len, &digest);
	hg_digest_hex(&digest, d->known_id);
	hg_strbuf_release(&text);
}

struct hg_driver *
hg_driver_ask(struct hg_search *search, const struct hg_agent_request *request,
    const struct hg_includes *includes, uint64_t timeout_ns, int cancel_fd,
    struct hg_error *err)
{
	struct hg_driver *d = hg_xcalloc(1, sizeof(*d));
	struct hg_observed_list seen = { 0 };
	struct hg_proc_result result;
	int rc = run(search, request, includes, timeout_ns, cancel_fd, &seen,
	    &result, err);

	if (rc == 0 && (result.truncated || !read_folders(d, result.err.buf) ||
			   (!includes->is_whole && !has_placeholders(d))))
		rc = hg_fail(err, HG_UNSUPPORTED,
		    "%.150s does not tell where it searches for headers",
		    request->compiler);
	if (rc == 0) {
		hg_macros_read(&d->known, result.out.buf);
		read_seen(d, &seen);
		hg_strvec_add(&d->programs, request->compiler);
		identify(d);
	}
	hg_proc_result_release(&result);
	hg_observed_list_release(&seen);
	if (rc == 0)
		return d;
	hg_driver_free(d);
	return NULL;
}

void
hg_driver_free(struct hg_driver *d)
{
	if (!d)
		return;
	hg_macros_release(&d->known);
	hg_strvec_release(&d->quote);
	hg_strvec_release(&d->angle);
	hg_strvec_release(&d->missing);
	hg_strvec_release(&d->base);
	hg_strvec_release(&d->programs);
	free(d);
}
