/* SPDX-License-Identifier: Apache-2.0 */
/* What is remembered of folders and of who includes whom, and when it ends. */
#include "config.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/alloc.h"
#include "lib/base/error.h"
#include "lib/base/fd.h"
#include "lib/base/part.h"
#include "lib/base/path.h"
#include "lib/base/strbuf.h"
#include "lib/base/time.h"
#include "lib/observe/observe.h"
#include "lib/wire/agent_msg.h"
#include "services/agent/contents.h"
#include "services/agent/driver.h"
#include "services/agent/graph.h"
#include "services/agent/includes.h"
#include "services/agent/inputs.h"
#include "services/agent/scan.h"
#include "services/agent/search.h"
#include "services/agent/tree.h"
#include "tests/lib/unit.h"

/* ---- files to play with ------------------------------------------------- */

struct fixture {
	char dir[32];
	struct hg_tree *tree;
	struct hg_contents *contents;
	struct hg_graph *graph;
};

static void
fixture_init(struct fixture *f)
{
	snprintf(f->dir, sizeof(f->dir), "/tmp/hgscanXXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(f->dir));
	f->tree = hg_tree_new();
	f->contents = hg_contents_new(64 << 20);
	f->graph = hg_graph_new(f->tree, f->contents);
	hg_tree_begin(f->tree);
}

static void
fixture_release(struct fixture *f)
{
	hg_graph_free(f->graph);
	hg_contents_free(f->contents);
	hg_tree_free(f->tree);
	ck_assert_int_eq(hg_remove_tree(f->dir, NULL), 0);
}

static void
put(const struct fixture *f, const char *name, const char *text)
{
	char *path = hg_path_join(f->dir, name), *dir = hg_path_dir(path);

	ck_assert_int_eq(hg_mkdir_p(dir, NULL), 0);
	ck_assert_int_eq(
	    hg_write_file_atomic(path, text, strlen(text), 0644, NULL), 0);
	free(dir);
	free(path);
}

static void
put_link(const struct fixture *f, const char *name, const char *target)
{
	char *path = hg_path_join(f->dir, name);

	ck_assert_int_eq(symlink(target, path), 0);
	free(path);
}

static void
take_away(const struct fixture *f, const char *name)
{
	char *path = hg_path_join(f->dir, name);

	ck_assert_int_eq(remove(path), 0);
	free(path);
}

/* So that signatures are believed. */
static void
settle(void)
{
	struct timespec t = { .tv_nsec = 120 * 1000 * 1000 };

	nanosleep(&t, NULL);
}

static struct hg_place *
at(const struct fixture *f, const char *name)
{
	char *path = hg_path_join(f->dir, name);
	struct hg_place *p =
	    hg_tree_find(f->tree, hg_tree_root(f->tree), path, NULL);

	free(path);
	return p;
}

/* The path of a place below the fixture's folder; "-" for none. */
static const char *
name_of(const struct fixture *f, const struct hg_place *p)
{
	return p ? hg_place_path(p) + strlen(f->dir) + 1 : "-";
}

static const char *
name_of_path(const struct fixture *f, const char *path)
{
	return path + strlen(f->dir) + 1;
}

/* ---- the tree ----------------------------------------------------------- */

START_TEST(paths_are_followed_as_the_kernel_does)
{
	static const struct {
		const char *path, *end;
	} cases[] = {
		{ "a/b/f", "a/b/f" },
		{ "./a//b/./f", "a/b/f" },
		{ "a/b/../g", "a/g" },
		/* l/.. is the folder of what l leads to */
		{ "l/../g", "a/g" },
		{ "l/f", "a/b/f" },
		{ "ll/f", "a/b/f" },
		{ "one", "a/b/f" },
		{ "a/none", "-" },
		{ "none/../a/b/f", "-" },
		{ "a/b/f/x", "-" },
		{ "dead", "-" },
		{ "loop", "-" },
		{ "../../../dev/null", "-" },
	};
	struct fixture f;

	fixture_init(&f);
	put(&f, "a/b/f", "");
	put(&f, "a/g", "");
	put_link(&f, "l", "a/b");
	put_link(&f, "ll", "l");
	put_link(&f, "one", "ll/f");
	put_link(&f, "dead", "nowhere");
	put_link(&f, "loop", "loop");
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		ck_assert_str_eq(
		    name_of(&f, at(&f, cases[i].path)), cases[i].end);
	fixture_release(&f);
}
END_TEST

/* Looks for name in the folder "d", and gives what the answer rests on. */
static struct hg_seen
look_in_vain(struct fixture *f, const char *name)
{
	struct hg_trail trail = { .pass = NULL };
	struct hg_seen seen;

	ck_assert_ptr_null(hg_tree_find(f->tree, at(f, "d"), name, &trail));
	ck_assert_uint_eq(trail.n_seen, 1);
	seen = trail.seen[0];
	hg_trail_release(&trail);
	return seen;
}

START_TEST(what_is_missing_is_so_until_it_turns_up)
{
	struct hg_seen seen;
	struct fixture f;

	fixture_init(&f);
	put(&f, "d/here", "");
	settle();
	seen = look_in_vain(&f, "none");
	hg_tree_begin(f.tree);
	ck_assert(hg_tree_holds(f.tree, &seen));
	/* others do not matter */
	put(&f, "d/other", "");
	hg_tree_begin(f.tree);
	ck_assert(hg_tree_holds(f.tree, &seen));
	ck_assert_str_eq(name_of(&f, at(&f, "d/other")), "d/other");
	put(&f, "d/none", "");
	/* not within a round */
	ck_assert(hg_tree_holds(f.tree, &seen));
	hg_tree_begin(f.tree);
	ck_assert(!hg_tree_holds(f.tree, &seen));
	ck_assert_str_eq(name_of(&f, at(&f, "d/none")), "d/none");
	fixture_release(&f);
}
END_TEST

START_TEST(what_is_there_is_so_until_it_goes)
{
	struct hg_place *p;
	struct hg_seen seen;
	unsigned version;
	struct fixture f;

	fixture_init(&f);
	put(&f, "d/x", "1");
	settle();
	p = at(&f, "d/x");
	seen = hg_place_seen(p);
	version = hg_place_version(f.tree, p);
	hg_tree_begin(f.tree);
	ck_assert(hg_tree_holds(f.tree, &seen));
	ck_assert_uint_eq(hg_place_version(f.tree, p), version);
	/* its content is another thing than its being there */
	put(&f, "d/x", "2");
	hg_tree_begin(f.tree);
	ck_assert(hg_tree_holds(f.tree, &seen));
	ck_assert_uint_ne(hg_place_version(f.tree, p), version);
	/* changed a moment ago, it may have changed again */
	version = hg_place_version(f.tree, p);
	hg_tree_begin(f.tree);
	ck_assert_uint_ne(hg_place_version(f.tree, p), version);
	take_away(&f, "d/x");
	hg_tree_begin(f.tree);
	ck_assert(!hg_tree_holds(f.tree, &seen));
	ck_assert_ptr_null(at(&f, "d/x"));
	fixture_release(&f);
}
END_TEST

START_TEST(a_folder_that_becomes_a_link_ends_it_all)
{
	struct fixture f;
	char *from, *to;

	fixture_init(&f);
	put(&f, "d/x", "");
	ck_assert_ptr_nonnull(at(&f, "d/x"));
	from = hg_path_join(f.dir, "d");
	to = hg_path_join(f.dir, "e");
	ck_assert_int_eq(rename(from, to), 0);
	put_link(&f, "d", "e");
	hg_tree_begin(f.tree);
	at(&f, "d/x");
	ck_assert(hg_tree_is_stale(f.tree));
	free(from);
	free(to);
	fixture_release(&f);
}
END_TEST

START_TEST(folders_too_large_to_list_work)
{
	struct hg_seen seen;
	struct fixture f;
	char name[64];

	fixture_init(&f);
	put(&f, "d/here", "");
	for (int i = 0; i < 20100; i++) {
		snprintf(name, sizeof(name), "%s/d/%d", f.dir, i);
		ck_assert_int_eq(mknod(name, S_IFREG | 0600, 0), 0);
	}
	ck_assert_str_eq(name_of(&f, at(&f, "d/17")), "d/17");
	seen = look_in_vain(&f, "none");
	hg_tree_begin(f.tree);
	ck_assert(hg_tree_holds(f.tree, &seen));
	put(&f, "d/none", "");
	hg_tree_begin(f.tree);
	ck_assert(!hg_tree_holds(f.tree, &seen));
	fixture_release(&f);
}
END_TEST

/* ---- the graph ---------------------------------------------------------- */

/* Walks from src/a.c with the folders q (quote), i and j. */
static enum hg_scan_reason
walk_with(struct fixture *f, const char *define, struct hg_inputs *in)
{
	struct hg_place *quote[1], *angle[2];
	struct hg_graph_path path = { quote, 0, angle, 0 };
	char *copy = hg_xstrdup(define ? define : "");
	struct hg_graph_job job = {
		.source = "src/a.c",
		.defines = &copy,
		.n_defines = define ? 1 : 0,
	};
	struct hg_context *ctx;
	enum hg_scan_reason reason;

	hg_tree_begin(f->tree);
	job.cwd = at(f, "");
	quote[0] = at(f, "q");
	path.n_quote = quote[0] ? 1 : 0;
	angle[path.n_angle] = at(f, "i");
	path.n_angle += angle[path.n_angle] != NULL;
	angle[path.n_angle] = at(f, "j");
	path.n_angle += angle[path.n_angle] != NULL;
	ctx = hg_graph_context(f->graph, &path, NULL, "id");
	reason = hg_graph_walk(f->graph, ctx, &job, in);
	free(copy);
	return reason;
}

/* The files and links that a walk finds, beside the source, must be those. */
static void
expect_with(struct fixture *f, const char *define, const char *want)
{
	struct hg_inputs in = HG_INPUTS_INIT;
	struct hg_strbuf got = HG_STRBUF_INIT;
	size_t skip = strlen(f->dir) + 1;

	ck_assert_int_eq(walk_with(f, define, &in), HG_SCAN_scanned);
	hg_inputs_sort(&in);
	for (size_t i = 0; i < in.n; i++) {
		const struct hg_input *x = in.v[i];

		ck_assert(i == 0 || strcmp(in.v[i - 1]->path, x->path) < 0);
		if ((x->kind == HG_INPUT_FILE || x->kind == HG_INPUT_LINK) &&
		    strcmp(x->path + skip, "src/a.c") != 0)
			hg_strbuf_addf(&got, "%s%s", got.len ? " " : "",
			    x->path + skip);
	}
	ck_assert_str_eq(got.buf, want);
	hg_strbuf_release(&got);
	hg_inputs_release(&in);
}

static void
expect(struct fixture *f, const char *want)
{
	expect_with(f, NULL, want);
}

static enum hg_scan_reason
reason_of(struct fixture *f, const char *define)
{
	struct hg_inputs in = HG_INPUTS_INIT;
	enum hg_scan_reason r = walk_with(f, define, &in);

	hg_inputs_release(&in);
	return r;
}

START_TEST(names_are_searched_in_order)
{
	struct fixture f;

	fixture_init(&f);
	put(&f, "src/a.c", "#include \"x.h\"\n#include <x.h>\n#include <y.h>\n"
			   "#include \"z.h\"\n#include <q.h>\n#include <d>\n");
	put(&f, "src/x.h", "");
	put(&f, "i/x.h", "");
	put(&f, "j/x.h", "#include \"never.h\"\n");
	put(&f, "j/y.h", "#include \"x.h\"\n#include <none.h>\n");
	put(&f, "q/z.h", "");
	put(&f, "q/q.h", "");
	/* a folder is no header */
	put(&f, "i/d/file", "");
	put(&f, "j/d", "");
	expect(&f, "i/x.h j/d j/x.h j/y.h q/z.h src/x.h");
	fixture_release(&f);
}
END_TEST

START_TEST(next_means_all_and_cycles_end)
{
	struct fixture f;

	fixture_init(&f);
	put(&f, "src/a.c", "#include <n.h>\n#include \"../src/a.c\"\n");
	put(&f, "i/n.h", "#include_next <n.h>\n#include <m.h>\n");
	put(&f, "j/n.h", "#include_next <n.h>\n");
	put(&f, "j/m.h", "#include <n.h>\n#include \"m.h\"\n");
	expect(&f, "i/n.h j/m.h j/n.h");
	fixture_release(&f);
}
END_TEST

START_TEST(links_are_kept_and_decide_where_to_look)
{
	struct fixture f;

	fixture_init(&f);
	put(&f, "src/a.c", "#include \"l.h\"\n#include \"in/k.h\"\n");
	/* next to the link, not to what it leads to */
	put(&f, "real/l.h", "#include \"near.h\"\n");
	put(&f, "real/near.h", "");
	put(&f, "src/near.h", "");
	put_link(&f, "src/l.h", "../real/l.h");
	put(&f, "far/k.h", "#include \"../up.h\"\n");
	put(&f, "up.h", "");
	put_link(&f, "src/in", "../far");
	expect(&f, "far/k.h real/l.h src/in src/l.h src/near.h up.h");
	fixture_release(&f);
}
END_TEST

START_TEST(changes_are_seen)
{
	struct fixture f;

	fixture_init(&f);
	put(&f, "src/a.c", "#include <x.h>\n#if __has_include(<opt.h>)\n#endif");
	put(&f, "i/other.h", "");
	put(&f, "j/x.h", "#include \"one.h\"\n");
	put(&f, "j/one.h", "");
	put(&f, "j/two.h", "");
	settle();
	expect(&f, "j/one.h j/x.h");
	expect(&f, "j/one.h j/x.h");
	put(&f, "j/x.h", "#include \"two.h\"\n");
	expect(&f, "j/two.h j/x.h");
	put(&f, "i/x.h", "");
	expect(&f, "i/x.h");
	take_away(&f, "i/x.h");
	expect(&f, "j/two.h j/x.h");
	put(&f, "i/opt.h", "#include \"one.h\"\n");
	/* it is asked for, not read */
	expect(&f, "i/opt.h j/two.h j/x.h");
	take_away(&f, "j/two.h");
	expect(&f, "i/opt.h j/x.h");
	put(&f, "i/two.h", "");
	put(&f, "src/two.h", "");
	expect(&f, "i/opt.h i/two.h j/x.h");
	fixture_release(&f);
}
END_TEST

START_TEST(macros_that_stand_for_names_are_followed)
{
	struct fixture f;

	fixture_init(&f);
	put(&f, "i/one.h", "#define SECOND \"two.h\"\n");
	put(&f, "i/two.h", "");
	put(&f, "i/three.h", "");
	put(&f, "src/a.c", "#define FIRST <one.h>\n#include FIRST\n"
			   "#define ALIAS SECOND\n#include ALIAS\n"
			   "#ifdef NOBODY\n#include NOBODY\n#endif\n"
			   "#if __has_include(GIVEN)\n#endif\n");
	expect(&f, "i/one.h i/two.h");
	expect_with(&f, "GIVEN=<three.h>", "i/one.h i/three.h i/two.h");
	expect_with(&f, "GIVEN=ALIAS", "i/one.h i/two.h");
	expect_with(&f, "GIVENNOT", "i/one.h i/two.h");
	ck_assert_int_eq(reason_of(&f, "GIVEN"), HG_SCAN_computed);
	ck_assert_int_eq(reason_of(&f, "GIVEN=F(x)"), HG_SCAN_computed);
	/* all definitions count */
	put(&f, "src/a.c", "#ifdef A\n#define X <one.h>\n#else\n"
			   "#define X <three.h>\n#endif\n#include X\n");
	expect(&f, "i/one.h i/three.h");
	put(&f, "src/a.c", "#define X X\n#include X\n");
	expect(&f, "");
	put(&f, "i/one.h", "#define X(a) <a>\n");
	put(&f, "src/a.c", "#include <one.h>\n#include X\n");
	ck_assert_int_eq(reason_of(&f, NULL), HG_SCAN_computed);
	fixture_release(&f);
}
END_TEST

START_TEST(what_cannot_be_told_is_said)
{
	struct fixture f;
	char *path;

	fixture_init(&f);
	ck_assert_int_eq(reason_of(&f, NULL), HG_SCAN_unread);
	put(&f, "src/a.c", "#include \"x.h\"\n");
	put(&f, "src/x.h", "char *s = __DATE__;");
	ck_assert_int_eq(reason_of(&f, NULL), HG_SCAN_time);
	put(&f, "src/x.h", "#include F(x)\n");
	ck_assert_int_eq(reason_of(&f, NULL), HG_SCAN_computed);
	put(&f, "src/x.h", "");
	ck_assert_int_eq(reason_of(&f, NULL), HG_SCAN_scanned);
	path = hg_path_join(f.dir, "src/x.h");
	ck_assert_int_eq(truncate(path, (off_t)33 << 20), 0);
	ck_assert_int_eq(reason_of(&f, NULL), HG_SCAN_limit);
	ck_assert_int_eq(truncate(path, (off_t)65 << 20), 0);
	ck_assert_int_eq(reason_of(&f, NULL), HG_SCAN_unread);
	free(path);
	fixture_release(&f);
}
END_TEST

START_TEST(endless_sources_are_bounded)
{
	struct hg_strbuf text = HG_STRBUF_INIT;
	struct fixture f;

	fixture_init(&f);
	for (int i = 0; i < 25000; i++)
		hg_strbuf_addf(&text, "#include \"%d.h\"\n", i);
	put(&f, "src/a.c", text.buf);
	ck_assert_int_eq(reason_of(&f, NULL), HG_SCAN_limit);
	/* a long way down is only long */
	put(&f, "src/a.c", "#include \"0.h\"\n");
	for (int i = 0; i < 3000; i++) {
		char name[32], next[32];

		snprintf(name, sizeof(name), "src/%d.h", i);
		snprintf(next, sizeof(next), "#include \"%d.h\"\n", i + 1);
		put(&f, name, next);
	}
	ck_assert_int_eq(reason_of(&f, NULL), HG_SCAN_scanned);
	hg_strbuf_release(&text);
	fixture_release(&f);
}
END_TEST

/* ---- the command -------------------------------------------------------- */

static void
parse(struct hg_includes *in, const char *const *words, const char *env)
{
	static char compiler[] = "/usr/bin/gcc", cwd[] = "/", source[] = "a.c";
	char *variable = hg_xstrdup(env ? env : "HOME=/");
	struct hg_strvec args = HG_STRVEC_INIT;
	struct hg_agent_request r = {
		.compiler = compiler,
		.cwd = cwd,
		.source = source,
		.env = &variable,
		.n_env = 1,
	};

	hg_strvec_add_all(&args, words);
	r.preprocess_args = args.v;
	r.n_preprocess_args = args.n;
	hg_includes_parse(in, &r);
	hg_strvec_release(&args);
	free(variable);
}

static void
expect_words(const struct hg_strvec *v, const char *want)
{
	struct hg_strbuf got = HG_STRBUF_INIT;

	for (size_t i = 0; i < v->n; i++)
		hg_strbuf_addf(&got, "%s%s", i ? " " : "", v->v[i]);
	ck_assert_str_eq(got.buf, want);
	hg_strbuf_release(&got);
}

START_TEST(commands_are_sorted)
{
	static const char *const words[] = { "-O2", "-Wall", "-Ia", "-I", "b",
		"-isystemc", "-iquote", "d", "-idirafter", "e", "-include",
		"f.h", "-imacros", "g.h", "-DX=1", "-D", "Y", "-UZ", "-m32",
		"-std=c99", "-Wp,-DP,-UQ", "-D__GNUC__=3", "a.c", "-E", "-o",
		"/dev/null", "-fdirectives-only", NULL };
	struct hg_includes in;

	parse(&in, words, NULL);
	ck_assert_int_eq(in.trouble, HG_INCLUDES_FINE);
	ck_assert_str_eq(in.language, "c");
	expect_words(&in.folder[HG_INCLUDE_USER], "a b");
	expect_words(&in.folder[HG_INCLUDE_SYSTEM], "c");
	expect_words(&in.folder[HG_INCLUDE_QUOTE], "d");
	expect_words(&in.folder[HG_INCLUDE_AFTER], "e");
	expect_words(&in.files, "f.h g.h");
	expect_words(&in.defines, "X=1 Y P __GNUC__=3");
	ck_assert(!in.is_whole);
	expect_words(&in.ask, "-O2 -m32 -std=c99 -D __GNUC__=3");
	hg_includes_release(&in);
}
END_TEST

START_TEST(what_bears_on_folders_is_asked_with_them)
{
	static const char *const root[] = { "-I=usr", "--sysroot=/s", "-Ia",
		NULL };
	static const char *const prefix[] = { "-Ia", "-iprefix", "p/",
		"-iwithprefix", "q", "-isystem", "c", NULL };
	static const char *const plain[] = { "-Ia", NULL };
	struct hg_includes in;

	parse(&in, root, NULL);
	ck_assert(in.is_whole);
	expect_words(&in.ask, "-I =usr --sysroot=/s -I a");
	hg_includes_release(&in);
	parse(&in, prefix, NULL);
	ck_assert(in.is_whole);
	expect_words(
	    &in.ask, "-I a -iprefix p/ -iwithprefix q -isystem c");
	hg_includes_release(&in);
	parse(&in, plain, "CPATH=x:y");
	ck_assert(in.is_whole);
	hg_includes_release(&in);
	parse(&in, plain, "CPATH=");
	ck_assert(!in.is_whole);
	hg_includes_release(&in);
}
END_TEST

START_TEST(what_a_scan_does_not_understand_is_left_alone)
{
	static const char *const cases[][3] = {
		{ "-I-", NULL },
		{ "-Xpreprocessor", "-Ix", NULL },
		{ "-Wp,-Ix", NULL },
		{ "-Xclang", "-include", NULL },
		{ "-traditional-cpp", NULL },
		{ "-finput-charset=UTF-16", NULL },
		{ "--unknown-option", NULL },
		{ "-x", "f95", NULL },
		{ "-xassembler", NULL },
	};
	struct hg_includes in;

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		parse(&in, cases[i], NULL);
		ck_assert_msg(
		    in.trouble != HG_INCLUDES_FINE, "%s", cases[i][0]);
		hg_includes_release(&in);
	}
}
END_TEST

#define MAX_BYTES ((size_t)64 << 20)

/* ---- the whole ---------------------------------------------------------- */

/* A scan of src/a.c with the real compiler, in many threads. */
struct crowd {
	const struct fixture *f;
	struct hg_scan *scan;
	atomic_int wrong;
};

static size_t
scan_once(const struct crowd *c, const char *define, enum hg_scan_reason *ret)
{
	static char compiler[] = "/usr/bin/gcc", source[] = "src/a.c";
	static char out[] = "a.o", path[] = "PATH=/usr/bin:/bin";
	char *cwd = hg_xstrdup(c->f->dir), *outputs = out, *env = path;
	struct hg_inputs in = HG_INPUTS_INIT;
	struct hg_strvec args = HG_STRVEC_INIT;
	struct hg_agent_request r = {
		.compiler = compiler,
		.cwd = cwd,
		.source = source,
		.env = &env,
		.n_env = 1,
		.outputs = &outputs,
		.n_outputs = 1,
	};
	size_t files = 0;

	hg_strvec_add(&args, "-Ii");
	hg_strvec_add(&args, define);
	hg_strvec_add(&args, source);
	r.preprocess_args = args.v;
	r.n_preprocess_args = args.n;
	*ret = hg_scan_find(c->scan, &r, HG_NS_PER_SEC * 60, -1, &in);
	for (size_t i = 0; i < in.n; i++)
		files += strncmp(in.v[i]->path, cwd, strlen(cwd)) == 0 &&
			 in.v[i]->kind == HG_INPUT_FILE;
	hg_inputs_release(&in);
	hg_strvec_release(&args);
	free(cwd);
	return files;
}

static void *
scan_often(void *arg)
{
	struct crowd *c = arg;
	enum hg_scan_reason reason;

	for (int i = 0; i < 40; i++) {
		size_t n = scan_once(c, i % 2 ? "-DX" : "-DY=1", &reason);

		/* a header that is being replaced may count or not */
		if (reason == HG_SCAN_scanned ? n < 3 || n > 4
					      : reason != HG_SCAN_unread)
			atomic_fetch_add(&c->wrong, 1);
	}
	return NULL;
}

START_TEST(many_compiles_share_what_is_known)
{
	struct crowd c = { .wrong = 0 };
	enum hg_scan_reason reason;
	struct hg_search *search;
	pthread_t thread[6];
	struct fixture f;
	char *so;

	so = hg_part_path("../../bin/hg-observe.so");
	ck_assert_ptr_nonnull(so);
	fixture_init(&f);
	search = hg_search_new(so, 2);
	c.f = &f;
	c.scan = hg_scan_new(search, f.contents, true, MAX_BYTES);
	put(&f, "src/a.c", "#include <stddef.h>\n#include \"x.h\"\n");
	put(&f, "src/x.h", "#include <y.h>\n");
	put(&f, "i/y.h", "");
	put(&f, "i/z.h", "");
	settle();
	ck_assert_uint_eq(scan_once(&c, "-DX", &reason), 3);
	ck_assert_int_eq(reason, HG_SCAN_scanned);
	for (int i = 0; i < 6; i++)
		ck_assert_int_eq(
		    pthread_create(&thread[i], NULL, scan_often, &c), 0);
	for (int i = 0; i < 20; i++)
		put(&f, "src/x.h",
		    i % 2 ? "#include <y.h>\n"
			  : "#include <y.h>\n#include <z.h>\n");
	for (int i = 0; i < 6; i++)
		pthread_join(thread[i], NULL);
	ck_assert_int_eq(atomic_load(&c.wrong), 0);
	ck_assert_uint_eq(scan_once(&c, "-DX", &reason), 3);
	ck_assert_uint_ge(hg_scan_count(c.scan, HG_SCAN_scanned), 100);
	hg_scan_free(c.scan);
	hg_search_free(search);
	free(so);
	fixture_release(&f);
}
END_TEST

START_TEST(what_is_known_is_bounded)
{
	struct crowd c = { .wrong = 0 };
	enum hg_scan_reason reason;
	struct hg_search *search;
	struct fixture f;
	char *so = hg_part_path("../../bin/hg-observe.so");

	fixture_init(&f);
	search = hg_search_new(so, 2);
	c.f = &f;
	/* anew each time */
	c.scan = hg_scan_new(search, f.contents, true, 1);
	put(&f, "src/a.c", "#include <y.h>\n");
	put(&f, "i/y.h", "");
	for (int i = 0; i < 3; i++) {
		ck_assert_uint_eq(scan_once(&c, "-DX", &reason), 2);
		ck_assert_int_eq(reason, HG_SCAN_scanned);
	}
	hg_scan_free(c.scan);
	hg_search_free(search);
	free(so);
	fixture_release(&f);
}
END_TEST

START_TEST(a_driver_that_does_not_answer_is_asked_once)
{
	static char path[] = "PATH=/usr/bin:/bin", source[] = "a.c";
	char *env = path, *compiler, *count, *so;
	struct hg_strbuf text = HG_STRBUF_INIT;
	struct hg_inputs in = HG_INPUTS_INIT;
	struct hg_agent_request r = {
		.source = source,
		.env = &env,
		.n_env = 1,
	};
	struct hg_search *search;
	struct hg_scan *scan;
	struct fixture f;

	fixture_init(&f);
	put(&f, "gcc", "#!/bin/sh\necho asked >>\"$0.count\"\necho nothing >&2\n");
	put(&f, "a.c", "");
	compiler = hg_path_join(f.dir, "gcc");
	count = hg_path_join(f.dir, "gcc.count");
	ck_assert_int_eq(chmod(compiler, 0755), 0);
	so = hg_part_path("../../bin/hg-observe.so");
	search = hg_search_new(so, 2);
	scan = hg_scan_new(search, f.contents, true, MAX_BYTES);
	r.compiler = compiler;
	r.cwd = f.dir;
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(
		    hg_scan_find(scan, &r, HG_NS_PER_SEC * 60, -1, &in),
		    HG_SCAN_driver);
	ck_assert_int_eq(hg_read_file(count, 100, &text, NULL), 0);
	ck_assert_str_eq(text.buf, "asked\n");
	hg_strbuf_release(&text);
	hg_scan_free(scan);
	hg_search_free(search);
	free(compiler);
	free(count);
	free(so);
	fixture_release(&f);
}
END_TEST

START_TEST(a_miss_is_remembered_for_that_command)
{
	static char blob[] = "blob", none[] = "none";
	struct hg_wire_observed seen[] = {
		{ .path = blob, .kind = HG_OBSERVED_ABSENT },
		{ .path = none, .kind = HG_OBSERVED_ABSENT },
	};
	const struct hg_wire_result result = { .observed = seen,
		.n_observed = 2 };
	const struct hg_wire_result nothing = { .observed = seen + 1,
		.n_observed = 1 };
	static char compiler[] = "/usr/bin/gcc", source[] = "src/a.c";
	struct hg_inputs in = HG_INPUTS_INIT;
	struct hg_agent_request r = {
		.compiler = compiler,
		.source = source,
	};
	/* no driver can be asked with it */
	struct hg_search *search = hg_search_new("/no/such.so", 1);
	struct hg_scan *scan;
	struct fixture f;

	fixture_init(&f);
	put(&f, "src/a.c", "");
	put(&f, "blob", "");
	r.cwd = f.dir;
	scan = hg_scan_new(search, f.contents, true, MAX_BYTES);
	/* what is not here either is no miss */
	hg_scan_missed(scan, &r, &nothing, HG_SCAN_scanned);
	ck_assert_int_eq(hg_scan_find(scan, &r, 1, -1, &in), HG_SCAN_driver);
	hg_scan_missed(scan, &r, &result, HG_SCAN_scanned);
	ck_assert_int_eq(hg_scan_find(scan, &r, 1, -1, &in), HG_SCAN_missed);
	ck_assert_uint_eq(in.n, 0);
	ck_assert_int_eq(hg_scan_add_missed(scan, &r, &in, NULL), 0);
	hg_inputs_sort(&in);
	ck_assert_str_eq(name_of_path(&f, in.v[in.n - 1]->path), "blob");
	hg_inputs_release(&in);
	/* the preprocessor had its chance: it is as hopeless either way */
	hg_scan_missed(scan, &r, &result, HG_SCAN_missed);
	ck_assert_int_eq(hg_scan_find(scan, &r, 1, -1, &in), HG_SCAN_driver);
	hg_scan_free(scan);
	hg_search_free(search);
	fixture_release(&f);
}
END_TEST

UNIT_MAIN("agent_scan", paths_are_followed_as_the_kernel_does,
    what_is_missing_is_so_until_it_turns_up, what_is_there_is_so_until_it_goes,
    a_folder_that_becomes_a_link_ends_it_all, folders_too_large_to_list_work,
    names_are_searched_in_order, next_means_all_and_cycles_end,
    links_are_kept_and_decide_where_to_look, changes_are_seen,
    macros_that_stand_for_names_are_followed, what_cannot_be_told_is_said,
    endless_sources_are_bounded, commands_are_sorted,
    what_bears_on_folders_is_asked_with_them,
    what_a_scan_does_not_understand_is_left_alone,
    many_compiles_share_what_is_known, what_is_known_is_bounded,
    a_driver_that_does_not_answer_is_asked_once, a_miss_is_remembered_for_that_command)
