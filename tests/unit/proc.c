/* SPDX-License-Identifier: Apache-2.0 */
/* lib/proc: what a child gives, and that nothing of it outlives the call. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/error.h"
#include "lib/base/time.h"
#include "lib/proc/proc.h"
#include "tests/lib/unit.h"

/* Runs a shell script under spec, which gets its argv here. */
static int
run_shell(const char *script, struct hg_proc_spec *spec,
    struct hg_proc_result *r, struct hg_error *err)
{
	const char *const argv[] = { "/bin/sh", "-c", script, NULL };
	int rc;

	spec->argv = argv;
	rc = hg_proc_run(spec, r, err);
	spec->argv = NULL;
	return rc;
}

static uint64_t
ms_since(uint64_t start_ns)
{
	return (hg_now_ns() - start_ns) / HG_NS_PER_MS;
}

/* Waits until pid, which may be anybody's child, is gone. */
static bool
is_gone_soon(pid_t pid)
{
	const struct timespec tick = { .tv_nsec = 5000000 };

	for (int i = 0; i < 400; i++) {
		char path[64], state = 0;
		FILE *f;

		snprintf(path, sizeof(path), "/proc/%ld/stat", (long)pid);
		f = fopen(path, "re");
		if (!f)
			return true;
		/* a zombie that nobody reaps is as good as gone */
		if (fscanf(f, "%*d (%*[^)]) %c", &state) != 1)
			state = 'Z';
		fclose(f);
		if (state == 'Z' || state == 'X')
			return true;
		nanosleep(&tick, NULL);
	}
	return false;
}

START_TEST(gives_status_and_both_outputs)
{
	struct hg_proc_spec spec = HG_PROC_SPEC_INIT;
	struct hg_proc_result r;
	struct hg_error err;

	ck_assert_int_eq(
	    run_shell("echo out; echo err >&2; exit 3", &spec, &r, &err), 0);
	ck_assert_int_eq(r.end, HG_PROC_EXITED);
	ck_assert_int_eq(r.status, 3);
	ck_assert_str_eq(r.out.buf, "out\n");
	ck_assert_str_eq(r.err.buf, "err\n");
	ck_assert(!r.truncated);
	ck_assert_uint_gt(r.wall_ns, 0);
	ck_assert_uint_gt(r.peak_rss_bytes, 0);
	hg_proc_result_release(&r);
}
END_TEST

START_TEST(tells_a_signal_from_a_status)
{
	struct hg_proc_spec spec = HG_PROC_SPEC_INIT;
	struct hg_proc_result r;
	struct hg_error err;

	ck_assert_int_eq(run_shell("kill -SEGV $$", &spec, &r, &err), 0);
	ck_assert_int_eq(r.end, HG_PROC_SIGNALLED);
	ck_assert_int_eq(r.signal, SIGSEGV);
	ck_assert_int_eq(r.status, 128 + SIGSEGV);
	hg_proc_result_release(&r);
}
END_TEST

START_TEST(a_missing_program_is_not_found)
{
	const char *const argv[] = { "/no/such/program", NULL };
	const char *const bare[] = { "hg-no-such-program", NULL };
	struct hg_proc_spec spec = HG_PROC_SPEC_INIT;
	struct hg_proc_result r;
	struct hg_error err;

	spec.argv = argv;
	ck_assert_int_eq(hg_proc_run(&spec, &r, &err), -HG_NOTFOUND);
	ck_assert_ptr_nonnull(strstr(err.text, "/no/such/program"));
	hg_proc_result_release(&r);
	spec.argv = bare;
	ck_assert_int_eq(hg_proc_run(&spec, &r, NULL), -HG_NOTFOUND);
	hg_proc_result_release(&r);
}
END_TEST

START_TEST(a_file_that_is_no_program_is_denied)
{
	const char *const argv[] = { "/etc/passwd", NULL };
	struct hg_proc_spec spec = HG_PROC_SPEC_INIT;
	struct hg_proc_result r;
	struct hg_error err;

	spec.argv = argv;
	ck_assert_int_eq(hg_proc_run(&spec, &r, &err), -HG_DENIED);
	hg_proc_result_release(&r);
}
END_TEST

START_TEST(a_missing_folder_is_named)
{
	struct hg_proc_spec spec = HG_PROC_SPEC_INIT;
	struct hg_proc_result r;
	struct hg_error err;

	spec.cwd = "/no/such/folder";
	ck_assert_int_eq(run_shell("exit 0", &spec, &r, &err), -HG_IO);
	ck_assert_ptr_nonnull(strstr(err.text, "/no/such/folder"));
	hg_proc_result_release(&r);
}
END_TEST

START_TEST(runs_in_folder_with_environment_alone)
{
	const char *const env[] = { "A=1", "B=two words", NULL };
	struct hg_proc_spec spec = HG_PROC_SPEC_INIT;
	struct hg_proc_result r;
	struct hg_error err;

	spec.cwd = "/usr";
	spec.envp = env;
	ck_assert_int_eq(
	    run_shell("pwd -P; echo \"$A $B $HOME.\"", &spec, &r, &err), 0);
	ck_assert_str_eq(r.out.buf, "/usr\n1 two words .\n");
	hg_proc_result_release(&r);
}
END_TEST

START_TEST(reads_stdin_from_null_or_descriptor)
{
	struct hg_proc_spec spec = HG_PROC_SPEC_INIT;
	struct hg_proc_result r;
	struct hg_error err;
	int p[2];

	ck_assert_int_eq(run_shell("cat", &spec, &r, &err), 0);
	ck_assert_uint_eq(r.out.len, 0);
	hg_proc_result_release(&r);

	ck_assert_int_eq(pipe2(p, O_CLOEXEC), 0);
	ck_assert_int_eq(write(p[1], "hello", 5), 5);
	close(p[1]);
	spec.stdin_fd = p[0];
	ck_assert_int_eq(run_shell("cat", &spec, &r, &err), 0);
	ck_assert_str_eq(r.out.buf, "hello");
	hg_proc_result_release(&r);
	close(p[0]);
}
END_TEST

START_TEST(passes_one_descriptor_and_no_other)
{
	struct hg_proc_spec spec = HG_PROC_SPEC_INIT;
	struct hg_proc_result r;
	struct hg_error err;
	char script[128];
	int other = open("/dev/null", O_RDONLY | O_CLOEXEC);
	int fd = open("/dev/zero", O_RDONLY | O_CLOEXEC);

	ck_assert_int_gt(fd, 2);
	snprintf(script, sizeof(script),
	    "readlink /proc/$$/fd/%d; readlink /proc/$$/fd/%d", fd, other);
	spec.pass_fd = fd;
	ck_assert_int_eq(run_shell(script, &spec, &r, &err), 0);
	ck_assert_str_eq(r.out.buf, "/dev/zero\n");
	/* ours is as it was */
	ck_assert_int_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
	hg_proc_result_release(&r);
	close(fd);
	close(other);
}
END_TEST

START_TEST(large_output_is_whole_or_cut_at_the_limit)
{
	struct hg_proc_spec spec = HG_PROC_SPEC_INIT;
	struct hg_proc_result r;
	struct hg_error err;
	const char *script = "head -c 3000000 /dev/zero; "
			     "head -c 2000000 /dev/zero >&2";

	ck_assert_int_eq(run_shell(script, &spec, &r, &err), 0);
	ck_assert_uint_eq(r.out.len, 3000000);
	ck_assert_uint_eq(r.err.len, 2000000);
	ck_assert(!r.truncated);
	hg_proc_result_release(&r);

	spec.max_capture_bytes = 1000;
	ck_assert_int_eq(run_shell(script, &spec, &r, &err), 0);
	ck_assert_int_eq(r.status, 0);
	ck_assert_uint_eq(r.out.len, 1000);
	ck_assert_uint_eq(r.err.len, 1000);
	ck_assert(r.truncated);
	hg_proc_result_release(&r);
}
END_TEST

START_TEST(a_time_limit_ends_the_whole_group)
{
	struct hg_proc_spec spec = HG_PROC_SPEC_INIT;
	struct hg_proc_result r;
	struct hg_error err;
	uint64_t start = hg_now_ns();
	long pid = 0;

	spec.timeout_ns = 200 * HG_NS_PER_MS;
	ck_assert_int_eq(run_shell("trap '' TERM; sleep 60 & echo $!; wait",
			     &spec, &r, &err), 0);
	ck_assert_uint_lt(ms_since(start), 5000);
	ck_assert_int_eq(r.end, HG_PROC_TIMED_OUT);
	ck_assert_int_eq(r.status, 128 + SIGKILL);
	ck_assert_int_eq(sscanf(r.out.buf, "%ld", &pid), 1);
	ck_assert(is_gone_soon((pid_t)pid));
	hg_proc_result_release(&r);
}
END_TEST

START_TEST(a_leftover_that_holds_the_pipes_is_killed)
{
	struct hg_proc_spec spec = HG_PROC_SPEC_INIT;
	struct hg_proc_result r;
	struct hg_error err;
	uint64_t start = hg_now_ns();
	long pid = 0;

	ck_assert_int_eq(
	    run_shell("sleep 60 & echo $!; exit 7", &spec, &r, &err), 0);
	ck_assert_uint_lt(ms_since(start), 5000);
	ck_assert_int_eq(r.end, HG_PROC_EXITED);
	ck_assert_int_eq(r.status, 7);
	ck_assert_int_eq(sscanf(r.out.buf, "%ld", &pid), 1);
	ck_assert(is_gone_soon((pid_t)pid));
	hg_proc_result_release(&r);
}
END_TEST

START_TEST(one_that_left_the_group_is_not_waited_for)
{
	struct hg_proc_spec spec = HG_PROC_SPEC_INIT;
	struct hg_proc_result r;
	struct hg_error err;
	uint64_t start = hg_now_ns();
	long pid = 0;

	ck_assert_int_eq(
	    run_shell("setsid sh -c 'echo $$; exec yes' & sleep 0.2", &spec,
		&r, &err), 0);
	ck_assert_uint_lt(ms_since(start), 5000);
	ck_assert_int_eq(r.status, 0);
	ck_assert_int_eq(sscanf(r.out.buf, "%ld", &pid), 1);
	/* its pipe is closed, so SIGPIPE ends it */
	ck_assert(is_gone_soon((pid_t)pid));
	hg_proc_result_release(&r);
}
END_TEST

static void *
close_soon(void *arg)
{
	const struct timespec pause = { .tv_nsec = 100000000 };

	nanosleep(&pause, NULL);
	close(*(int *)arg);
	return NULL;
}

START_TEST(a_cancel_descriptor_that_hangs_up_ends_it)
{
	struct hg_proc_spec spec = HG_PROC_SPEC_INIT;
	struct hg_proc_result r;
	struct hg_error err;
	uint64_t start = hg_now_ns();
	pthread_t thread;
	int p[2];

	ck_assert_int_eq(pipe2(p, O_CLOEXEC), 0);
	spec.cancel_fd = p[0];
	ck_assert_int_eq(pthread_create(&thread, NULL, close_soon, &p[1]), 0);
	ck_assert_int_eq(run_shell("sleep 60", &spec, &r, &err), 0);
	ck_assert_uint_lt(ms_since(start), 5000);
	ck_assert_int_eq(r.end, HG_PROC_CANCELLED);
	hg_proc_result_release(&r);
	pthread_join(thread, NULL);
	close(p[0]);
}
END_TEST

START_TEST(counts_the_time_of_what_the_child_waited_for)
{
	struct hg_proc_spec spec = HG_PROC_SPEC_INIT;
	struct hg_proc_result r;
	struct hg_error err;

	ck_assert_int_eq(
	    run_shell("sh -c 'i=0; while [ $i -lt 50000 ]; do i=$((i+1)); "
		      "done'; true", &spec, &r, &err), 0);
	ck_assert_uint_gt(r.cpu_ns, HG_NS_PER_MS);
	hg_proc_result_release(&r);
}
END_TEST

START_TEST(works_without_standard_descriptors)
{
	struct hg_proc_spec spec = HG_PROC_SPEC_INIT;
	struct hg_proc_result r;
	struct hg_error err;
	int saved[3], rc;

	for (int i = 0; i < 3; i++) {
		saved[i] = fcntl(i, F_DUPFD_CLOEXEC, 10);
		close(i);
	}
	rc = run_shell("echo out; echo err >&2", &spec, &r, &err);
	for (int i = 0; i < 3; i++) {
		dup2(saved[i], i);
		close(saved[i]);
	}
	ck_assert_int_eq(rc, 0);
	ck_assert_str_eq(r.out.buf, "out\n");
	ck_assert_str_eq(r.err.buf, "err\n");
	hg_proc_result_release(&r);
}
END_TEST

static void *
run_many(void *arg)
{
	size_t *good = arg;

	for (int i = 0; i < 20; i++) {
		struct hg_proc_spec spec = HG_PROC_SPEC_INIT;
		struct hg_proc_result r;

		if (run_shell("echo $$; exit 5", &spec, &r, NULL) == 0 &&
		    r.status == 5 && r.out.len > 0)
			*good += 1;
		hg_proc_result_release(&r);
	}
	return NULL;
}

START_TEST(many_threads_run_at_once)
{
	enum { THREADS = 8 };
	pthread_t thread[THREADS];
	size_t good[THREADS] = { 0 };

	for (int i = 0; i < THREADS; i++)
		ck_assert_int_eq(
		    pthread_create(&thread[i], NULL, run_many, &good[i]), 0);
	for (int i = 0; i < THREADS; i++) {
		pthread_join(thread[i], NULL);
		ck_assert_uint_eq(good[i], 20);
	}
}
END_TEST

UNIT_MAIN("proc", gives_status_and_both_outputs, tells_a_signal_from_a_status,
    a_missing_program_is_not_found, a_file_that_is_no_program_is_denied,
    a_missing_folder_is_named, runs_in_folder_with_environment_alone,
    reads_stdin_from_null_or_descriptor, passes_one_descriptor_and_no_other,
    large_output_is_whole_or_cut_at_the_limit, a_time_limit_ends_the_whole_group,
    a_leftover_that_holds_the_pipes_is_killed,
    one_that_left_the_group_is_not_waited_for,
    a_cancel_descriptor_that_hangs_up_ends_it,
    counts_the_time_of_what_the_child_waited_for,
    works_without_standard_descriptors, many_threads_run_at_once)
