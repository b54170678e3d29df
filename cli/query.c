/* SPDX-License-Identifier: Apache-2.0 */
/* One question to the coordinator, through hg-call. */
#include "config.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/query.h"
#include "lib/base/alloc.h"
#include "lib/base/fd.h"
#include "lib/base/limits.h"
#include "lib/base/part.h"
#include "lib/base/time.h"
#include "lib/proc/proc.h"

/* What hg-call gets on top of the call's own time. */
#define GRACE_NS (5 * HG_NS_PER_SEC)

/* A person waits: the long time for compiles counts only when just given. */
static uint64_t
timeout_ns(const struct hg_config *cfg)
{
	if (strncmp(cfg->origin[HG_OPT_launcher_timeout], "flag ", 5) == 0)
		return cfg->launcher_timeout;
	return cfg->agent_connect_wait;
}

static int
body_fd(const struct hg_strbuf *body, struct hg_error *err)
{
	int fd = memfd_create("body", MFD_CLOEXEC);

	if (fd < 0)
		return hg_fail_errno(err, HG_IO, "cannot make a file");
	if (hg_write_all(fd, body->buf, body->len, err) == 0 &&
	    lseek(fd, 0, SEEK_SET) == 0)
		return fd;
	hg_fd_close(&fd);
	return -HG_IO;
}

/* "UNAVAILABLE sentence" */
static int
take_error(const char *text, struct hg_error *err)
{
	size_t n = strcspn(text, " ");

	for (int c = 1; c < HG_CODE_COUNT; c++) {
		const char *name = hg_code_name((enum hg_code)c);

		if (text[n] == ' ' && strlen(name) == n &&
		    strncmp(name, text, n) == 0)
			return hg_fail(err, (enum hg_code)c, "%.*s",
			    (int)strcspn(text + n + 1, "\n"), text + n + 1);
	}
	return hg_fail(err, HG_INTERNAL, "hg-call failed: %.*s",
	    (int)strcspn(text, "\n"), text);
}

static int
ask(const char *program, const char *target, const char *method,
    uint64_t limit_ns, const struct hg_strbuf *body, struct hg_strbuf *ret,
    struct hg_error *err)
{
	char *ms = hg_xasprintf("%" PRIu64, limit_ns / HG_NS_PER_MS);
	const char *argv[] = { program, target, method, ms, NULL };
	struct hg_proc_spec spec = HG_PROC_SPEC_INIT;
	struct hg_proc_result result = { 0 };
	int fd = body_fd(body, err), rc = fd;

	if (fd < 0)
		goto out;
	spec.argv = argv;
	spec.stdin_fd = fd;
	spec.timeout_ns = limit_ns + GRACE_NS;
	spec.max_capture_bytes = HG_MAX_MESSAGE_BYTES;
	rc = hg_proc_run(&spec, &result, err);
	if (rc == 0 && result.end == HG_PROC_TIMED_OUT)
		rc = hg_fail(err, HG_TIMEOUT, "no answer in time");
	else if (rc == 0 && result.status != 0)
		rc = take_error(result.err.buf, err);
	else if (rc == 0)
		hg_strbuf_add(ret, result.out.buf, result.out.len);
	hg_proc_result_release(&result);
out:
	hg_fd_close(&fd);
	free(ms);
	return rc;
}

int
hg_query(const struct hg_cli *cli, const char *method,
    const struct hg_strbuf *body, struct hg_strbuf *ret_reply,
    char **ret_target, struct hg_error *err)
{
	const char *list = cli->cfg.launcher_coordinator;
	char *program = hg_part_path("hg-call");
	int rc;

	rc = hg_fail(err, HG_NOTFOUND,
	    "no coordinator is configured: use -C or HG_COORDINATOR");
	if (!program)
		return hg_fail(err, HG_NOTFOUND, "cannot find hg-call");
	for (const char *p = list; *p && rc;) {
		size_t n = strcspn(p, ", ");
		char *target = hg_xstrndup(p, n);

		if (n > 0)
			rc = ask(program, target, method, timeout_ns(&cli->cfg),
			    body, ret_reply, err);
		if (n > 0 && rc == 0)
			*ret_target = target;
		else
			free(target);
		if (n > 0 && rc)
			hg_wrap(err, "coordinator %.*s", (int)n, p);
		p += n + (p[n] != '\0');
	}
	free(program);
	return rc;
}
