/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The log of the services. Its one static variable is the level, set by main
 * before any thread starts.
 */
#include "config.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/error.h"
#include "lib/base/log.h"
#include "lib/base/strbuf.h"
#include "lib/base/time.h"

static const struct {
	const char *name;
	int syslog;
} levels[] = {
	[HG_LOG_ERR] = { "err", 3 },
	[HG_LOG_WARNING] = { "warning", 4 },
	[HG_LOG_NOTICE] = { "notice", 5 },
	[HG_LOG_INFO] = { "info", 6 },
	[HG_LOG_DEBUG] = { "debug", 7 },
};

static enum hg_log_level max_level = HG_LOG_NOTICE;

void
hg_log_open(enum hg_log_level level)
{
	max_level = level;
}

int
hg_log_level_parse(const char *text, enum hg_log_level *ret)
{
	for (size_t i = 0; i < sizeof(levels) / sizeof(*levels); i++) {
		if (strcmp(text, levels[i].name) == 0) {
			*ret = (enum hg_log_level)i;
			return 0;
		}
	}
	return -HG_INVALID;
}

void
hg_log(enum hg_log_level level, const char *msg, const char *fields, ...)
{
	struct hg_strbuf line = HG_STRBUF_INIT;
	char now[HG_RFC3339_BYTES];
	ssize_t ignored;
	va_list ap;

	if (level > max_level)
		return;
	if (getenv("JOURNAL_STREAM")) {
		hg_strbuf_addf(&line, "<%d>msg=\"%s\"", levels[level].syslog, msg);
	} else {
		hg_rfc3339(hg_wall_ns(), now);
		hg_strbuf_addf(
		    &line, "%s %s msg=\"%s\"", now, levels[level].name, msg);
	}
	if (fields) {
		char text[1024];

		va_start(ap, fields);
		vsnprintf(text, sizeof(text), fields, ap);
		va_end(ap);
		for (char *p = text; *p; p++)
			if ((unsigned char)*p < ' ' || *p == 127)
				*p = '?';
		hg_strbuf_addf(&line, " %s", text);
	}
	hg_strbuf_addc(&line, '\n');
	/* one write, so that lines of threads and processes do not mix */
	ignored = write(STDERR_FILENO, line.buf, line.len);
	(void)ignored;
	hg_strbuf_release(&line);
}
