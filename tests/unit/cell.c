/* SPDX-License-Identifier: Apache-2.0 */
/*
 * services/worker/cell.c with the real hg-sandbox: what a program in a cell can
 * take of this machine, and that nothing is left of it. The program is a shell.
 */
#include "config.h"

#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/alloc.h"
#include "lib/base/error.h"
#include "lib/base/fd.h"
#include "lib/base/path.h"
#include "lib/base/strvec.h"
#include "lib/base/time.h"
#include "lib/proc/proc.h"
#include "lib/toolchain/host_paths.h"
#include "services/worker/capability.h"
#include "services/worker/cell.h"
#include "services/worker/cgroup.h"
#include "tests/lib/unit.h"

#define MIB ((uint64_t)1 << 20)

struct lab {
	char dir[64];
	char *sandbox;
	struct hg_cgroup_limits limits;
	struct hg_cells_options options;
	struct hg_cells *cells;
	struct hg_cell *cell;
	struct hg_proc_result result;
	struct hg_error err;
	int cancel_fd;
};

static void
lab_open(struct lab *l)
{
	const char *top = getenv("top_builddir");

	*l = (struct lab){ .err = { .text = "" } };
	snprintf(l->dir, sizeof(l->dir), "/tmp/hg-cell.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(l->dir));
	l->sandbox = hg_xasprintf("%s/bin/hg-sandbox", top ? top : ".");
	l->limits = (struct hg_cgroup_limits){ 64 * MIB, 32 };
	l->options = (struct hg_cells_options){
		.sandbox = l->sandbox,
		.work_dir = l->dir,
		.scratch_bytes = 16 * MIB,
		.cgroups = hg_cgroups_new(
		    &hg_capability_system_roots, &l->limits),
	};
	l->cells = hg_cells_new(&l->options);
	l->cancel_fd = eventfd(0, EFD_CLOEXEC);
	hg_strbuf_init(&l->result.out);
	hg_strbuf_init(&l->result.err);
}

static void
lab_close(struct lab *l)
{
	hg_proc_result_release(&l->result);
	hg_cell_free(l->cell);
	hg_cells_free(l->cells);
	hg_cgroups_free(l->options.cgroups);
	/* nothing stays in it */
	ck_assert_int_eq(rmdir(l->dir), 0);
	close(l->cancel_fd);
	free(l->sandbox);
}

/* False, and the reason printed, where the kernel allows no sandbox. */
static bool
lab_cell(struct lab *l)
{
	hg_cell_free(l->cell);
	l->cell = hg_cell_take(l->cells, &l->err);
	if (!l->cell) {
		ck_assert_int_eq(l->err.code, HG_UNAVAILABLE);
		fprintf(stderr, "no sandbox: %s\n", l->err.text);
	}
	return l->cell != NULL;
}

/* Runs a script in the cell, for at most timeout_ms. */
static int
lab_run(struct lab *l, const char *script, uint64_t timeout_ms)
{
	struct hg_strvec words = HG_STRVEC_INIT;
	struct hg_strvec host = HG_STRVEC_INIT;
	int rc;

	hg_host_paths(false, &host);
	hg_strvec_add(&words, "hg-sandbox");
	for (size_t i = 0; i < host.n; i++) {
		hg_strvec_add(&words, "--bind-ro");
		hg_strvec_add(&words, host.v[i]);
	}
	hg_strvec_add(&words, "--env");
	hg_strvec_add(&words, "PATH=/usr/bin:/bin");
	hg_strvec_add(&words, "--");
	hg_strvec_add(&words, "/bin/sh");
	hg_strvec_add(&words, "-c");
	hg_strvec_add(&words, script);
	hg_proc_result_release(&l->result);
	rc = hg_cell_run(l->cell, &words, -1, l->cancel_fd,
	    timeout_ms * HG_NS_PER_MS, &l->result, &l->err);
	hg_strvec_release(&host);
	hg_strvec_release(&words);
	return rc;
}

/* Does a process run whose command line holds word? */
static bool
is_running(const char *word)
{
	DIR *d = opendir("/proc");
	struct dirent *e;
	bool found = false;

	ck_assert_ptr_nonnull(d);
	while (!found && (e = readdir(d))) {
		char *path = hg_xasprintf("/proc/%s/cmdline", e->d_name);
		struct hg_strbuf text = HG_STRBUF_INIT;

		if (*e->d_name >= '1' && *e->d_name <= '9' &&
		    hg_read_file(path, MIB, &text, NULL) == 0)
			found = memmem(text.buf, text.len, word,
				    strlen(word)) != NULL;
		hg_strbuf_release(&text);
		free(path);
	}
	closedir(d);
	return found;
}

START_TEST(a_cell_is_filled_used_and_read)
{
	struct hg_strbuf text = HG_STRBUF_INIT;
	struct lab l;
	char *path;

	lab_open(&l);
	if (lab_cell(&l)) {
		path = hg_path_join(hg_cell_root(l.cell), "in");
		ck_assert_int_eq(
		    hg_write_file_atomic(path, "hi\n", 3, 0644, NULL), 0);
		free(path);
		ck_assert_int_eq(
		    lab_run(&l, "cat /in; tr a-z A-Z </in >/out; exit 3", 0),
		    0);
		ck_assert_str_eq(l.result.out.buf, "hi\n");
		ck_assert_int_eq(l.result.status, 3);
		/* although the namespace is gone */
		path = hg_path_join(hg_cell_root(l.cell), "out");
		ck_assert_int_eq(hg_read_file(path, 100, &text, NULL), 0);
		ck_assert_str_eq(text.buf, "HI\n");
		free(path);
		hg_strbuf_release(&text);
	}
	lab_close(&l);
}
END_TEST

START_TEST(a_cell_on_disk_is_removed)
{
	struct lab l;
	struct stat st;

	lab_open(&l);
	l.options.scratch_bytes = 0;
	if (lab_cell(&l)) {
		ck_assert_int_eq(strncmp(hg_cell_root(l.cell), l.dir,
				     strlen(l.dir)), 0);
		ck_assert_int_eq(lab_run(&l, "mkdir -p /a/b; >/a/b/c", 0), 0);
		ck_assert_int_eq(l.result.status, 0);
		ck_assert_int_eq(stat(hg_cell_root(l.cell), &st), 0);
	}
	lab_close(&l);
}
END_TEST

START_TEST(memory_is_bounded_and_its_end_told)
{
	struct lab l;

	lab_open(&l);
	if (lab_cell(&l) && hg_cgroups_hold_memory(l.options.cgroups)) {
		ck_assert_int_eq(lab_run(&l,
				     "head -c 200000000 /dev/zero | tail", 0),
		    -HG_EXHAUSTED);
		ck_assert_ptr_nonnull(strstr(l.err.text, "max_memory"));
		/* the next one does not suffer for it */
		ck_assert(lab_cell(&l));
		ck_assert_int_eq(lab_run(&l, "exit 0", 0), 0);
		ck_assert_int_eq(l.result.status, 0);
	}
	lab_close(&l);
}
END_TEST

START_TEST(files_are_bounded)
{
	struct lab l;
	struct stat st;
	char *path;

	lab_open(&l);
	if (lab_cell(&l)) {
		ck_assert_int_eq(
		    lab_run(&l, "head -c 20000000 /dev/zero >/big", 0), 0);
		ck_assert_int_ne(l.result.status, 0);
		ck_assert_ptr_nonnull(strstr(l.result.err.buf, "No space"));
		path = hg_path_join(hg_cell_root(l.cell), "big");
		ck_assert_int_eq(stat(path, &st), 0);
		ck_assert_int_le(st.st_size, (off_t)(16 * MIB));
		free(path);
	}
	lab_close(&l);
}
END_TEST

START_TEST(processes_are_bounded)
{
	struct lab l;

	lab_open(&l);
	if (lab_cell(&l) && hg_cgroups_hold_processes(l.options.cgroups)) {
		lab_run(&l, "for i in $(seq 100); do sleep 20 & done", 0);
		ck_assert_int_ne(l.result.status, 0);
		ck_assert_ptr_nonnull(strstr(l.result.err.buf, "fork"));
	}
	lab_close(&l);
}
END_TEST

START_TEST(output_is_bounded)
{
	struct lab l;

	lab_open(&l);
	l.options.output_bytes = 1000;
	if (lab_cell(&l)) {
		ck_assert_int_eq(lab_run(&l, "head -c 99999 /dev/zero", 0), 0);
		ck_assert(l.result.truncated);
		ck_assert_uint_eq(l.result.out.len, 1000);
	}
	lab_close(&l);
}
END_TEST

/* Each way of leaving: in the background, out of the group, as an orphan. */
#define LEAVE \
	"sleep 31.4151 & setsid sleep 31.4152 & (setsid sleep 31.4153 &) & " \
	"trap '' TERM HUP INT; "

START_TEST(nothing_outlives_the_program)
{
	struct lab l;

	lab_open(&l);
	if (lab_cell(&l)) {
		ck_assert_int_eq(lab_run(&l, LEAVE "sleep 0.1", 0), 0);
		ck_assert_int_eq(l.result.status, 0);
		ck_assert(!is_running("31.415"));
	}
	lab_close(&l);
}
END_TEST

START_TEST(nothing_outlives_the_time_limit)
{
	struct lab l;

	lab_open(&l);
	if (lab_cell(&l)) {
		ck_assert_int_eq(lab_run(&l, LEAVE "sleep 31.4154", 300), 0);
		ck_assert_int_eq(l.result.end, HG_PROC_TIMED_OUT);
		ck_assert(!is_running("31.415"));
	}
	lab_close(&l);
}
END_TEST

START_TEST(nothing_outlives_a_cancelled_compile)
{
	const uint64_t one = 1;
	struct lab l;

	lab_open(&l);
	if (lab_cell(&l)) {
		ck_assert_int_eq(
		    write(l.cancel_fd, &one, sizeof(one)), sizeof(one));
		ck_assert_int_eq(lab_run(&l, LEAVE "sleep 31.4154", 0), 0);
		ck_assert_int_eq(l.result.end, HG_PROC_CANCELLED);
		ck_assert(!is_running("31.415"));
	}
	lab_close(&l);
}
END_TEST

/* Ends the one sandbox that waits below this process. */
static void
kill_spare(void)
{
	const struct timespec pause = { .tv_nsec = 100000000 };
	struct hg_strbuf text = HG_STRBUF_INIT;
	char *path = hg_xasprintf(
	    "/proc/self/task/%ld/children", (long)getpid());

	ck_assert_int_eq(hg_read_file(path, MIB, &text, NULL), 0);
	ck_assert_int_eq(kill((pid_t)strtol(text.buf, NULL, 10), SIGKILL), 0);
	/* for its first process to follow */
	nanosleep(&pause, NULL);
	hg_strbuf_release(&text);
	free(path);
}

START_TEST(a_spare_that_was_killed_is_replaced)
{
	struct lab l;

	lab_open(&l);
	l.options.spares = 1;
	if (lab_cell(&l)) {
		ck_assert_int_eq(lab_run(&l, "exit 0", 0), 0);
		kill_spare();
		ck_assert(lab_cell(&l));
		ck_assert_int_eq(lab_run(&l, "exit 4", 0), 0);
		ck_assert_int_eq(l.result.status, 4);
	}
	lab_close(&l);
}
END_TEST

START_TEST(a_sandbox_that_fails_says_why)
{
	struct lab l;

	lab_open(&l);
	l.options.work_dir = "/no/such/folder";
	ck_assert_ptr_null(hg_cell_take(l.cells, &l.err));
	ck_assert_int_eq(l.err.code, HG_UNAVAILABLE);
	free(l.sandbox);
	l.options.sandbox = l.sandbox = hg_xstrdup("/no/such/program");
	ck_assert_ptr_null(hg_cell_take(l.cells, &l.err));
	ck_assert_ptr_nonnull(strstr(l.err.text, "/no/such/program"));
	lab_close(&l);
}
END_TEST

UNIT_MAIN("cell", a_cell_is_filled_used_and_read, a_cell_on_disk_is_removed,
    memory_is_bounded_and_its_end_told, files_are_bounded,
    processes_are_bounded, output_is_bounded, nothing_outlives_the_program,
    nothing_outlives_the_time_limit, nothing_outlives_a_cancelled_compile,
    a_spare_that_was_killed_is_replaced, a_sandbox_that_fails_says_why)
