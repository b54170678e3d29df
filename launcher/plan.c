/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The plan: is this command ours, and what is its key? The key holds everything
 * that can make a difference and is known before the compiler runs; what is
 * only known afterwards (the other inputs) is the manifest's business.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>
#if defined(__x86_64__) || defined(__i386__)
# include <cpuid.h>
#endif

#include "launcher/job.h"
#include "launcher/plan.h"
#include "launcher/stdin.h"
#include "launcher/tuning.h"
#include "lib/base/error.h"
#include "lib/base/fd.h"
#include "lib/base/limits.h"
#include "lib/base/strbuf.h"
#include "lib/cc/env.h"
#include "lib/store/memo.h"

/* Changes whenever a key's meaning does: old entries are then not found. */
static const char KEY_VERSION[] = "hybridgrid 1";

static void
refuse(struct hg_job *job, enum hg_reason reason)
{
	if (job->reason == HG_REASON_miss)
		job->reason = reason;
}

/* ---- parts of the key -------------------------------------------------- */

static void
add_compiler(struct hg_job *job, struct hg_key *k)
{
	const char *check = job->config.launcher_compiler_check;
	const struct stat *st = &job->compiler.st;
	struct hg_digest d;
	struct hg_sig sig;

	hg_key_adds(k, "compiler", job->compiler.path);
	if (strcmp(check, "content") == 0) {
		if (hg_memo_digest(
			job->memo, job->compiler.path, st, &d, NULL) != 0)
			refuse(job, HG_REASON_no_compiler);
		else
			hg_key_add(k, "driver", &d, sizeof(d));
	} else if (strcmp(check, "mtime") == 0) {
		hg_sig_of(st, &sig);
		hg_key_add(k, "driver_size", &sig.size, sizeof(sig.size));
		hg_key_add(
		    k, "driver_mtime", &sig.mtime_ns, sizeof(sig.mtime_ns));
	} else {
		hg_key_adds(k, "driver_check", check);
	}
}

/* What is kept less exactly must not be found by who wants it exact. */
static void
add_tuning(const struct hg_config *cfg, struct hg_key *k)
{
	struct hg_strbuf names = HG_STRBUF_INIT;

	if (cfg->launcher_sloppiness)
		hg_sloppiness_format(
		    hg_sloppiness_kept(cfg->launcher_sloppiness), &names);
	if (names.len > 0)
		hg_key_adds(k, "sloppiness", names.buf);
	if (*cfg->launcher_ignore_options)
		hg_key_adds(k, "ignored", cfg->launcher_ignore_options);
	hg_strbuf_release(&names);
}

static void
add_arguments(struct hg_job *job, struct hg_key *k)
{
	const struct hg_strvec *words = &job->command.key;

	for (size_t i = 0; i < words->n;) {
		size_t ignored = hg_tuning_ignored(&job->config, words->v + i);

		if (ignored == 0)
			hg_key_adds(k, "arg", words->v[i]);
		i += ignored ? ignored : 1;
	}
}

static int
by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void
add_environment(struct hg_job *job, struct hg_key *k)
{
	const char *found[256];
	size_t n = 0;

	for (char **e = environ; *e; e++) {
		switch (hg_tuning_env(&job->config, *e)) {
		case HG_ENV_NONE:
			break;
		case HG_ENV_PASS:
			refuse(job, HG_REASON_environment);
			snprintf(job->detail, sizeof(job->detail), "%.*s",
			    (int)strcspn(*e, "="), *e);
			return;
		case HG_ENV_KEY:
			if (n == sizeof(found) / sizeof(*found)) {
				refuse(job, HG_REASON_environment);
				return;
			}
			found[n++] = *e;
			break;
		}
	}
	qsort(found, n, sizeof(*found), by_text);
	for (size_t i = 0; i < n; i++)
		hg_key_adds(k, "env", found[i]);
}

bool
hg_plan_cwd(char *buf, size_t n)
{
	const char *pwd = getenv("PWD");
	struct stat a, b;

	/* usually no link was followed, and there is nothing to compare */
	if (getcwd(buf, n) && (!pwd || strcmp(buf, pwd) == 0))
		return true;
	if (pwd && *pwd == '/' && strlen(pwd) < n && stat(pwd, &a) == 0 &&
	    stat(".", &b) == 0 && a.st_dev == b.st_dev && a.st_ino == b.st_ino) {
		memcpy(buf, pwd, strlen(pwd) + 1);
		return true;
	}
	return getcwd(buf, n);
}

static void
add_cwd(struct hg_job *job, struct hg_key *k)
{
	char buf[HG_MAX_PATH_BYTES];

	if (hg_plan_cwd(buf, sizeof(buf)))
		hg_key_adds(k, "cwd", buf);
	else
		refuse(job, HG_REASON_bad_source);
}

/* text: the content of the source at path. */
static void
add_text(struct hg_job *job, struct hg_key *k, const char *path,
    const struct hg_strbuf *text)
{
	struct hg_digest d;

	hg_digest_bytes(text->buf, text->len, &d);
	/* the cache keeps together what belongs to one source */
	for (size_t i = 0; i < HG_PAIR_BYTES; i++)
		job->pair[i] ^= d.b[i];
	hg_key_adds(k, "source", path);
	hg_key_add(k, "content", &d, sizeof(d));
}

static void
add_stdin(struct hg_job *job, struct hg_key *k)
{
	struct hg_strbuf text = HG_STRBUF_INIT;

	if (hg_stdin_take(&text, NULL) == 0)
		add_text(job, k, "-", &text);
	else
		refuse(job, HG_REASON_from_stdin);
	hg_strbuf_release(&text);
}

static void
add_source(struct hg_job *job, struct hg_key *k, const char *path)
{
	struct hg_strbuf text = HG_STRBUF_INIT;
	struct stat st;
	int fd = -1;

	/* not even opened when it is a pipe: that would take what it holds */
	if (stat(path, &st) == 0 &&
	    (S_ISREG(st.st_mode) || strcmp(path, "/dev/null") == 0))
		fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0 ||
	    hg_read_fd(fd, HG_MAX_FILE_BYTES, &text, NULL) != 0) {
		refuse(job, HG_REASON_bad_source);
	} else {
		hg_sig_of(&st, &job->source_sig);
		add_text(job, k, path, &text);
	}
	hg_fd_close(&fd);
	hg_strbuf_release(&text);
}

static void
add_extra_files(struct hg_job *job, struct hg_key *k)
{
	const char *at = job->config.launcher_extra_files;
	struct hg_digest d;
	struct stat st;
	char *path;

	while ((path = hg_tuning_next_file(&at))) {
		if (stat(path, &st) < 0 || !S_ISREG(st.st_mode) ||
		    hg_memo_digest(job->memo, path, &st, &d, NULL) != 0) {
			refuse(job, HG_REASON_extra_file);
			snprintf(job->detail, sizeof(job->detail), "%s", path);
		} else {
			hg_key_adds(k, "extra_file", path);
			hg_key_add(k, "extra_content", &d, sizeof(d));
		}
		free(path);
	}
}

/* What "native" stands for on this machine. */
static void
add_native(struct hg_key *k)
{
	unsigned long hw[2] = { getauxval(AT_HWCAP), getauxval(AT_HWCAP2) };

	hg_key_add(k, "hwcap", hw, sizeof(hw));
#if defined(__x86_64__) || defined(__i386__)
	static const unsigned leaves[][2] = { { 0, 0 }, { 1, 0 }, { 4, 2 },
		{ 7, 0 }, { 7, 1 }, { 13, 1 }, { 0x80000001, 0 } };

	for (size_t i = 0; i < sizeof(leaves) / sizeof(*leaves); i++) {
		unsigned r[4] = { 0 };

		__get_cpuid_count(leaves[i][0], leaves[i][1], &r[0], &r[1],
		    &r[2], &r[3]);
		/* the number of the core that answers */
		if (leaves[i][0] == 1)
			r[1] &= 0x0000ffff;
		if (leaves[i][0] == 4)
			r[0] &= 0x3fff;
		hg_key_add(k, "cpuid", r, sizeof(r));
	}
#endif
}

/* A terminal on stderr: colours, and lines cut to its width. */
static void
add_terminal(struct hg_job *job, struct hg_key *k)
{
	static const char *const names[] = { "TERM", "COLUMNS", "NO_COLOR",
		"TERM_URLS", "COLORTERM" };
	struct winsize size = { 0 };

	job->tty = isatty(STDERR_FILENO);
	if (!job->tty)
		return;
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		const char *value = getenv(names[i]);

		hg_key_adds(k, names[i], value ? value : "");
	}
	ioctl(STDERR_FILENO, TIOCGWINSZ, &size);
	hg_key_add(k, "winsize", &size, sizeof(size));
}

static void
make_key(struct hg_job *job)
{
	const struct hg_cc_command *c = &job->command;
	struct hg_key *k = hg_key_new(KEY_VERSION);

	if (*job->config.cache_namespace)
		hg_key_adds(k, "namespace", job->config.cache_namespace);
	add_compiler(job, k);
	add_tuning(&job->config, k);
	add_arguments(job, k);
	add_environment(job, k);
	if (c->cwd_matters || (c->coverage &&
	    !hg_is_sloppy(&job->config, HG_SLOPPY_gcno_cwd)))
		add_cwd(job, k);
	if (c->from_stdin)
		add_stdin(job, k);
	for (size_t i = 0; !c->from_stdin && i < c->sources.n; i++)
		add_source(job, k, c->sources.v[i]);
	if (c->stamped)
		hg_key_add(k, "source_mtime", &job->source_sig.mtime_ns,
		    sizeof(job->source_sig.mtime_ns));
	add_extra_files(job, k);
	if (c->native)
		add_native(k);
	add_terminal(job, k);
	hg_key_done(k, &job->key);
	memcpy(job->key.b, job->pair, sizeof(job->pair));
	job->parts = k;
}

/* ---- the plan ---------------------------------------------------------- */

/* An output that is not a plain file would not be delivered as one. */
static bool
is_special(const char *path)
{
	struct stat st;

	return path && stat(path, &st) == 0 && !S_ISREG(st.st_mode) &&
	    !hg_cc_discards(path);
}

/* The dependency file's own name rarely leaves a trace in anything. */
static void
bind_names(struct hg_job *job)
{
	const struct hg_cc_command *c = &job->command;
	struct hg_strbuf sb = HG_STRBUF_INIT;

	hg_strbuf_adds(&sb, c->output ? c->output : "");
	hg_strbuf_addc(&sb, '\0');
	hg_strbuf_adds(&sb, c->depfile && c->name_matters ? c->depfile : "");
	job->names = hg_checksum(sb.buf, sb.len) | 1;
	hg_strbuf_release(&sb);
}

void
hg_plan(struct hg_job *job)
{
	struct hg_cc_command *c = &job->command;

	if (!job->compiler.family) {
		job->reason = HG_REASON_unknown_compiler;
		return;
	}
	hg_cc_command_parse(
	    c, (const char *const *)job->argv + 1, job->compiler.is_clang);
	job->reason = c->reason;
	if (job->reason != HG_REASON_miss)
		return;
	if (is_special(c->output) || is_special(c->depfile)) {
		job->reason = HG_REASON_output_special;
		return;
	}
	make_key(job);
	bind_names(job);
}
