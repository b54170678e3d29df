/* SPDX-License-Identifier: Apache-2.0 */
/* lib/cc: the table of arguments, response files, the classifier. */
#include "config.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/error.h"
#include "lib/base/fd.h"
#include "lib/base/strbuf.h"
#include "lib/base/strvec.h"
#include "lib/cc/args.h"
#include "lib/cc/command.h"
#include "lib/cc/depfile.h"
#include "lib/cc/env.h"
#include "lib/cc/faults.h"
#include "lib/cc/paths.h"
#include "lib/cc/response.h"
#include "tests/lib/unit.h"

static struct hg_cc_command
parse_as(const char *line, bool is_clang)
{
	struct hg_strvec words = HG_STRVEC_INIT;
	static const char *const none[] = { NULL };
	struct hg_cc_command c;

	hg_response_split(line, &words);
	hg_cc_command_parse(
	    &c, words.n ? (const char *const *)words.v : none, is_clang);
	hg_strvec_release(&words);
	return c;
}

static struct hg_cc_command
parse(const char *line)
{
	return parse_as(line, false);
}

START_TEST(rows_are_in_byte_order_and_unique)
{
	size_t n;
	const struct hg_arg_row *rows = hg_arg_table(&n);

	for (size_t i = 1; i < n; i++)
		ck_assert_msg(
		    strcmp(rows[i - 1].spelling, rows[i].spelling) < 0,
		    "%s before %s", rows[i - 1].spelling, rows[i].spelling);
}
END_TEST

START_TEST(every_row_finds_itself)
{
	size_t n;
	const struct hg_arg_row *rows = hg_arg_table(&n);
	char word[64];

	for (size_t i = 0; i < n; i++) {
		snprintf(word, sizeof(word), "%s%s", rows[i].spelling,
		    rows[i].arity == HG_ARITY_JOINED ? "~" : "");
		ck_assert_msg(hg_arg_find(word) == &rows[i], "%s", word);
	}
}
END_TEST

START_TEST(the_longest_fitting_row_wins)
{
	static const struct {
		const char *word;
		const char *row;
	} cases[] = {
		{ "-Iinc", "-I" },
		{ "-fno-plt", "-f" },
		{ "-fsyntax-only", "-fsyntax-only" },
		{ "-fsyntax-onl", "-f" },
		{ "-march=x86-64", "-m" },
		{ "-march=native", "-march=native" },
		{ "-Wp,-MD,x", "-Wp," },
		{ "-Wall", "-W" },
		{ "-dM", "-d" },
		{ "-std=c11", "-std=" },
		{ "-include-pch", "-include-pch" },
		{ "-includex.h", "-include" },
		{ "--param=x=1", "--param=" },
	};
	static const char *const unknown[] = { "--no-such", "-std", "-MDx",
		"-%", "--", "-ansix", "-Y" };

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		const struct hg_arg_row *row = hg_arg_find(cases[i].word);

		ck_assert_msg(row != NULL, "%s", cases[i].word);
		ck_assert_str_eq(row->spelling, cases[i].row);
	}
	for (size_t i = 0; i < sizeof(unknown) / sizeof(*unknown); i++)
		ck_assert_msg(!hg_arg_find(unknown[i]), "%s", unknown[i]);
}
END_TEST

START_TEST(names_the_outputs)
{
	static const struct {
		const char *line;
		const char *output;
		const char *depfile;
	} cases[] = {
		{ "-c a.c -o x/a.o", "x/a.o", NULL },
		{ "-c src/a.c", "a.o", NULL },
		{ "-S src/a.b.c -MD", "a.b.s", "a.b.d" },
		{ "-c a.c -ox/y -MMD", "x/y", "x/y.d" },
		{ "-c a.c -o x/y.o -MD -MF dep", "x/y.o", "dep" },
		{ "-c a.c -o a.o -Wp,-MD,d/.a.d,-MT,q", "a.o", "d/.a.d" },
		{ "-c a.c -o x.o -MF d", "x.o", NULL },
		{ "-MM a.c -MF d", NULL, "d" },
		{ "-E a.c", NULL, NULL },
		{ "-fsyntax-only -c a.c -o a.o", NULL, NULL },
		{ "-c -o a.o -xc foo", "a.o", NULL },
		{ "-emit-llvm -c d/a.c", "a.o", NULL },
		{ "-xc -c -", "-.o", NULL },
		{ "-xc -c - -o x.o -MD", "x.o", "x.d" },
		{ "-E -", NULL, NULL },
		{ "d/a.h", "d/a.h.gch", NULL },
		{ "-c -x c-header d/a.h -MD -o x.gch", "x.gch", "x.d" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct hg_cc_command c = parse(cases[i].line);

		ck_assert_msg(c.reason == HG_REASON_miss, "%s", cases[i].line);
		ck_assert_pstr_eq(c.output, cases[i].output);
		ck_assert_pstr_eq(c.depfile, cases[i].depfile);
		hg_cc_command_release(&c);
	}
}
END_TEST

START_TEST(clang_takes_less_of_preprocessor_words)
{
	static const struct {
		const char *words;
		const char *depfile;
		bool target_matters;
	} cases[] = {
		{ "-Wp,-MD,d/.a.d", "d/.a.d", true },
		{ "-Wp,-MMD,d/.a.d,-MT,q", "a.d", true },
		{ "-Wp,-MD", "a.d", true },
		{ "-Wp,-DX,-MD,y.d,-MT,q", "y.d", false },
		{ "-Wp,-DX", NULL, false },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		char line[64];
		struct hg_cc_command c;

		snprintf(line, sizeof(line), "-c a.c %s", cases[i].words);
		c = parse_as(line, true);
		ck_assert_int_eq(c.reason, HG_REASON_miss);
		ck_assert_pstr_eq(c.depfile, cases[i].depfile);
		ck_assert_int_eq(c.target_matters, cases[i].target_matters);
		hg_cc_command_release(&c);
	}
}
END_TEST

START_TEST(clang_has_other_kinds_of_output)
{
	struct hg_cc_command c = parse_as("-emit-llvm -c d/a.c", true);

	ck_assert_str_eq(c.output, "a.bc");
	hg_cc_command_release(&c);
	c = parse_as("-S -emit-llvm d/a.c", true);
	ck_assert_str_eq(c.output, "a.ll");
	hg_cc_command_release(&c);
}
END_TEST

START_TEST(says_why_a_command_is_not_ours)
{
	static const struct {
		const char *line;
		enum hg_reason reason;
	} cases[] = {
		{ "a.c -o a", HG_REASON_not_compile },
		{ "-c", HG_REASON_no_source },
		{ "-c a.o", HG_REASON_no_source },
		{ "--version", HG_REASON_not_compile },
		{ "-v -c a.c", HG_REASON_not_compile },
		{ "-c - -xc", HG_REASON_from_stdin },
		{ "-xc -c - a.c", HG_REASON_from_stdin },
		{ "-xc-header -", HG_REASON_from_stdin },
		{ "-M -", HG_REASON_from_stdin },
		{ "-c a.c --surprise", HG_REASON_unknown_option },
		{ "-c a.c -wrapper x", HG_REASON_option },
		{ "-c a.c -fmodules", HG_REASON_option },
		{ "-S a.h", HG_REASON_language },
		{ "a.h b.h", HG_REASON_language },
		{ "a.h b.o", HG_REASON_not_compile },
		{ "-x klingon -c a.c", HG_REASON_language },
		{ "-c a.c -o", HG_REASON_option },
		{ "", HG_REASON_not_compile },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct hg_cc_command c = parse(cases[i].line);

		ck_assert_msg(c.reason == cases[i].reason, "%s: %s",
		    cases[i].line, hg_reason_name(c.reason));
		hg_cc_command_release(&c);
	}
}
END_TEST

START_TEST(the_key_leaves_out_names_of_outputs)
{
	struct hg_cc_command a =
	    parse("-O2 -c a.c -o one.o -MD -MF one.d -MT t");
	struct hg_cc_command b =
	    parse("-O2 -c a.c -o two.o -MD -MF two.d -MT t");

	ck_assert_uint_eq(a.key.n, b.key.n);
	for (size_t i = 0; i < a.key.n; i++)
		ck_assert_str_eq(a.key.v[i], b.key.v[i]);
	ck_assert(!a.name_matters);
	hg_cc_command_release(&a);
	hg_cc_command_release(&b);
	a = parse("-c a.c -o one.o -MD");
	ck_assert(a.target_matters);
	ck_assert(!a.name_matters);
	hg_cc_command_release(&a);
	a = parse("-c a.c -o one.o -gsplit-dwarf");
	ck_assert(a.name_matters);
	hg_cc_command_release(&a);
}
END_TEST

START_TEST(knows_when_folder_and_machine_matter)
{
	static const struct {
		const char *line;
		bool cwd, coverage, local, native;
	} cases[] = {
		{ "-c a.c", false, false, false, false },
		{ "-g -c a.c", true, false, false, false },
		{ "-g0 -c a.c", false, false, false, false },
		{ "-ggdb3 -c a.c", true, false, false, false },
		{ "--coverage -c a.c", false, true, false, false },
		{ "-march=native -c a.c", false, false, false, true },
		{ "-fplugin=x.so -c a.c", false, false, true, false },
		{ "-S a.c", false, false, true, false },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct hg_cc_command c = parse(cases[i].line);

		ck_assert_msg(c.cwd_matters == cases[i].cwd, "%s",
		    cases[i].line);
		ck_assert_msg(c.coverage == cases[i].coverage, "%s",
		    cases[i].line);
		ck_assert_msg(c.local_only == cases[i].local, "%s",
		    cases[i].line);
		ck_assert_msg(c.native == cases[i].native, "%s", cases[i].line);
		hg_cc_command_release(&c);
	}
}
END_TEST

START_TEST(preprocessing_form_writes_nothing)
{
	struct hg_cc_command c =
	    parse("-O2 -DX=1 -I inc -c a.c -o a.o -MD -MP -MT t -MF a.d");
	struct hg_strvec *p = &c.preprocess;

	ck_assert_int_ge(hg_strvec_find(p, "-DX=1"), 0);
	ck_assert_int_ge(hg_strvec_find(p, "inc"), 0);
	ck_assert_int_ge(hg_strvec_find(p, "a.c"), 0);
	ck_assert_int_lt(hg_strvec_find(p, "-c"), 0);
	ck_assert_int_lt(hg_strvec_find(p, "a.o"), 0);
	ck_assert_int_lt(hg_strvec_find(p, "-MD"), 0);
	ck_assert_int_lt(hg_strvec_find(p, "-MP"), 0);
	ck_assert_int_lt(hg_strvec_find(p, "a.d"), 0);
	ck_assert_str_eq(p->v[p->n - 1], "/dev/null");
	hg_cc_command_release(&c);
}
END_TEST

START_TEST(an_image_of_clang_has_time_stamps_unless_told)
{
	static const struct {
		const char *line;
		bool stamped;
		const char *output;
	} cases[] = {
		{ "-x c-header a.h", true, "a.h.gch" },
		{ "-Xclang -fno-pch-timestamp a.h", false, "a.h.gch" },
		{ "-emit-ast -c a.c", true, "a.ast" },
		{ "-Xclang -emit-pch -c a.c", true, "a.o" },
	};
	struct hg_cc_command c;

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		c = parse_as(cases[i].line, true);
		ck_assert_int_eq(c.reason, HG_REASON_miss);
		ck_assert(c.makes_pch && c.cwd_matters && c.name_matters);
		ck_assert(c.local_only);
		ck_assert_int_eq(c.stamped, cases[i].stamped);
		ck_assert_str_eq(c.output, cases[i].output);
		hg_cc_command_release(&c);
	}
	c = parse_as("-Xclang -emit-module-interface -c a.cc", true);
	ck_assert_int_eq(c.reason, HG_REASON_option);
	hg_cc_command_release(&c);
	c = parse("-c a.h");
	ck_assert(c.makes_pch && !c.stamped);
	hg_cc_command_release(&c);
}
END_TEST

START_TEST(trouble_of_the_machine_is_told_from_mistakes)
{
	static const char *const fine[] = { "", "a.c:1: error: expected ';'",
		"a.c:1:10: fatal error: x.h: No such file or directory" };
	static const char *const trouble[] = {
		"gcc: fatal error: Killed signal terminated program cc1",
		"a.s: Fatal error: can't write 5 bytes: No space left on device",
		"a.c:1: internal compiler error: in f, at g.c:1",
		"LLVM ERROR: out of memory" };

	for (size_t i = 0; i < sizeof(fine) / sizeof(*fine); i++)
		ck_assert_ptr_null(
		    hg_cc_find_fault(fine[i], strlen(fine[i])));
	for (size_t i = 0; i < sizeof(trouble) / sizeof(*trouble); i++)
		ck_assert_ptr_nonnull(
		    hg_cc_find_fault(trouble[i], strlen(trouble[i])));
}
END_TEST

START_TEST(paths_that_only_say_where_are_found)
{
	struct hg_cc_command c = parse("-I/w/i -isystem /w/s -DX=/w -D /w "
	    "-include/w/h -o /w/o -MF /w/d -MT /w/t -ffile-prefix-map=/w=. "
	    "-c /w/a.c");
	static const char *const want[] = { "/w/i", "/w/s", "/w/h", "/w/t",
		"/w=.", "/w/a.c" };
	const char *found[32];
	size_t n = 0;

	ck_assert_uint_lt(c.key.n, 32);
	hg_cc_key_paths(&c.key, found);
	for (size_t i = 0; i < c.key.n; i++)
		if (found[i])
			ck_assert_str_eq(found[i], want[n++]);
	ck_assert_uint_eq(n, 6);
	hg_cc_command_release(&c);
}
END_TEST

START_TEST(prefix_maps_are_understood)
{
	struct hg_cc_map m;

	ck_assert(hg_cc_map_of("-ffile-prefix-map=/a=b=c", &m));
	ck_assert(m.old_n == 2 && strcmp(m.new, "b=c") == 0);
	ck_assert(m.in_debug && m.in_macros);
	ck_assert(hg_cc_map_of("-fdebug-prefix-map=/a=", &m));
	ck_assert(m.in_debug && !m.in_macros);
	ck_assert(hg_cc_map_of("-fmacro-prefix-map=/a=", &m));
	ck_assert(!m.in_debug && m.in_macros);
	ck_assert(!hg_cc_map_of("-ffile-prefix-map=/a", &m));
	ck_assert(!hg_cc_map_of("-fno-plt", &m));
	ck_assert(!hg_cc_map_of("a=b", &m));
}
END_TEST

static void
renames(const char *text, bool is_clang, const char *want)
{
	struct hg_strbuf out = HG_STRBUF_INIT;

	hg_depfile_rebase(text, strlen(text), "/w", "/longer/name", is_clang,
	    &out);
	ck_assert_str_eq(out.buf, want);
	hg_strbuf_release(&out);
}

START_TEST(dependency_files_are_set_anew)
{
	renames("a.o: /w/a.c /w/b.h /wx/c.h x/w/d.h\n", false,
	    "a.o: /longer/name/a.c /longer/name/b.h /wx/c.h x/w/d.h\n");
	renames("/w/a.o t: /w/a.c \\\n /w/b.h\n/w/b.h:\n", false,
	    "/longer/name/a.o t: /longer/name/a.c /longer/name/b.h\n"
	    "/longer/name/b.h:\n");
	/* 72 columns, of which GCC counts the word's own without the blank */
	renames("a.o: /w/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.c /w/bbbbbb.h\n", false,
	    "a.o: /longer/name/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.c \\\n"
	    " /longer/name/bbbbbb.h\n");
	renames("a.o: /w/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.c /w/bbbbbb.h\n", true,
	    "a.o: /longer/name/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.c \\\n"
	    "  /longer/name/bbbbbb.h\n");
	renames("a.o: /w/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.c /w/bbbbb.h\n", false,
	    "a.o: /longer/name/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.c "
	    "/longer/name/bbbbb.h\n");
	renames("a.o: a\\ b /w/c\n\n/w/c:\n", true,
	    "a.o: a\\ b /longer/name/c\n\n/longer/name/c:\n");
	renames("", false, "");
	renames("a.o: /w/x", false, "a.o: /longer/name/x");
}
END_TEST

START_TEST(response_files_nest_and_quote)
{
	struct hg_strvec v = HG_STRVEC_INIT;
	char dir[] = "/tmp/hgccXXXXXX";
	static const char one[] = "-DA='x y' @two\n";
	static const char two[] = "\"-DB=\\\"q\\\"\" -DC=a\\ b ''";

	ck_assert_ptr_nonnull(mkdtemp(dir));
	ck_assert_int_eq(chdir(dir), 0);
	hg_write_file_atomic("one", one, strlen(one), 0644, NULL);
	hg_write_file_atomic("two", two, strlen(two), 0644, NULL);
	ck_assert_int_eq(hg_response_expand("@one", &v, NULL), 0);
	ck_assert_int_eq(hg_response_expand("@absent", &v, NULL), 0);
	ck_assert_uint_eq(v.n, 5);
	ck_assert_str_eq(v.v[0], "-DA=x y");
	ck_assert_str_eq(v.v[1], "-DB=\"q\"");
	ck_assert_str_eq(v.v[2], "-DC=a b");
	ck_assert_str_eq(v.v[3], "");
	ck_assert_str_eq(v.v[4], "@absent");
	hg_strvec_release(&v);
	hg_write_file_atomic("loop", "@loop", 5, 0644, NULL);
	ck_assert_int_eq(hg_response_expand("@loop", &v, NULL), -HG_TOOBIG);
	hg_strvec_release(&v);
}
END_TEST

START_TEST(families_of_compiler_names)
{
	static const char *const cases[][2] = {
		{ "gcc", "gcc" },
		{ "/usr/bin/g++-12", "g++" },
		{ "x86_64-linux-gnu-gcc-12", "gcc" },
		{ "clang++-14.0", "clang++" },
		{ "cc", "cc" },
		{ "arm-none-eabi-c++", "c++" },
	};
	static const char *const not_one[] = { "ccache", "tcc", "make",
		"gcc-ar", "clang-tidy", "" };

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		ck_assert_pstr_eq(hg_cc_family(cases[i][0]), cases[i][1]);
	for (size_t i = 0; i < sizeof(not_one) / sizeof(*not_one); i++)
		ck_assert_ptr_null(hg_cc_family(not_one[i]));
}
END_TEST

START_TEST(environment_that_matters)
{
	static const char *const names[] = {
#define HG_ENV(name, effect) name,
#include "lib/cc/env.def"
	};

	for (size_t i = 1; i < sizeof(names) / sizeof(*names); i++)
		ck_assert_str_lt(names[i - 1], names[i]);
	ck_assert_int_eq(hg_env_effect("LLVM_OVERRIDE_PRODUCER=x"), HG_ENV_KEY);
	ck_assert_int_eq(hg_env_effect("ZZ=x"), HG_ENV_NONE);
	ck_assert_int_eq(hg_env_effect("CPATH=/x"), HG_ENV_KEY);
	ck_assert_int_eq(hg_env_effect("LC_ALL=C"), HG_ENV_KEY);
	ck_assert_int_eq(hg_env_effect("LC=C"), HG_ENV_NONE);
	ck_assert_int_eq(hg_env_effect("HOME=/x"), HG_ENV_NONE);
	ck_assert_int_eq(hg_env_effect("SUNPRO_DEPENDENCIES=x"), HG_ENV_PASS);
}
END_TEST

UNIT_MAIN("cc", rows_are_in_byte_order_and_unique, every_row_finds_itself,
    clang_takes_less_of_preprocessor_words, clang_has_other_kinds_of_output,
    the_longest_fitting_row_wins, names_the_outputs,
    says_why_a_command_is_not_ours, the_key_leaves_out_names_of_outputs,
    knows_when_folder_and_machine_matter, preprocessing_form_writes_nothing,
    an_image_of_clang_has_time_stamps_unless_told,
    trouble_of_the_machine_is_told_from_mistakes,
    paths_that_only_say_where_are_found, prefix_maps_are_understood,
    dependency_files_are_set_anew,
    response_files_nest_and_quote, families_of_compiler_names,
    environment_that_matters)
