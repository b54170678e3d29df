/* SPDX-License-Identifier: Apache-2.0 */
/* What sources ask for, found by looking at their text. */
#include "config.h"

#include <string.h>

#include "lib/base/strbuf.h"
#include "lib/scan/macros.h"
#include "lib/scan/text.h"
#include "tests/lib/unit.h"

/* "inaM": kind (include, next, exists, assembler) and form, then the name. */
static void
describe(const struct hg_text *t, struct hg_strbuf *out)
{
	for (size_t i = 0; i < t->n_refs; i++)
		hg_strbuf_addf(out, "%c%c%s%s", "inea"[t->ref[i].kind],
		    "\"<M"[t->ref[i].form], t->ref[i].name,
		    i + 1 < t->n_refs ? " " : "");
}

/* The text's references must be those. */
static void
expect_with(const struct hg_macros *macros, const char *text, const char *want)
{
	struct hg_text *t = hg_text_new(text, strlen(text), macros);
	struct hg_strbuf got = HG_STRBUF_INIT;

	describe(t, &got);
	ck_assert_msg(strcmp(got.buf, want) == 0, "in:\n%s\ngot %s\nnot %s",
	    text, got.buf, want);
	hg_strbuf_release(&got);
	hg_text_free(t);
}

static void
expect(const char *text, const char *want)
{
	expect_with(NULL, text, want);
}

static unsigned
flags_of(const char *text)
{
	struct hg_text *t = hg_text_new(text, strlen(text), NULL);
	unsigned flags = t->flags;

	hg_text_free(t);
	return flags;
}

START_TEST(finds_all_directives)
{
	expect("#include <a.h>\n#include \"b.h\"\n", "i<a.h i\"b.h");
	expect("  #\tinclude\t<a.h>junk", "i<a.h");
	expect("#include_next <a.h>\n#import \"b.h\"", "n<a.h i\"b.h");
	expect("#include MACRO\n", "iMMACRO");
	expect("#embed \"data.bin\" limit(5)\n", "e\"data.bin");
	expect("#embed DATA limit(5)\n", "eMDATA");
	expect("%:include \"digraph.h\"\n\?\?=include <trigraph.h>\n",
	    "i\"digraph.h i<trigraph.h");
	expect("#pragma GCC dependency \"x.y\" rest\n", "e\"x.y");
	expect("x #include \"not.h\"\n#includes \"not.h\"\n#undef include\n",
	    "");
}
END_TEST

START_TEST(comments_and_splices_are_nothing)
{
	expect("/**/ # /* a\nb */ include /* c */ \"a.h\" /" "/ d\n",
	    "i\"a.h");
	expect("// #include \"no.h\" \\\n#include \"no2.h\"\n", "");
	expect("/* #include \"no.h\"\n#include \"no2.h\" */#include \"a.h\"",
	    "i\"a.h");
	expect("#inc\\\nlude \"a\\\r\n.h\"\n#include \\ \n<b.h>\n",
	    "i\"a.h i<b.h");
	expect("#include <a//b.h>\n#include \"c/*d.h\"\n", "i<a//b.h i\"c/*d.h");
	expect("/\\\n* #include \"no.h\" *\\\n/\n#include \"a.h\"\n", "i\"a.h");
}
END_TEST

START_TEST(literals_hide_what_is_in_them)
{
	expect("char *s = \"/*\";\n#include \"a.h\"\n", "i\"a.h");
	expect("char c = '\"';\n#include \"a.h\"\n", "i\"a.h");
	expect("int i = 1'000'000;\n#include \"a.h\"\n", "i\"a.h");
	expect("char *s = R\"(\n#include \"no.h\"\n)\";\n#include \"a.h\"\n",
	    "i\"a.h");
	expect("auto s = u8R\"x(\n)\"\n#include \"no.h\"\n)x\";", "");
	/* before C++11 it is a macro and a string */
	expect("s = R\"(\";\n#include \"a.h\"\n", "i\"a.h");
	expect("#error don't\n#include \"a.h\"\n", "i\"a.h");
	expect("char *s = \"a\\\"/*\";\n#include \"a.h\"\n", "i\"a.h");
}
END_TEST

START_TEST(conditions_ask_for_files)
{
	expect("#if __has_include(<a.h>) || __has_include ( \"b.h\" )\n#endif",
	    "e<a.h e\"b.h");
	expect("#if 0\n#elif __has_include_next(<c.h>)\n#endif", "n<c.h");
	expect("#if HAS(<d.h>) && HAS(\"e.h\")\n#endif", "e<d.h e\"e.h");
	expect("#if __has_include(MACRO)\n#endif", "eMMACRO");
	expect("#ifdef __has_include\n#if __has_embed(\"f\" limit(1))\n", "e\"f");
	expect("#if (a) < (b) && (c<d)\n#include \"x.h\"\n#endif", "i\"x.h");
}
END_TEST

START_TEST(branches_that_are_never_taken_do_not_count)
{
	struct hg_macros m = HG_MACROS_INIT;

	hg_macros_read(&m, "#define __cplusplus 201703L\n#define __GNUC__ 12\n"
			   "#define __linux__ 1\n#define FOO 1\n");
	expect("#if 0\n#include \"no.h\"\n#else\n#include \"a.h\"\n#endif\n"
	       "#include \"b.h\"\n",
	    "i\"a.h i\"b.h");
	expect("#if 1\n#include \"a.h\"\n#elif FOO\n#include \"no.h\"\n#else\n"
	       "#include \"no.h\"\n#endif\n",
	    "i\"a.h");
	expect("#if 0\n#if 1\n#include \"no.h\"\n#endif\n#include \"no.h\"\n"
	       "#endif\n",
	    "");
	/* both, as FOO is anybody's */
	expect_with(&m,
	    "#if FOO\n#include \"a.h\"\n#else\n#include \"b.h\"\n#endif\n",
	    "i\"a.h i\"b.h");
	expect_with(&m,
	    "#if __cplusplus >= 202002L\n#include \"no.h\"\n"
	    "#elif __cplusplus >= 201703L\n#include \"a.h\"\n"
	    "#else\n#include \"no.h\"\n#endif\n",
	    "i\"a.h");
	expect_with(&m,
	    "#ifdef _WIN32\n#include \"no.h\"\n#elifdef __linux__\n"
	    "#include \"a.h\"\n#endif\n#ifndef __GNUC__\n"
	    "#include \"no.h\"\n#endif\n",
	    "i\"a.h");
	hg_macros_release(&m);
}
END_TEST

START_TEST(conditions_are_decided_as_far_as_is_known)
{
	static const struct {
		const char *text;
		enum hg_truth truth;
	} cases[] = {
		{ "1", HG_TRUE },
		{ "0", HG_FALSE },
		{ "FOO", HG_UNKNOWN },
		{ "defined(__GNUC__)", HG_TRUE },
		{ "!defined __GNUC__", HG_FALSE },
		{ "defined FOO", HG_UNKNOWN },
		{ "defined(_WIN32) && FOO", HG_FALSE },
		{ "FOO && defined(_WIN32)", HG_FALSE },
		{ "FOO || __GNUC__ > 4", HG_TRUE },
		{ "FOO || __GNUC__ < 4", HG_UNKNOWN },
		{ "_WIN32", HG_FALSE },
		{ "__GNUC__ * 100 + 5 >= 1205", HG_TRUE },
		{ "(__GNUC__ == 12) != (1 - 1)", HG_TRUE },
		{ "__cplusplus > 201103L ? 1 : FOO", HG_TRUE },
		{ "FOO(1, (2)) || 1", HG_TRUE },
		{ "__has_include(<a.h>) && 0", HG_FALSE },
		{ "0x10 == 16 && 010 == 8 && 0b11 == 3", HG_TRUE },
		{ "__cpp_concepts", HG_FALSE },
		{ "__cpp_lib_ranges", HG_UNKNOWN },
		{ "1 2", HG_UNKNOWN },
		{ "(1", HG_UNKNOWN },
		{ "", HG_UNKNOWN },
		{ "1 / 0", HG_UNKNOWN },
		{ "9223372036854775807 + 1", HG_UNKNOWN },
		{ "1'000 == 1000", HG_TRUE },
	};
	struct hg_macros m = HG_MACROS_INIT;

	hg_macros_read(
	    &m, "#define __cplusplus 201703L\n#define __GNUC__ 12\n");
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		ck_assert_msg(
		    hg_macros_decide(&m, cases[i].text) == cases[i].truth,
		    "%s", cases[i].text);
	hg_macros_release(&m);
}
END_TEST

START_TEST(the_table_is_in_order)
{
	static const char *const names[] = {
#define HG_MACRO(name) name,
#include "lib/scan/macros.def"
	};
	size_t n = sizeof(names) / sizeof(*names);

	for (size_t i = 0; i < n; i++) {
		ck_assert(i == 0 || strcmp(names[i - 1], names[i]) < 0);
		ck_assert(hg_macros_owns(names[i], strlen(names[i])));
	}
	ck_assert(!hg_macros_owns("", 0));
	ck_assert(!hg_macros_owns("zzz", 3));
}
END_TEST

START_TEST(deep_nesting_is_not_followed)
{
	struct hg_strbuf text = HG_STRBUF_INIT;

	for (int i = 0; i < 100000; i++)
		hg_strbuf_addc(&text, i % 2 ? '!' : '(');
	ck_assert_int_eq(hg_macros_decide(NULL, text.buf), HG_UNKNOWN);
	hg_strbuf_reset(&text);
	for (int i = 0; i < 5000; i++)
		hg_strbuf_adds(&text, "#if X\n");
	ck_assert(flags_of(text.buf) & HG_TEXT_LIMIT);
	hg_strbuf_release(&text);
}
END_TEST

START_TEST(macros_that_may_name_headers_are_kept)
{
	static const char text[] =
	    "#define A \"a.h\"\n#define B <b.h> /" "/ c\n#define C A\n"
	    "#define D(x) #x\n#define E\n#define F 1 + 2\n#define G \"a\" \"b\"\n"
	    "#define A <other.h>\n";
	struct hg_text *t = hg_text_new(text, strlen(text), NULL);

	ck_assert_uint_eq(t->n_macros, 4);
	ck_assert_str_eq(t->macro[0].name, "A");
	ck_assert_str_eq(t->macro[1].name, "A");
	ck_assert_str_eq(t->macro[2].name, "B");
	ck_assert_str_eq(t->macro[2].body, "<b.h>");
	ck_assert_str_eq(t->macro[3].body, "A");
	ck_assert_uint_eq(t->n_others, 4);
	ck_assert(hg_text_has_other(t, hg_text_hash("D", 1)));
	ck_assert(!hg_text_has_other(t, hg_text_hash("A", 1)));
	hg_text_free(t);
}
END_TEST

START_TEST(what_a_scan_cannot_know_is_flagged)
{
	ck_assert_uint_eq(flags_of("#include <a.h>\n"), 0);
	ck_assert_uint_eq(flags_of("#include STR(x)\n"), HG_TEXT_COMPUTED);
	ck_assert_uint_eq(flags_of("#include A B\n"), HG_TEXT_COMPUTED);
	ck_assert_uint_eq(flags_of("char *s = __DATE__;\n"), HG_TEXT_TIME);
	ck_assert_uint_eq(flags_of("#define T __TIME__\n"), HG_TEXT_TIME);
	ck_assert_uint_eq(flags_of("f(__TIMESTAMP__)"), HG_TEXT_TIME);
	ck_assert_uint_eq(flags_of("\"__DATE__\" /* __TIME__ */\n"), 0);
	ck_assert_uint_eq(flags_of("#if 0\n__DATE__\n#endif\n"), 0);
	ck_assert_uint_eq(flags_of("my__DATE__ __DATE__x\n"), 0);
	ck_assert_uint_eq(flags_of("// what\?\?/\n"), HG_TEXT_TRIGRAPH);
}
END_TEST

START_TEST(finds_what_the_assembler_reads)
{
	expect("__asm__(\".incbin \\\"blob.bin\\\"\");", "a\"blob.bin");
	expect("asm(\"x: .incbin\\t\\\"a\\\"\\n.include \\\"b\\\"\");",
	    "a\"b");
	expect("\t.incbin \"a b.bin\", 0, 5\n\t.include \"c.inc\"\n",
	    "a\"a b.bin a\"c.inc");
	expect("asm(R\"(.incbin \"raw.bin\")\");", "a\"raw.bin");
	expect("asm(\".incbin \\\"\" FILE \"\\\"\");", "");
	expect("x.incbin = 5; y.include(\"z\");", "");
}
END_TEST

START_TEST(any_bytes_will_do)
{
	static const char odd[] = "#include \"a\0b.h\"\n#include <c.h>\n\0#";
	struct hg_text *t = hg_text_new(odd, sizeof(odd), NULL);

	ck_assert_uint_eq(t->n_refs, 1);
	hg_text_free(t);
	expect("", "");
	expect("#", "");
	expect("#include", "");
	expect("#include \"", "");
	expect("/*", "");
	expect("\\", "");
	expect("\"\\", "");
	expect("#if __has_include(", "");
	expect("R\"(", "");
}
END_TEST

UNIT_MAIN("scan_text", finds_all_directives, comments_and_splices_are_nothing,
    literals_hide_what_is_in_them, conditions_ask_for_files,
    branches_that_are_never_taken_do_not_count,
    conditions_are_decided_as_far_as_is_known, the_table_is_in_order,
    deep_nesting_is_not_followed,
    macros_that_may_name_headers_are_kept, what_a_scan_cannot_know_is_flagged,
    finds_what_the_assembler_reads, any_bytes_will_do)
