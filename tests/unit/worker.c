/* SPDX-License-Identifier: Apache-2.0 */
/* services/worker: what it can do, its slots, and arguments of compilers. */
#include "config.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/alloc.h"
#include "lib/base/error.h"
#include "lib/base/fd.h"
#include "lib/base/path.h"
#include "lib/base/strvec.h"
#include "lib/toolchain/host_paths.h"
#include "lib/wire/wire.h"
#include "services/worker/capability.h"
#include "services/worker/compiler.h"
#include "services/worker/executor_private.h"
#include "services/worker/host.h"
#include "services/worker/slots.h"
#include "tests/lib/unit.h"

#define COUNT(a) (sizeof(a) / sizeof(*(a)))

/* ---- compilers --------------------------------------------------------- */

START_TEST(a_compiler_is_known_by_its_name)
{
	static const char *const good[][2] = {
		{ "gcc", "gcc" },
		{ "cc", "gcc" },
		{ "g++-12", "g++" },
		{ "x86_64-linux-gnu-gcc-12", "gcc" },
		{ "aarch64-linux-gnu-g++", "g++" },
		{ "clang-14", "clang" },
		{ "clang++-14.0.6", "clang++" },
	};
	static const char *const bad[] = { "", "sh", "gccx", "xgcc", "gcc ",
		"-gcc", "gcc-", "gcc-ar", "a;gcc", "../gcc", "clang-format",
		"12", "-12", "rm-gcc\n" };

	for (size_t i = 0; i < COUNT(good); i++)
		ck_assert_str_eq(hg_compiler_family(good[i][0]), good[i][1]);
	for (size_t i = 0; i < COUNT(bad); i++)
		ck_assert_msg(!hg_compiler_family(bad[i]), "%s", bad[i]);
}
END_TEST

START_TEST(only_compilers_of_shown_folders_are_run)
{
	static const char *const bad[] = { "gcc", "/bin/sh", "/tmp/gcc",
		"/usr/bin/../../tmp/gcc", "/usr/bin/no-such-gcc", "/usr/bin" };
	struct hg_error err;

	ck_assert_int_eq(hg_compiler_check_path("/usr/bin/cc", &err), 0);
	for (size_t i = 0; i < COUNT(bad); i++) {
		ck_assert_int_eq(
		    hg_compiler_check_path(bad[i], &err), -HG_NOCOMPILER);
		ck_assert_ptr_nonnull(strstr(err.text, bad[i]));
	}
	ck_assert_ptr_null(hg_compiler_search("sh", "/usr/bin", &err));
	ck_assert_ptr_null(hg_compiler_search("/usr/bin/cc", "/usr/bin", &err));
	ck_assert_ptr_null(hg_compiler_search("cc", "/no/such", &err));
}
END_TEST

START_TEST(a_clients_path_is_searched_in_shown_folders_only)
{
	char *list = hg_host_filter_path_list(
	    "/home/u/bin:/usr/local/bin::.:/usr/bin/../../tmp:/usr/bin:/tmp");

	ck_assert_str_eq(list, "/usr/local/bin:/usr/bin");
	free(list);
	ck_assert(hg_host_shows("/usr/lib/gcc/x.h"));
	ck_assert(!hg_host_shows("/usr/library"));
	ck_assert(!hg_host_shows("/usr/include/stdio.h"));
}
END_TEST

/* ---- capability -------------------------------------------------------- */

/* A tree of files below a new folder: path, content, path, content, NULL. */
struct tree {
	char dir[64];
	char *proc;
	char *cgroup;
	struct hg_capability_roots roots;
};

static void
tree_make(struct tree *t, const char *const *files)
{
	struct hg_error err;

	snprintf(t->dir, sizeof(t->dir), "/tmp/hg-worker-test.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(t->dir));
	t->proc = hg_path_join(t->dir, "proc");
	t->cgroup = hg_path_join(t->dir, "cgroup");
	t->roots = (struct hg_capability_roots){ t->proc, t->cgroup };
	for (; *files; files += 2) {
		char *path = hg_path_join(t->dir, files[0]);
		char *dir = hg_path_dir(path);

		ck_assert_int_eq(hg_mkdir_p(dir, &err), 0);
		ck_assert_int_eq(hg_write_file_atomic(path, files[1],
				     strlen(files[1]), 0644, &err), 0);
		free(dir);
		free(path);
	}
}

static void
tree_remove(struct tree *t)
{
	ck_assert_int_eq(hg_remove_tree(t->dir, NULL), 0);
	free(t->proc);
	free(t->cgroup);
}

static unsigned
cores_with(const char *const *files)
{
	struct tree t;
	unsigned n;

	tree_make(&t, files);
	n = hg_capability_cores(&t.roots);
	tree_remove(&t);
	return n;
}

START_TEST(cores_honour_a_quota_of_version_2)
{
	const char *const files[] = { "proc/self/cgroup", "0::/a/b\n",
		"cgroup/a/b/cpu.max", "max 100000\n", "cgroup/a/cpu.max",
		"50000 100000\n", NULL };

	ck_assert_uint_eq(cores_with(files), 1);
}
END_TEST

START_TEST(cores_honour_a_quota_of_version_1)
{
	const char *const files[] = { "proc/self/cgroup",
		"5:memory:/\n4:cpu,cpuacct:/x\n",
		"cgroup/cpu,cpuacct/x/cpu.cfs_quota_us", "20000\n",
		"cgroup/cpu,cpuacct/x/cpu.cfs_period_us", "100000\n", NULL };
	/* the path of a container that cannot be seen from within */
	const char *const hidden[] = { "proc/self/cgroup",
		"4:cpu,cpuacct:/docker/123\n", "cgroup/cpu/cpu.cfs_quota_us",
		"100000\n", "cgroup/cpu/cpu.cfs_period_us", "100000\n", NULL };

	ck_assert_uint_eq(cores_with(files), 1);
	ck_assert_uint_eq(cores_with(hidden), 1);
}
END_TEST

START_TEST(cores_without_a_limit_are_those_of_affinity)
{
	const char *const none[] = { "proc/self/cgroup", "0::/\n", NULL };
	const char *const large[] = { "proc/self/cgroup", "0::/\n",
		"cgroup/cpu.max", "100000000 100000\n", NULL };
	const char *const odd[] = { "proc/self/cgroup",
		"nonsense\n:\n::\n0::\n9:cpu\n", "cgroup/cpu.max", "-1 x\n",
		NULL };
	const char *const nothing[] = { NULL };
	unsigned n = cores_with(none);

	ck_assert_uint_ge(n, 1);
	ck_assert_uint_eq(cores_with(large), n);
	ck_assert_uint_eq(cores_with(odd), n);
	ck_assert_uint_eq(cores_with(nothing), n);
}
END_TEST

START_TEST(memory_is_the_lowest_limit_on_the_way_up)
{
	const char *const v2[] = { "proc/self/cgroup", "0::/a/b\n",
		"proc/meminfo", "MemTotal:  4000000 kB\n",
		"cgroup/a/b/memory.max", "max\n", "cgroup/a/memory.max",
		"1000000\n", "cgroup/memory.max", "2000000\n", NULL };
	const char *const v1[] = { "proc/self/cgroup", "3:memory:/m\n",
		"proc/meminfo",
		"MemTotal: 4000000 kB\nMemAvailable:    300 kB\n",
		"cgroup/memory/m/memory.limit_in_bytes", "9223372036854771712",
		NULL };
	struct tree t;

	tree_make(&t, v2);
	ck_assert_uint_eq(hg_capability_memory(&t.roots), 1000000);
	tree_remove(&t);
	tree_make(&t, v1);
	ck_assert_uint_eq(hg_capability_memory(&t.roots), 4000000 * 1024ULL);
	ck_assert_uint_eq(hg_capability_memory_free(&t.roots), 300 * 1024);
	tree_remove(&t);
}
END_TEST

START_TEST(a_worker_targets_its_own_architecture)
{
	struct hg_capability c;

	hg_capability_detect(
	    &hg_capability_system_roots, "/usr/bin:/bin", &c);
	ck_assert_uint_eq(c.architectures.n, 1);
	ck_assert_int_ge(hg_strvec_find(&c.compilers, "gcc"), 0);
	ck_assert_str_eq(hg_capability_architecture("x86_64"), "amd64");
	ck_assert_str_eq(hg_capability_architecture("sparc"), "sparc");
	ck_assert(hg_capability_can_target(&c, "", ""));
	ck_assert(hg_capability_can_target(&c, c.architectures.v[0], "linux"));
	ck_assert(!hg_capability_can_target(&c, "sparc", "linux"));
	ck_assert(!hg_capability_can_target(&c, "", "windows"));
	hg_capability_release(&c);
}
END_TEST

/* ---- slots ------------------------------------------------------------- */

/* A gate that jobs wait at, and a count of those that passed. */
struct gate {
	pthread_mutex_t lock;
	pthread_cond_t wake;
	bool open;
	int inside;
	int passed;
};

#define GATE_INIT \
	{ PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, false, 0, 0 }

static void
pass_gate(void *arg)
{
	struct gate *g = arg;

	pthread_mutex_lock(&g->lock);
	g->inside++;
	pthread_cond_broadcast(&g->wake);
	while (!g->open)
		pthread_cond_wait(&g->wake, &g->lock);
	g->passed++;
	pthread_mutex_unlock(&g->lock);
}

static void
wait_inside(struct gate *g, int n)
{
	pthread_mutex_lock(&g->lock);
	while (g->inside < n)
		pthread_cond_wait(&g->wake, &g->lock);
	pthread_mutex_unlock(&g->lock);
}

static void
open_gate(struct gate *g)
{
	pthread_mutex_lock(&g->lock);
	g->open = true;
	pthread_cond_broadcast(&g->wake);
	pthread_mutex_unlock(&g->lock);
}

START_TEST(slots_refuse_what_does_not_fit)
{
	struct gate g = GATE_INIT;
	struct hg_slots_count n;
	struct hg_error err;
	struct hg_slots *s = hg_slots_new(2, 1, &err);

	ck_assert_ptr_nonnull(s);
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(hg_slots_submit(s, pass_gate, &g, &err), 0);
	wait_inside(&g, 2);
	hg_slots_count(s, &n);
	ck_assert_uint_eq(n.threads, 2);
	ck_assert_uint_eq(n.running, 2);
	ck_assert_uint_eq(n.waiting, 1);
	ck_assert_int_eq(hg_slots_submit(s, pass_gate, &g, &err), -HG_EXHAUSTED);
	open_gate(&g);
	/* ends what is queued too */
	hg_slots_free(s);
	ck_assert_int_eq(g.passed, 3);
}
END_TEST

START_TEST(a_queued_job_can_be_withdrawn)
{
	struct gate g = GATE_INIT, never = GATE_INIT;
	struct hg_slots_count n;
	struct hg_error err;
	struct hg_slots *s = hg_slots_new(1, 2, &err);

	ck_assert_int_eq(hg_slots_submit(s, pass_gate, &g, &err), 0);
	wait_inside(&g, 1);
	ck_assert_int_eq(hg_slots_submit(s, pass_gate, &never, &err), 0);
	ck_assert_int_eq(hg_slots_submit(s, pass_gate, &never, &err), 0);
	ck_assert(!hg_slots_withdraw(s, &g));
	ck_assert(hg_slots_withdraw(s, &never));
	ck_assert(hg_slots_withdraw(s, &never));
	ck_assert(!hg_slots_withdraw(s, &never));
	hg_slots_count(s, &n);
	ck_assert_uint_eq(n.waiting, 0);
	/* the queue is still in order */
	ck_assert_int_eq(hg_slots_submit(s, pass_gate, &g, &err), 0);
	open_gate(&g);
	hg_slots_free(s);
	ck_assert_int_eq(g.passed, 2);
	ck_assert_int_eq(never.inside, 0);
	hg_slots_free(NULL);
}
END_TEST

/* ---- arguments of the specification's clients -------------------------- */

static void
check_arguments(const char *source, const char *given, const char *include,
    const char *wanted)
{
	struct hg_strvec args = HG_STRVEC_INIT, got = HG_STRVEC_INIT;
	struct hg_wire_include inc = { .path = hg_xstrdup(include) };
	struct hg_wire_compile r = { .source_file = hg_xstrdup(source) };
	struct hg_strbuf text = HG_STRBUF_INIT;
	char *rest = hg_xstrdup(given), *at = rest, *word;

	while ((word = strsep(&at, " ")))
		if (*word)
			hg_strvec_add(&args, word);
	r.args = args.v;
	r.n_args = args.n;
	r.includes = &inc;
	r.n_includes = *include != '\0';
	hg_simple_arguments(&r, &got);
	for (size_t i = 0; i < got.n; i++)
		hg_strbuf_addf(&text, "%s%s", i ? " " : "", got.v[i]);
	ck_assert_str_eq(text.buf, wanted);
	hg_strbuf_release(&text);
	hg_strvec_release(&args);
	hg_strvec_release(&got);
	free(r.source_file);
	free(inc.path);
	free(rest);
}

START_TEST(input_and_output_files_are_ours)
{
#define END "-o hybridgrid-output.o "
	check_arguments("a.c", "", "", "-c " END "a.c");
	check_arguments("src/a.c", "-O2 -c src/a.c -o x/a.o", "",
	    "-O2 -c " END "a.c");
	check_arguments("a.c", "-S -oa.s a.c", "", "-S " END "a.c");
	check_arguments("-a.c", "-c", "", "-c " END "./-a.c");
	check_arguments("a.c", "-c -o", "", "-c " END "a.c");
	check_arguments("a.c", "-Iinc -I /u/inc -isystem/u/inc/ -I/v",
	    "/u/inc/x/y.h",
	    "-I inc -I u/inc -isystem u/inc/ -I /v -Iu/inc/x -c " END "a.c");
	check_arguments("a.c", "-c -I", "inc/y.h", "-c -I  " END "a.c");
#undef END
}
END_TEST

START_TEST(arguments_that_run_programs_are_told)
{
	static const char *const unsafe[] = { "-wrapper", "-fplugin=x",
		"-B/tmp", "-specs=x", "--specs=x", "@file", "-Xclang",
		"-mllvm", "--config", "-fpass-plugin=x" };
	struct hg_strvec args = HG_STRVEC_INIT;

	hg_strvec_add(&args, "-O2");
	ck_assert_ptr_null(hg_simple_unsafe_argument(&args));
	for (size_t i = 0; i < COUNT(unsafe); i++) {
		struct hg_strvec one = HG_STRVEC_INIT;

		hg_strvec_add(&one, unsafe[i]);
		ck_assert_msg(hg_simple_unsafe_argument(&one) != NULL, "%s",
		    unsafe[i]);
		hg_strvec_release(&one);
	}
	hg_strvec_release(&args);
}
END_TEST

UNIT_MAIN("worker", a_compiler_is_known_by_its_name,
    only_compilers_of_shown_folders_are_run,
    a_clients_path_is_searched_in_shown_folders_only,
    cores_honour_a_quota_of_version_2, cores_honour_a_quota_of_version_1,
    cores_without_a_limit_are_those_of_affinity,
    memory_is_the_lowest_limit_on_the_way_up,
    a_worker_targets_its_own_architecture, slots_refuse_what_does_not_fit,
    a_queued_job_can_be_withdrawn, input_and_output_files_are_ours,
    arguments_that_run_programs_are_told)
