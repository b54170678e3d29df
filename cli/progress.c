/* SPDX-License-Identifier: Apache-2.0 */
/* Following a build's log, and the summary of it. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/progress.h"
#include "cli/text.h"
#include "lib/base/error.h"
#include "lib/base/fd.h"
#include "lib/base/time.h"

/* A longer line is none of ours: two escaped paths and a little more. */
#define MAX_LINE_BYTES 20000

enum {
	FIELD_VERSION,
	FIELD_TIME,
	FIELD_BUILD,
	FIELD_REASON,
	FIELD_MS,
	FIELD_WORKER,
	FIELD_EXIT,
	FIELD_SOURCE,
	FIELD_OBJECT,
	FIELD_COUNT
};

/* How a class of reasons is shown. */
static const struct {
	const char *word;
	const char *colour;
} shown[] = {
	[HG_REASON_CLASS_HIT] = { "cache", "\033[32m" },
	[HG_REASON_CLASS_REMOTE] = { "remote", "\033[36m" },
	[HG_REASON_CLASS_MISS] = { "local", "" },
	[HG_REASON_CLASS_LOCAL] = { "local", "\033[33m" },
	[HG_REASON_CLASS_PASS] = { "local", "" },
};

int
hg_progress_open(struct hg_progress *p, const char *log_path,
    const char *build_id, struct hg_error *err)
{
	struct stat st;

	memset(p, 0, sizeof(*p));
	hg_strbuf_init(&p->partial);
	p->build_id = build_id;
	p->fd =
	    open(log_path, O_RDONLY | O_CREAT | O_CLOEXEC | O_NONBLOCK, 0666);
	if (p->fd < 0)
		return hg_fail_errno(
		    err, HG_IO, "cannot open the log %s", log_path);
	if (fstat(p->fd, &st) < 0 || !S_ISREG(st.st_mode) ||
	    lseek(p->fd, 0, SEEK_END) < 0) {
		hg_fd_close(&p->fd);
		return hg_fail(
		    err, HG_INVALID, "the log %s is not a file", log_path);
	}
	return 0;
}

void
hg_progress_release(struct hg_progress *p)
{
	hg_fd_close(&p->fd);
	hg_strbuf_release(&p->partial);
}

static void
print_compile(const struct hg_progress *p, enum hg_reason reason, char **field)
{
	enum hg_reason_class class = hg_reason_class(reason);
	const char *colour = p->colour ? shown[class].colour : "";
	struct hg_strbuf line = HG_STRBUF_INIT;

	hg_strbuf_addf(&line, "%s[%s]%s %s", colour, shown[class].word,
	    *colour ? "\033[0m" : "", field[FIELD_SOURCE]);
	if (class == HG_REASON_CLASS_REMOTE)
		hg_strbuf_addf(&line, " (%s)", field[FIELD_WORKER]);
	else if (class != HG_REASON_CLASS_HIT)
		hg_strbuf_addf(&line, " (%s)", hg_reason_name(reason));
	hg_strbuf_addc(&line, '\n');
	hg_write_all(STDERR_FILENO, line.buf, line.len, NULL);
	hg_strbuf_release(&line);
}

static void
take_line(struct hg_progress *p, char *line)
{
	char *field[FIELD_COUNT];
	enum hg_reason reason;

	for (int i = 0; i < FIELD_COUNT; i++) {
		field[i] = line;
		line = line ? strchr(line, '\t') : NULL;
		if (line)
			*line++ = '\0';
		if (!line && i < FIELD_COUNT - 1)
			return;
	}
	reason = hg_reason_parse(field[FIELD_REASON]);
	if (strcmp(field[FIELD_VERSION], "v1") != 0 ||
	    strcmp(field[FIELD_BUILD], p->build_id) != 0 ||
	    reason == HG_REASON_COUNT)
		return;
	p->count[reason]++;
	hg_text_defuse(field[FIELD_SOURCE]);
	hg_text_defuse(field[FIELD_WORKER]);
	if (p->verbose && strcmp(field[FIELD_SOURCE], "-") != 0)
		print_compile(p, reason, field);
}

static void
take_lines(struct hg_progress *p)
{
	char *start = p->partial.buf, *nl;
	size_t rest;

	while ((nl = strchr(start, '\n'))) {
		*nl = '\0';
		take_line(p, start);
		start = nl + 1;
	}
	rest = p->partial.len - (size_t)(start - p->partial.buf);
	if (rest > MAX_LINE_BYTES)
		rest = 0;
	memmove(p->partial.buf, start, rest);
	hg_strbuf_setlen(&p->partial, rest);
}

void
hg_progress_poll(struct hg_progress *p)
{
	char buf[8192];
	ssize_t n;

	while ((n = read(p->fd, buf, sizeof(buf))) > 0 ||
	       (n < 0 && errno == EINTR)) {
		for (ssize_t i = 0; i < n; i++) {
			/* a NUL would hide what follows it */
			if (buf[i] == '\0')
				buf[i] = '?';
		}
		if (n > 0)
			hg_strbuf_add(&p->partial, buf, (size_t)n);
		take_lines(p);
	}
}

static uint64_t
count_class(const struct hg_progress *p, enum hg_reason_class class)
{
	uint64_t n = 0;

	for (int i = 0; i < HG_REASON_COUNT; i++) {
		if (hg_reason_class((enum hg_reason)i) == class)
			n += p->count[i];
	}
	return n;
}

/* Why things were compiled here: reasons other than an ordinary miss. */
static void
add_reasons(const struct hg_progress *p, struct hg_strbuf *out)
{
	for (int i = 0; i < HG_REASON_COUNT; i++) {
		enum hg_reason r = (enum hg_reason)i;
		enum hg_reason_class class = hg_reason_class(r);

		if (p->count[i] > 0 && class != HG_REASON_CLASS_HIT &&
		    class != HG_REASON_CLASS_REMOTE)
			hg_strbuf_addf(out, "  %6" PRIu64 "  %s: %s\n",
			    p->count[i], hg_reason_name(r), hg_reason_text(r));
	}
}

void
hg_progress_summary(const struct hg_progress *p, uint64_t wall_ns,
    uint64_t saved_us, struct hg_strbuf *out)
{
	uint64_t hit = count_class(p, HG_REASON_CLASS_HIT);
	uint64_t remote = count_class(p, HG_REASON_CLASS_REMOTE);
	uint64_t local = count_class(p, HG_REASON_CLASS_MISS) +
			 count_class(p, HG_REASON_CLASS_LOCAL);
	uint64_t pass = count_class(p, HG_REASON_CLASS_PASS);

	if (hit + remote + local + pass == 0)
		return;
	hg_strbuf_addf(out,
	    "hgbuild: %" PRIu64 " from the cache, %" PRIu64 " remote, %" PRIu64
	    " local, %" PRIu64 " passed on; ",
	    hit, remote, local, pass);
	hg_text_seconds((double)wall_ns / (double)HG_NS_PER_SEC, out);
	if (saved_us > 0) {
		hg_strbuf_adds(out, ", about ");
		hg_text_seconds((double)saved_us / 1e6, out);
		hg_strbuf_adds(out, " of compiling saved");
	}
	hg_strbuf_addc(out, '\n');
	add_reasons(p, out);
}
