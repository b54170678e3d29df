/* SPDX-License-Identifier: Apache-2.0 */
/* The launcher's log: one write a line, so that lines of processes never mix. */
#include "config.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>

#include "launcher/job.h"
#include "launcher/log.h"
#include "lib/base/error.h"
#include "lib/base/fd.h"
#include "lib/base/strbuf.h"
#include "lib/base/time.h"

static void
add_name(struct hg_strbuf *line, const char *name)
{
	hg_strbuf_addc(line, '\t');
	if (!name || !*name)
		name = "-";
	for (; *name; name++) {
		switch (*name) {
		case '\t':
			hg_strbuf_adds(line, "\\t");
			break;
		case '\n':
			hg_strbuf_adds(line, "\\n");
			break;
		case '\\':
			hg_strbuf_adds(line, "\\\\");
			break;
		default:
			hg_strbuf_addc(line, *name);
			break;
		}
	}
}

void
hg_launcher_log(const struct hg_job *job, int exit_code)
{
	const struct hg_cc_command *c = &job->command;
	struct hg_strbuf line = HG_STRBUF_INIT;
	int fd;

	if (!*job->config.launcher_log)
		return;
	fd = open(job->config.launcher_log,
	    O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0666);
	if (fd < 0)
		return;
	hg_strbuf_addf(&line, "v1\t%" PRIu64, hg_wall_ns());
	add_name(&line, getenv("HG_BUILD_ID"));
	add_name(&line, hg_reason_name(job->reason));
	hg_strbuf_addf(&line, "\t%" PRIu64,
	    (hg_now_ns() - job->began_ns) / HG_NS_PER_MS);
	add_name(&line, job->worker);
	hg_strbuf_addf(&line, "\t%d", exit_code);
	add_name(&line, c->sources.n ? c->sources.v[0] : NULL);
	add_name(&line, c->output);
	add_name(&line, job->detail);
	hg_strbuf_addc(&line, '\n');
	(void)!hg_write_all(fd, line.buf, line.len, NULL);
	hg_fd_close(&fd);
	hg_strbuf_release(&line);
}
