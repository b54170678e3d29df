/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Asking drivers (-print-prog-name and the like) and the dynamic loader
 * (LD_TRACE_LOADED_OBJECTS), with a bare environment.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/alloc.h"
#include "lib/base/error.h"
#include "lib/base/path.h"
#include "lib/base/strvec.h"
#include "lib/base/time.h"
#include "lib/proc/proc.h"
#include "lib/toolchain/ask.h"

/* A driver that is asked for a name answers in a millisecond. */
#define ASK_TIMEOUT_NS (20 * HG_NS_PER_SEC)
#define ASK_MAX_BYTES  65536

/* Runs argv with a bare environment in a folder where nothing can be written. */
static int
ask(const char *const *argv, const char *path_list, const char *more_env,
    struct hg_proc_result *r, struct hg_error *err)
{
	struct hg_proc_spec spec = HG_PROC_SPEC_INIT;
	struct hg_strvec env = HG_STRVEC_INIT;
	int rc;

	hg_strvec_addf(&env, "PATH=%s", path_list);
	hg_strvec_add(&env, "LC_ALL=C");
	if (more_env)
		hg_strvec_add(&env, more_env);
	spec.argv = argv;
	spec.envp = (const char *const *)env.v;
	spec.cwd = "/proc";
	spec.timeout_ns = ASK_TIMEOUT_NS;
	spec.max_capture_bytes = ASK_MAX_BYTES;
	rc = hg_proc_run(&spec, r, err);
	if (rc == 0 && r->end == HG_PROC_TIMED_OUT)
		rc = hg_fail(err, HG_TIMEOUT,
		    "%s %s did not end", argv[0], argv[1]);
	hg_strvec_release(&env);
	return rc;
}

int
hg_toolchain_ask(const char *compiler, const char *option,
    const char *path_list, char **ret, struct hg_error *err)
{
	const char *const argv[] = { compiler, option, NULL };
	struct hg_proc_result r;
	int rc = ask(argv, path_list, NULL, &r, err);

	*ret = NULL;
	if (rc == 0 && r.end == HG_PROC_EXITED && r.status == 0)
		*ret = hg_xstrndup(r.out.buf, strcspn(r.out.buf, "\n"));
	hg_proc_result_release(&r);
	return rc;
}

/* A name that is printed back unchanged is one for PATH. */
int
hg_toolchain_program(const char *compiler, const char *name,
    const char *path_list, char **ret, struct hg_error *err)
{
	char *option = hg_xasprintf("-print-prog-name=%s", name);
	int rc = hg_toolchain_ask(compiler, option, path_list, ret, err);

	if (*ret && **ret != '/') {
		char *found = strcmp(*ret, name) == 0
		    ? hg_path_search(name, path_list)
		    : NULL;

		free(*ret);
		*ret = found;
	}
	free(option);
	return rc;
}

int
hg_toolchain_dry_run(const char *const *argv, const char *path_list,
    char **ret, struct hg_error *err)
{
	struct hg_strvec words = HG_STRVEC_INIT;
	struct hg_proc_result r;
	char *line;
	int rc;

	hg_strvec_add_all(&words, argv);
	hg_strvec_add(&words, "-###");
	rc = ask((const char *const *)words.v, path_list, NULL, &r, err);
	/* commands are what stands behind a blank */
	line = rc == 0 ? strstr(r.err.buf, "\n ") : NULL;
	if (line)
		*ret = hg_xstrndup(line + 1, strcspn(line + 1, "\n"));
	else if (rc == 0)
		rc = hg_fail(err, HG_UNSUPPORTED,
		    "%s does not say what it would run", argv[0]);
	hg_proc_result_release(&r);
	hg_strvec_release(&words);
	return rc;
}

/* A line of the loader: "\tNAME => PATH (0x...)", or "\tPATH (0x...)". */
static void
take_library(char *line, struct hg_strvec *ret)
{
	char *path = line + strspn(line, " \t");
	char *arrow = strstr(path, " => ");
	char *end;

	if (arrow)
		path = arrow + strlen(" => ");
	end = strstr(path, " (0x");
	if (*path != '/' || !end)
		return;
	*end = '\0';
	hg_strvec_add(ret, path);
}

/* --version is for static programs, which know nothing of the variable. */
int
hg_toolchain_libraries(const char *program, const char *path_list,
    struct hg_strvec *ret, struct hg_error *err)
{
	const char *const argv[] = { program, "--version", NULL };
	struct hg_proc_result r;
	int rc = ask(argv, path_list, "LD_TRACE_LOADED_OBJECTS=1", &r, err);

	for (char *at = r.out.buf; rc == 0 && *at;) {
		size_t n = strcspn(at, "\n");
		char *next = at + n + (at[n] == '\n');

		at[n] = '\0';
		take_library(at, ret);
		at = next;
	}
	hg_proc_result_release(&r);
	return rc;
}
