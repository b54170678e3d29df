/* SPDX-License-Identifier: Apache-2.0 */
/* lib/observe: what a real compiler's processes look at is seen. */
#include "config.h"

#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/alloc.h"
#include "lib/base/error.h"
#include "lib/base/fd.h"
#include "lib/base/path.h"
#include "lib/base/strvec.h"
#include "lib/observe/observe.h"
#include "tests/lib/unit.h"

static char dir[64];

static void
setup(void)
{
	snprintf(dir, sizeof(dir), "/tmp/hgobserveXXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	ck_assert_int_eq(chdir(dir), 0);
}

static void
put(const char *name, const char *text)
{
	ck_assert_int_eq(
	    hg_write_file_atomic(name, text, strlen(text), 0644, NULL), 0);
}

/* Runs a shell command observed; the collect's code. */
static int
observe(const char *command, struct hg_observed_list *list)
{
	const char *top = getenv("top_builddir");
	char *so = hg_path_join(top ? top : ".", "bin/hg-observe.so");
	const char *argv[] = { "/bin/sh", "-c", command, NULL };
	struct hg_strvec env = HG_STRVEC_INIT;
	posix_spawn_file_actions_t actions;
	struct hg_error err = { 0 };
	struct hg_observe *o = hg_observe_new(so, &err);
	int rc, status;
	pid_t pid;

	ck_assert_msg(o != NULL, "%s", err.text);
	hg_observe_env(o, (const char *const *)environ, &env);
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(
	    &actions, hg_observe_fd(o), hg_observe_fd(o));
	ck_assert_int_eq(posix_spawn(&pid, argv[0], &actions, NULL,
			     (char **)(uintptr_t)argv, env.v),
	    0);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	rc = hg_observe_collect(o, list, &err);
	posix_spawn_file_actions_destroy(&actions);
	hg_observe_free(o);
	hg_strvec_release(&env);
	free(so);
	return rc;
}

static int
kind_of(const struct hg_observed_list *l, const char *path)
{
	for (size_t i = 0; i < l->n; i++)
		if (strcmp(l->v[i].path, path) == 0)
			return (int)l->v[i].kind;
	return -1;
}

static void
finish(struct hg_observed_list *l)
{
	hg_observed_list_release(l);
	ck_assert_int_eq(chdir("/"), 0);
	hg_remove_tree(dir, NULL);
}

START_TEST(sees_headers_found_missing_and_only_tested)
{
	struct hg_observed_list l;

	setup();
	put("tested.h", "");
	put("used.h", "#define X 1\n");
	put("a.c",
	    "#include \"used.h\"\n#if __has_include(\"tested.h\")\n#endif\n"
	    "#if __has_include(\"nowhere.h\")\n#endif\nint x = X;\n");
	ck_assert_int_eq(hg_mkdir_p("empty", NULL), 0);
	ck_assert_int_eq(observe("gcc -Iempty -c a.c -o a.o", &l), 0);
	ck_assert_int_eq(kind_of(&l, "used.h"), HG_OBSERVED_READ);
	ck_assert_int_eq(kind_of(&l, "tested.h"), HG_OBSERVED_READ);
	ck_assert_int_eq(kind_of(&l, "nowhere.h"), HG_OBSERVED_ABSENT);
	ck_assert_int_eq(kind_of(&l, "empty/nowhere.h"), HG_OBSERVED_ABSENT);
	ck_assert_int_eq(kind_of(&l, "empty"), HG_OBSERVED_FOLDER);
	ck_assert_int_eq(kind_of(&l, "a.o"), HG_OBSERVED_WRITTEN);
	finish(&l);
}
END_TEST

START_TEST(sees_what_the_assembler_includes)
{
	struct hg_observed_list l;

	setup();
	put("blob.bin", "data");
	put("a.c", "__asm__(\".incbin \\\"blob.bin\\\"\");\n");
	ck_assert_int_eq(observe("gcc -c a.c -o a.o", &l), 0);
	ck_assert_int_eq(kind_of(&l, "blob.bin"), HG_OBSERVED_READ);
	finish(&l);
}
END_TEST

START_TEST(temporary_files_are_not_inputs)
{
	struct hg_observed_list l;

	setup();
	put("a.c", "int x;\n");
	ck_assert_int_eq(observe("gcc -c a.c -o a.o", &l), 0);
	for (size_t i = 0; i < l.n; i++)
		ck_assert_msg(l.v[i].kind == HG_OBSERVED_WRITTEN ||
			strncmp(l.v[i].path, "/tmp/cc", 7) != 0,
		    "%s", l.v[i].path);
	finish(&l);
}
END_TEST

START_TEST(sees_the_programs_that_are_run)
{
	struct hg_observed_list l;
	bool cc1 = false;

	setup();
	put("a.c", "int x;\n");
	ck_assert_int_eq(observe("gcc -c a.c -o a.o", &l), 0);
	for (size_t i = 0; i < l.n; i++)
		cc1 |= l.v[i].kind == HG_OBSERVED_RUN &&
		    strcmp(hg_path_base(l.v[i].path), "cc1") == 0;
	ck_assert(cc1);
	finish(&l);
}
END_TEST

START_TEST(clang_is_seen_too)
{
	struct hg_observed_list l;

	setup();
	put("used.h", "#define X 1\n");
	put("a.c",
	    "#include \"used.h\"\n#if __has_include(\"no.h\")\n#endif\n");
	ck_assert_int_eq(observe("clang -c a.c -o a.o", &l), 0);
	ck_assert_int_eq(kind_of(&l, "used.h"), HG_OBSERVED_READ);
	ck_assert_int_eq(kind_of(&l, "no.h"), HG_OBSERVED_ABSENT);
	ck_assert_int_eq(kind_of(&l, "a.o"), HG_OBSERVED_WRITTEN);
	finish(&l);
}
END_TEST

START_TEST(a_process_out_of_sight_is_reported)
{
	struct hg_observed_list l;

	setup();
	ck_assert_int_eq(observe("env -i /bin/true", &l), -HG_UNSUPPORTED);
	ck_assert_uint_eq(l.n, 0);
	finish(&l);
}
END_TEST

START_TEST(a_static_program_that_runs_others_is_reported)
{
	struct hg_observed_list l;

	setup();
	put("w.c",
	    "#include <unistd.h>\n"
	    "int main(void) { execlp(\"cat\", \"cat\", \"x\", NULL); }\n");
	put("x", "");
	put("script", "#!/bin/sh\nexec cat x\n");
	put("scripted", "#!./static\n");
	ck_assert_int_eq(observe("chmod +x script scripted; gcc w.c -o dynamic; "
				 "gcc -static w.c -o static",
			     &l),
	    0);
	hg_observed_list_release(&l);
	ck_assert_int_eq(observe("./dynamic", &l), 0);
	ck_assert_int_eq(kind_of(&l, "x"), HG_OBSERVED_READ);
	hg_observed_list_release(&l);
	ck_assert_int_eq(observe("./script", &l), 0);
	hg_observed_list_release(&l);
	ck_assert_int_eq(observe("./static", &l), -HG_UNSUPPORTED);
	ck_assert_int_eq(observe("./scripted; true", &l), -HG_UNSUPPORTED);
	finish(&l);
}
END_TEST

START_TEST(names_after_a_change_of_folder_are_absolute)
{
	struct hg_observed_list l;
	char want[128];

	setup();
	put("x", "");
	ck_assert_int_eq(
	    observe("mkdir s; echo >s/y; cd s; exec cat y ../x", &l), 0);
	snprintf(want, sizeof(want), "%s/s/y", dir);
	ck_assert_int_eq(kind_of(&l, want), HG_OBSERVED_READ);
	finish(&l);
}
END_TEST

START_TEST(overwritten_inputs_are_told)
{
	struct hg_observed_list l;

	setup();
	put("x", "a\n");
	ck_assert_int_eq(observe("cat x; echo >x", &l), 0);
	ck_assert_int_eq(kind_of(&l, "x"), HG_OBSERVED_OVERWRITTEN);
	finish(&l);
}
END_TEST

START_TEST(what_is_added_to_is_an_input_unless_begun_here)
{
	static const char program[] =
	    "import sys\n"
	    "for word in sys.argv[1:]:\n"
	    "    name, mode = word.split(':')\n"
	    "    open(name, mode).write('x')\n";
	struct hg_observed_list l;

	setup();
	put("p.py", program);
	put("old", "a\n");
	put("older", "a\n");
	put("log", "a\n");
	ck_assert_int_eq(observe("python3 p.py old:a older:r+ new:w new:a "
				 "again:w again:r+; echo >>log",
			     &l),
	    0);
	ck_assert_int_eq(kind_of(&l, "old"), HG_OBSERVED_OVERWRITTEN);
	ck_assert_int_eq(kind_of(&l, "older"), HG_OBSERVED_OVERWRITTEN);
	ck_assert_int_eq(kind_of(&l, "new"), HG_OBSERVED_WRITTEN);
	ck_assert_int_eq(kind_of(&l, "again"), HG_OBSERVED_WRITTEN);
	ck_assert_int_eq(kind_of(&l, "log"), -1);
	finish(&l);
}
END_TEST

START_TEST(dates_are_told_however_they_are_spelled)
{
	struct hg_observed_list l;

	setup();
	put("a.c", "#define J(a, b) a##b\nconst char *s = J(__TI, ME__);\n");
	put("b.c", "/* __TIME__ */ int x;\n");
	ck_assert_int_eq(observe("gcc -c a.c", &l), 0);
	ck_assert(l.uses_time);
	hg_observed_list_release(&l);
	ck_assert_int_eq(observe("clang -c a.c", &l), 0);
	ck_assert(l.uses_time);
	hg_observed_list_release(&l);
	ck_assert_int_eq(observe("gcc -c b.c && clang -c b.c", &l), 0);
	ck_assert(!l.uses_time);
	hg_observed_list_release(&l);
	ck_assert_int_eq(observe("SOURCE_DATE_EPOCH=1 gcc -c a.c", &l), 0);
	ck_assert(!l.uses_time);
	finish(&l);
}
END_TEST

UNIT_MAIN("observe", what_is_added_to_is_an_input_unless_begun_here,
    dates_are_told_however_they_are_spelled, sees_headers_found_missing_and_only_tested,
    sees_what_the_assembler_includes, temporary_files_are_not_inputs,
    sees_the_programs_that_are_run, clang_is_seen_too,
    a_process_out_of_sight_is_reported,
    a_static_program_that_runs_others_is_reported,
    names_after_a_change_of_folder_are_absolute, overwritten_inputs_are_told)
