/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of the agent that need no network and no processes. */
#include "config.h"

#include <getopt.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/alloc.h"
#include "lib/base/error.h"
#include "lib/base/fd.h"
#include "lib/base/path.h"
#include "lib/base/strbuf.h"
#include "lib/base/time.h"
#include "lib/observe/observe.h"
#include "lib/pack/pack.h"
#include "lib/toolchain/host_paths.h"
#include "lib/wire/agent_msg.h"
#include "lib/wire/wire.h"
#include "services/agent/check.h"
#include "services/agent/inputs.h"
#include "services/agent/listen.h"
#include "services/agent/contents.h"
#include "services/agent/known.h"
#include "services/agent/options.h"
#include "services/agent/peer.h"
#include "services/agent/request.h"
#include "tests/lib/unit.h"

#define SEC HG_NS_PER_SEC

/* ---- what is believed of a coordinator --------------------------------- */

START_TEST(first_compile_probes_and_others_wait_for_it)
{
	struct hg_peer p = { 0 };
	bool probe;

	ck_assert_int_eq(hg_peer_ask(&p, SEC, &probe), HG_PEER_WAIT);
	ck_assert(probe);
	ck_assert_int_eq(hg_peer_ask(&p, SEC, &probe), HG_PEER_WAIT);
	ck_assert(!probe);
	hg_peer_heard(&p, SEC);
	ck_assert_int_eq(hg_peer_ask(&p, 2 * SEC, &probe), HG_PEER_GO);
	ck_assert(!probe);
}
END_TEST

START_TEST(trust_ends_without_answers)
{
	struct hg_peer p = { 0 };
	uint64_t end = SEC + HG_PEER_TRUST_NS;
	bool probe;

	hg_peer_heard(&p, SEC);
	ck_assert_int_eq(hg_peer_ask(&p, end - 1, &probe), HG_PEER_GO);
	ck_assert_int_eq(hg_peer_ask(&p, end, &probe), HG_PEER_WAIT);
	ck_assert(probe);
}
END_TEST

START_TEST(while_down_nobody_waits)
{
	struct hg_peer p = { 0 };
	bool probe;

	hg_peer_ask(&p, SEC, &probe);
	hg_peer_lost(&p, 2 * SEC, 30 * SEC);
	ck_assert_int_eq(hg_peer_ask(&p, 3 * SEC, &probe), HG_PEER_STAY);
	ck_assert(!probe);
	ck_assert_int_eq(hg_peer_ask(&p, 31 * SEC, &probe), HG_PEER_STAY);
	ck_assert(!probe);
	/* after the back-off: a probe, but not on this compile's time */
	ck_assert_int_eq(hg_peer_ask(&p, 32 * SEC, &probe), HG_PEER_STAY);
	ck_assert(probe);
	ck_assert_int_eq(hg_peer_ask(&p, 32 * SEC, &probe), HG_PEER_STAY);
	ck_assert(!probe);
	hg_peer_lost(&p, 33 * SEC, 30 * SEC);
	ck_assert_int_eq(hg_peer_ask(&p, 62 * SEC, &probe), HG_PEER_STAY);
	ck_assert(!probe);
	hg_peer_heard(&p, 62 * SEC);
	ck_assert_int_eq(hg_peer_ask(&p, 63 * SEC, &probe), HG_PEER_GO);
}
END_TEST

START_TEST(a_suspect_is_probed)
{
	struct hg_peer p = { 0 };
	bool probe;

	hg_peer_heard(&p, SEC);
	hg_peer_suspect(&p);
	ck_assert_int_eq(hg_peer_ask(&p, SEC, &probe), HG_PEER_WAIT);
	ck_assert(probe);
	hg_peer_lost(&p, SEC, 30 * SEC);
	hg_peer_suspect(&p);
	ck_assert_int_eq(hg_peer_ask(&p, 2 * SEC, &probe), HG_PEER_STAY);
}
END_TEST

/* ---- files to play with ------------------------------------------------- */

struct tree {
	char dir[32];
};

static void
tree_init(struct tree *t)
{
	snprintf(t->dir, sizeof(t->dir), "/tmp/hgagentXXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(t->dir));
}

static void
tree_release(struct tree *t)
{
	ck_assert_int_eq(hg_remove_tree(t->dir, NULL), 0);
}

/* Makes a file that changed long ago, so that it is remembered. */
static char *
put(const struct tree *t, const char *name, const char *text)
{
	char *path = hg_path_join(t->dir, name), *dir = hg_path_dir(path);

	ck_assert_int_eq(hg_mkdir_p(dir, NULL), 0);
	ck_assert_int_eq(
	    hg_write_file_atomic(path, text, strlen(text), 0644, NULL), 0);
	free(dir);
	return path;
}

static void
put_link(const struct tree *t, const char *name, const char *target)
{
	char *path = hg_path_join(t->dir, name);

	ck_assert_int_eq(symlink(target, path), 0);
	free(path);
}

static void
settle(void)
{
	struct timespec t = { .tv_nsec = 120 * 1000 * 1000 };

	nanosleep(&t, NULL);
}

/* "kind name" of everything below the tree, one per line. */
static char *
listing(const struct tree *t, const struct hg_inputs *in)
{
	struct hg_strbuf sb = HG_STRBUF_INIT;
	size_t n = strlen(t->dir);

	for (size_t i = 0; i < in->n; i++) {
		const struct hg_input *x = in->v[i];

		if (strncmp(x->path, t->dir, n) != 0 || x->path[n] != '/')
			continue;
		hg_strbuf_addf(
		    &sb, "%c %s", "fldo"[x->kind], x -> path + n + 1);
		if (x->target)
			hg_strbuf_addf(&sb, " -> %s", x->target);
		hg_strbuf_addc(&sb, '\n');
	}
	return hg_strbuf_detach(&sb, NULL);
}

/* Adds names (relative to the tree) and compares the listing. */
static void
expect_inputs(const struct tree *t, const char *const *names, const char *want)
{
	struct hg_inputs in = HG_INPUTS_INIT;
	char *got;

	for (; *names; names++)
		ck_assert_int_eq(hg_inputs_add(&in, t->dir, *names, NULL), 0);
	hg_inputs_sort(&in);
	got = listing(t, &in);
	ck_assert_str_eq(got, want);
	free(got);
	hg_inputs_release(&in);
}

/* ---- the walk ----------------------------------------------------------- */

START_TEST(keeps_folders_that_are_only_spelled)
{
	static const char *const names[] = { "src/../inc/x.h", "./inc//x.h",
		NULL };
	struct tree t;

	tree_init(&t);
	free(put(&t, "src/a.c", ""));
	free(put(&t, "inc/x.h", ""));
	expect_inputs(&t, names, "d inc\nf inc/x.h\nd src\n");
	tree_release(&t);
}
END_TEST

START_TEST(keeps_links_and_what_they_lead_to)
{
	static const char *const names[] = { "l/x.h", "one.h", "up/inc/x.h",
		NULL };
	struct tree t;
	char *inc, *want;

	tree_init(&t);
	inc = put(&t, "inc/x.h", "");
	free(put(&t, "a/b/f", ""));
	put_link(&t, "l", "a/../inc");
	put_link(&t, "one.h", inc);
	put_link(&t, "a/up", "..");
	put_link(&t, "up", "a/up");
	want = hg_xasprintf("d a\nl a/up -> ..\nd inc\nf inc/x.h\n"
			    "l l -> a/../inc\nl one.h -> %s\n"
			    "l up -> a/up\n",
	    inc);
	expect_inputs(&t, names, want);
	free(want);
	free(inc);
	tree_release(&t);
}
END_TEST

START_TEST(a_link_leaves_the_folder_by_its_target)
{
	/* l/.. is the folder of what l leads to */
	static const char *const names[] = { "l/../g", NULL };
	struct tree t;

	tree_init(&t);
	free(put(&t, "a/b/f", ""));
	free(put(&t, "a/g", ""));
	free(put(&t, "g", ""));
	put_link(&t, "l", "a/b");
	expect_inputs(&t, names, "d a\nd a/b\nf a/g\nl l -> a/b\n");
	tree_release(&t);
}
END_TEST

START_TEST(stops_where_nothing_is)
{
	static const char *const names[] = { "a/none/x", "dead/x", "loop/x",
		"a/f/x", "", "/proc/self/cwd/a/f", NULL };
	struct tree t;

	tree_init(&t);
	free(put(&t, "a/f", ""));
	put_link(&t, "dead", "nowhere");
	put_link(&t, "loop", "loop");
	expect_inputs(
	    &t, names, "d a\nf a/f\nl dead -> nowhere\nl loop -> loop\n");
	tree_release(&t);
}
END_TEST

START_TEST(shared_inputs_come_once)
{
	struct hg_inputs in = HG_INPUTS_INIT;
	struct hg_input *shared;
	struct tree t;
	char *path;

	tree_init(&t);
	path = put(&t, "a/f", "");
	shared = hg_input_new(path, HG_INPUT_FILE, NULL);
	ck_assert_int_eq(hg_inputs_share(&in, shared, NULL), 0);
	ck_assert_int_eq(hg_inputs_add(&in, t.dir, "a/f", NULL), 0);
	hg_inputs_sort(&in);
	for (size_t i = 1; i < in.n; i++)
		ck_assert_int_lt(
		    strcmp(in.v[i - 1]->path, in.v[i]->path), 0);
	ck_assert_str_eq(in.v[in.n - 1]->path, path);
	hg_inputs_release(&in);
	/* ours is left */
	ck_assert_str_eq(shared->path, path);
	hg_input_unref(shared);
	free(path);
	tree_release(&t);
}
END_TEST

START_TEST(knows_what_workers_have_themselves)
{
	static const char *const theirs[] = { "/usr/lib/gcc/x/12/cc1",
		"/usr/bin/gcc", "/lib", "/lib64/ld.so", "/etc/alternatives/cc" };
	static const char *const ours[] = { "/usr/include/stdio.h", "/usr",
		"/library/x.h", "/usr/library", "/home/u/usr/lib/x", "/opt/x",
		"/etc/debian_version" };

	for (size_t i = 0; i < sizeof(theirs) / sizeof(*theirs); i++)
		ck_assert_msg(
		    hg_host_shows(theirs[i]), "%s", theirs[i]);
	for (size_t i = 0; i < sizeof(ours) / sizeof(*ours); i++)
		ck_assert_msg(!hg_host_shows(ours[i]), "%s", ours[i]);
}
END_TEST

/* ---- the memo ----------------------------------------------------------- */

START_TEST(remembers_files_until_they_change)
{
	struct hg_contents *m = hg_contents_new(1 << 20);
	const struct hg_content *a, *b, *c, *d;
	struct hg_content_id id;
	struct tree t;
	char *path;

	tree_init(&t);
	path = put(&t, "x.h", "int x;\n");
	settle();
	ck_assert_int_eq(hg_contents_get(m, path, HG_WANT_BYTES, &a, NULL), 0);
	ck_assert_uint_eq(a->n, 7);
	ck_assert_mem_eq(a->p, "int x;\n", 7);
	ck_assert_uint_eq(a->mode, 0644);
	ck_assert_int_eq(hg_contents_get(m, path, 0, &b, NULL), 0);
	ck_assert_ptr_eq(a, b);
	ck_assert(!hg_content_id_is_set(&a->id));
	ck_assert_int_eq(hg_contents_get(m, path, HG_WANT_ID, &c, NULL), 0);
	hg_content_id_bytes("int x;\n", 7, &id);
	ck_assert(hg_content_id_equal(&c->id, &id));
	ck_assert(hg_digest_equal(&c->digest, &a->digest));
	hg_contents_drop(m, c);
	free(put(&t, "x.h", "int y;\n"));
	ck_assert_int_eq(hg_contents_get(m, path, HG_WANT_BYTES, &c, NULL), 0);
	ck_assert_mem_eq(c->p, "int y;\n", 7);
	ck_assert(!hg_digest_equal(&a->digest, &c->digest));
	/* the old one stays for those who have it */
	ck_assert_mem_eq(a->p, "int x;\n", 7);
	/* changed a moment ago: read again each time */
	ck_assert_int_eq(hg_contents_get(m, path, HG_WANT_BYTES, &d, NULL), 0);
	ck_assert_ptr_ne(c, d);
	hg_contents_drop(m, a);
	hg_contents_drop(m, b);
	hg_contents_drop(m, c);
	hg_contents_drop(m, d);
	hg_contents_free(m);
	free(path);
	tree_release(&t);
}
END_TEST

START_TEST(forgets_what_was_used_longest_ago)
{
	struct hg_contents *m = hg_contents_new(3000);
	const struct hg_content *c, *first;
	char text[1000], *path[4];
	struct tree t;

	tree_init(&t);
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	for (int i = 0; i < 4; i++) {
		char name[8];

		snprintf(name, sizeof(name), "%d", i);
		path[i] = put(&t, name, text);
	}
	settle();
	ck_assert_int_eq(hg_contents_get(m, path[0], HG_WANT_BYTES, &first, NULL), 0);
	for (int i = 1; i < 4; i++) {
		ck_assert_int_eq(hg_contents_get(m, path[i], HG_WANT_BYTES, &c, NULL), 0);
		hg_contents_drop(m, c);
		ck_assert_uint_le(hg_contents_bytes(m), 3000);
	}
	ck_assert_int_eq(hg_contents_get(m, path[0], HG_WANT_BYTES, &c, NULL), 0);
	ck_assert_ptr_ne(c, first);
	hg_contents_drop(m, c);
	hg_contents_drop(m, first);
	hg_contents_free(m);
	for (int i = 0; i < 4; i++)
		free(path[i]);
	tree_release(&t);
}
END_TEST

START_TEST(memo_tells_what_is_no_file)
{
	struct hg_contents *m = hg_contents_new(1 << 20);
	const struct hg_content *c;
	struct tree t;
	char *fifo;

	tree_init(&t);
	fifo = hg_path_join(t.dir, "fifo");
	ck_assert_int_eq(mkfifo(fifo, 0600), 0);
	ck_assert_int_eq(
	    hg_contents_get(m, "/no/such", HG_WANT_BYTES, &c, NULL), -HG_NOTFOUND);
	ck_assert_int_eq(hg_contents_get(m, t.dir, HG_WANT_BYTES, &c, NULL), -HG_INVALID);
	ck_assert_int_eq(hg_contents_get(m, fifo, HG_WANT_BYTES, &c, NULL), -HG_INVALID);
	free(fifo);
	hg_contents_free(m);
	tree_release(&t);
}
END_TEST

/* ---- the request -------------------------------------------------------- */

static char compiler[] = "/usr/bin/x86_64-linux-gnu-gcc-12";
static char *args[] = { NULL, NULL };
static char *outputs[] = { NULL };
static char *env[] = { NULL, NULL, NULL };

static struct hg_agent_request
request_in(struct tree *t)
{
	static char flag[] = "-c", source[] = "src/a.c", out[] = "a.o";
	static char path[] = "PATH=/usr/bin", home[] = "HOME=/h",
		    lc[] = "LC_ALL=C";

	args[0] = flag;
	args[1] = source;
	outputs[0] = out;
	env[0] = path;
	env[1] = home;
	env[2] = lc;
	return (struct hg_agent_request){
		.kind = HG_AGENT_COMPILE,
		.compiler = compiler,
		.args = args,
		.n_args = 2,
		.cwd = t->dir,
		.env = env,
		.n_env = 3,
		.source = source,
		.outputs = outputs,
		.n_outputs = 1,
		.umask = 022,
	};
}

static int
make(const struct hg_agent_request *request, const struct hg_inputs *in,
    struct hg_request *ret, enum hg_reason *ret_reason)
{
	const struct hg_request_parts parts = { request, in, NULL, "00ff",
		"x86_64" };
	struct hg_contents *m = hg_contents_new(1 << 20);
	struct hg_error err;
	int rc;

	hg_request_release(ret);
	rc = hg_request_make(&parts, m, ret, ret_reason, &err);
	hg_contents_free(m);
	return rc;
}

/* An empty one when there is none. */
static const struct hg_wire_input *
find_row(const struct hg_wire_input_list *m, const char *path)
{
	static char nothing[] = "";
	static const struct hg_wire_input none = { .path = nothing,
		.symlink = nothing };

	for (size_t i = 0; i < m->n_inputs; i++)
		if (strcmp(m->inputs[i].path, path) == 0)
			return &m->inputs[i];
	return &none;
}

static bool
is_header(void *arg, const struct hg_request_content *c)
{
	return c->path && strcmp(c->path, arg) == 0;
}

static int
take_header(void *arg, const char *name, const void *p, size_t n,
    struct hg_error *err)
{
	char hex[HG_CONTENT_ID_HEX_BYTES];

	(void)err;
	hg_content_id_hex(arg, hex);
	ck_assert_str_eq(name, hex);
	ck_assert_uint_eq(n, 7);
	ck_assert_mem_eq(p, "int x;\n", 7);
	return 0;
}

START_TEST(request_names_all_inputs)
{
	const struct hg_pack_limits limits = { 100, 1 << 20 };
	struct hg_inputs in = HG_INPUTS_INIT;
	struct hg_request r = HG_REQUEST_INIT;
	struct hg_strbuf bundle = HG_STRBUF_INIT;
	struct hg_wire_compile *m;
	struct hg_wire_input_list *list;
	struct hg_agent_request request;
	struct hg_content_id id;
	enum hg_reason reason;
	struct tree t;
	char *path, *header;

	tree_init(&t);
	free(put(&t, "src/a.c", "#include \"l/x.h\"\n"));
	header = put(&t, "inc/x.h", "int x;\n");
	put_link(&t, "l", "inc");
	request = request_in(&t);
	hg_inputs_add(&in, t.dir, "src/a.c", NULL);
	hg_inputs_add(&in, t.dir, "l/x.h", NULL);
	hg_inputs_add(&in, t.dir, "/usr/bin/env", NULL);
	hg_inputs_sort(&in);
	ck_assert_int_eq(make(&request, &in, &r, &reason), 0);
	m = hg_wire_compile_unpack(r.head.buf, r.head.len, NULL);
	ck_assert_ptr_nonnull(m);
	ck_assert_str_eq(m->source_file, "src/a.c");
	ck_assert_uint_eq(m->source.n, 0);
	ck_assert_str_eq(m->compiler, "x86_64-linux-gnu-gcc-12");
	ck_assert_str_eq(m->compiler_path, compiler);
	ck_assert_str_eq(m->toolchain, "00ff");
	ck_assert_uint_eq(m->n_args, 2);
	ck_assert_uint_eq(m->protocol, HG_WIRE_PROTOCOL);
	/* HOME does not matter to a compiler */
	ck_assert_uint_eq(m->n_env, 2);
	ck_assert_str_eq(m->env[1].name, "LC_ALL");
	ck_assert_str_eq(m->env[1].value, "C");
	ck_assert_uint_eq(m->n_includes, 0);
	hg_content_id_bytes(r.list.buf, r.list.len, &id);
	ck_assert(hg_content_id_equal(&m->input_list, &id));
	list = hg_wire_input_list_unpack(r.list.buf, r.list.len, NULL);
	ck_assert_ptr_nonnull(list);
	hg_content_id_bytes("int x;\n", 7, &id);
	ck_assert(hg_content_id_equal(&find_row(list, header)->id, &id));
	path = hg_path_join(t.dir, "l");
	ck_assert_str_eq(find_row(list, path)->symlink, "inc");
	free(path);
	ck_assert(find_row(list, t.dir)->folder);
	/* what the worker has itself does not go along */
	ck_assert_str_eq(find_row(list, "/usr/bin/env")->path, "");
	/* list, source, header */
	ck_assert_uint_eq(r.n_contents, 3);
	ck_assert_int_eq(
	    hg_request_bundle(&r, is_header, header, &bundle, NULL), 0);
	ck_assert_int_eq(hg_pack_each(bundle.buf, bundle.len, &limits,
			     take_header, &id, NULL), 0);
	/* the file is another one by now */
	free(put(&t, "inc/x.h", "int z;\n"));
	ck_assert_int_eq(
	    hg_request_bundle(&r, is_header, header, &bundle, NULL), -HG_IO);
	free(header);
	hg_wire_compile_free(m);
	hg_wire_input_list_free(list);
	hg_strbuf_release(&bundle);
	hg_request_release(&r);
	hg_inputs_release(&in);
	tree_release(&t);
}
END_TEST

START_TEST(what_cannot_travel_is_said)
{
	static char bad_arg[] = "-DX=\xff", bad_env[] = "LC_ALL=\xff";
	struct hg_request r = HG_REQUEST_INIT;
	struct hg_inputs in = HG_INPUTS_INIT;
	struct hg_agent_request request;
	enum hg_reason reason;
	struct tree t;
	char *path;

	tree_init(&t);
	request = request_in(&t);
	path = put(&t, "src/a.c", "");
	hg_inputs_add(&in, t.dir, "src/a.c", NULL);
	ck_assert_int_eq(unlink(path), 0);
	/* the source is gone */
	ck_assert_int_ne(make(&request, &in, &r, &reason), 0);
	ck_assert_int_eq(reason, HG_REASON_search_failed);
	free(put(&t, "src/a.c", ""));
	ck_assert_int_eq(make(&request, &in, &r, &reason), 0);
	args[0] = bad_arg;
	ck_assert_int_ne(make(&request, &in, &r, &reason), 0);
	ck_assert_int_eq(reason, HG_REASON_not_utf8);
	request = request_in(&t);
	env[2] = bad_env;
	ck_assert_int_ne(make(&request, &in, &r, &reason), 0);
	ck_assert_int_eq(reason, HG_REASON_not_utf8);
	request = request_in(&t);
	free(put(&t, "h\xff.h", ""));
	hg_inputs_add(&in, t.dir, "h\xff.h", NULL);
	ck_assert_int_ne(make(&request, &in, &r, &reason), 0);
	ck_assert_int_eq(reason, HG_REASON_not_utf8);
	free(path);
	hg_inputs_release(&in);
	hg_request_release(&r);
	tree_release(&t);
}
END_TEST

START_TEST(files_too_large_to_travel_stay_here)
{
	struct hg_request r = HG_REQUEST_INIT;
	struct hg_inputs in = HG_INPUTS_INIT;
	struct hg_agent_request request;
	enum hg_reason reason;
	struct tree t;
	char *path;

	tree_init(&t);
	request = request_in(&t);
	path = put(&t, "src/a.c", "");
	hg_inputs_add(&in, t.dir, "src/a.c", NULL);
	ck_assert_int_eq(truncate(path, (off_t)33 << 20), 0);
	ck_assert_int_ne(make(&request, &in, &r, &reason), 0);
	ck_assert_int_eq(reason, HG_REASON_too_large);
	free(path);
	hg_inputs_release(&in);
	hg_request_release(&r);
	tree_release(&t);
}
END_TEST

START_TEST(what_coordinators_have_is_remembered_for_each)
{
	struct hg_known *k = hg_known_new();
	struct hg_content_id id;

	hg_content_id_bytes("x", 1, &id);
	ck_assert(!hg_known_has(k, "a:1", &id));
	hg_known_add(k, "a:1", &id);
	ck_assert(hg_known_has(k, "a:1", &id));
	ck_assert(!hg_known_has(k, "b:1", &id));
	hg_known_free(k);
}
END_TEST

START_TEST(sends_the_environment_that_matters)
{
	static const char *const sent[] = { "PATH=/bin", "LC_MESSAGES=C",
		"GCC_COLORS=", "PWD=/x", "SOURCE_DATE_EPOCH=1" };
	static const char *const kept[] = { "HOME=/h", "PATHX=1", "LANGX=1",
		"MAKEFLAGS=-j", "HG_AUTH_TOKEN=secret", "PATH", "" };

	for (size_t i = 0; i < sizeof(sent) / sizeof(*sent); i++)
		ck_assert_msg(hg_request_sends_env(sent[i]), "%s", sent[i]);
	for (size_t i = 0; i < sizeof(kept) / sizeof(*kept); i++)
		ck_assert_msg(!hg_request_sends_env(kept[i]), "%s", kept[i]);
}
END_TEST

static const struct hg_inputs none = HG_INPUTS_INIT;

/* ---- the check ---------------------------------------------------------- */

static int
check_one(struct tree *t, int kind, const char *path, const char *content)
{
	struct hg_agent_request request = request_in(t);
	struct hg_contents *m = hg_contents_new(1 << 20);
	char *copy = hg_xstrdup(path);
	struct hg_wire_observed seen = { .path = copy, .kind = kind };
	const struct hg_wire_result result = {
		.observed = &seen,
		.n_observed = 1,
	};
	struct hg_error err;
	bool in_tools;
	int rc;

	if (content)
		hg_digest_bytes(content, strlen(content), &seen.digest);
	rc = hg_check_result(&request, &result, &none, m, &in_tools, &err);
	free(copy);
	hg_contents_free(m);
	return rc;
}

START_TEST(a_worker_must_have_seen_what_is_here)
{
	struct tree t;

	tree_init(&t);
	free(put(&t, "inc/x.h", "int x;\n"));
	free(put(&t, "a.o", "old"));
	ck_assert_int_eq(
	    check_one(&t, HG_OBSERVED_READ, "inc/x.h", "int x;\n"), 0);
	ck_assert_int_ne(
	    check_one(&t, HG_OBSERVED_READ, "inc/x.h", "int y;\n"), 0);
	ck_assert_int_ne(check_one(&t, HG_OBSERVED_READ, "inc/x.h", NULL), 0);
	ck_assert_int_ne(check_one(&t, HG_OBSERVED_READ, "inc/y.h", ""), 0);
	ck_assert_int_ne(
	    check_one(&t, HG_OBSERVED_RUN, "inc/x.h", "int y;\n"), 0);
	ck_assert_int_eq(check_one(&t, HG_OBSERVED_ABSENT, "inc/y.h", NULL), 0);
	ck_assert_int_eq(
	    check_one(&t, HG_OBSERVED_ABSENT, "inc/x.h/y", NULL), 0);
	ck_assert_int_ne(check_one(&t, HG_OBSERVED_ABSENT, "inc/x.h", NULL), 0);
	ck_assert_int_eq(check_one(&t, HG_OBSERVED_FOLDER, "inc", NULL), 0);
	ck_assert_int_ne(check_one(&t, HG_OBSERVED_FOLDER, "none", NULL), 0);
	ck_assert_int_ne(check_one(&t, HG_OBSERVED_FOLDER, "inc/x.h", NULL), 0);
	ck_assert_int_ne(check_one(&t, 17, "inc/x.h", NULL), 0);
	/* the output of the last build is not there, and need not be */
	ck_assert_int_eq(check_one(&t, HG_OBSERVED_ABSENT, "a.o", NULL), 0);
	tree_release(&t);
}
END_TEST

START_TEST(a_worker_writes_only_what_was_asked_for)
{
	static char asked[] = "a.o", other[] = "../../.profile";
	static char folder[] = "/tmp";
	struct hg_contents *m = hg_contents_new(1 << 20);
	struct hg_wire_output out = { .path = asked };
	struct hg_wire_observed seen = { .path = folder,
		.kind = HG_OBSERVED_FOLDER };
	struct hg_wire_result result = {
		.outputs = &out,
		.n_outputs = 1,
		.observed = &seen,
		.n_observed = 1,
	};
	struct hg_agent_request request;
	bool in_tools;
	struct tree t;

	tree_init(&t);
	request = request_in(&t);
	ck_assert_int_eq(
	    hg_check_result(&request, &result, &none, m, &in_tools, NULL), 0);
	out.path = other;
	ck_assert_int_ne(
	    hg_check_result(&request, &result, &none, m, &in_tools, NULL), 0);
	/* a worker of the bare specification does not tell what it read */
	out.path = asked;
	result.n_observed = 0;
	ck_assert_int_ne(
	    hg_check_result(&request, &result, &none, m, &in_tools, NULL), 0);
	hg_contents_free(m);
	tree_release(&t);
}
END_TEST

/* ---- lock, socket, flags ------------------------------------------------ */

START_TEST(only_one_agent_has_the_place)
{
	struct hg_listen a, b;
	struct tree t;
	char *path, *stamp;

	tree_init(&t);
	path = hg_path_join(t.dir, "agent.sock");
	stamp = put(&t, "agent.down", "");
	ck_assert_int_eq(hg_listen_open(&a, path, -1, NULL), 0);
	ck_assert(hg_listen_is_there(&a));
	ck_assert_int_lt(access(stamp, F_OK), 0);
	ck_assert_int_eq(hg_listen_open(&b, path, -1, NULL), -HG_EXHAUSTED);
	hg_listen_release(&b);
	ck_assert(hg_listen_is_there(&a));
	hg_listen_leave(&a);
	ck_assert_int_lt(access(path, F_OK), 0);
	/* another may have it while the first still serves its last */
	ck_assert_int_eq(hg_listen_open(&b, path, -1, NULL), 0);
	hg_listen_release(&a);
	ck_assert(hg_listen_is_there(&b));
	hg_listen_release(&b);
	free(path);
	free(stamp);
	tree_release(&t);
}
END_TEST

static int
parse_flags(struct hg_agent_options *o, const char *a, const char *b)
{
	char *argv[4] = { NULL };
	int argc = 0, rc;

	argv[argc++] = hg_xstrdup("hg-agent");
	if (a)
		argv[argc++] = hg_xstrdup(a);
	if (b)
		argv[argc++] = hg_xstrdup(b);
	optind = 0;
	rc = hg_agent_options_parse(o, argc, argv, NULL);
	for (int i = 0; i < argc; i++)
		free(argv[i]);
	return rc;
}

START_TEST(flags_are_checked)
{
	struct hg_agent_options o;

	ck_assert_int_eq(parse_flags(&o, "--socket=/x", "--lock-fd=7"), 0);
	ck_assert_int_eq(o.lock_fd, 7);
	ck_assert_int_eq(parse_flags(&o, "--socket", "/x"), 0);
	ck_assert_int_eq(o.lock_fd, -1);
	ck_assert_int_eq(parse_flags(&o, "--help", NULL), 0);
	ck_assert(o.help);
	ck_assert_int_ne(parse_flags(&o, NULL, NULL), 0);
	ck_assert_int_ne(parse_flags(&o, "--socket", NULL), 0);
	ck_assert_int_ne(parse_flags(&o, "--socket=x", NULL), 0);
	ck_assert_int_ne(parse_flags(&o, "--socket=/x", "--lock-fd=1"), 0);
	ck_assert_int_ne(parse_flags(&o, "--socket=/x", "more"), 0);
	ck_assert_int_ne(parse_flags(&o, "--nonsense", NULL), 0);
}
END_TEST

UNIT_MAIN("agent", first_compile_probes_and_others_wait_for_it,
    trust_ends_without_answers, while_down_nobody_waits, a_suspect_is_probed,
    keeps_folders_that_are_only_spelled, keeps_links_and_what_they_lead_to,
    a_link_leaves_the_folder_by_its_target, stops_where_nothing_is,
    shared_inputs_come_once, knows_what_workers_have_themselves,
    remembers_files_until_they_change,
    forgets_what_was_used_longest_ago, memo_tells_what_is_no_file,
    request_names_all_inputs, what_cannot_travel_is_said,
    files_too_large_to_travel_stay_here,
    what_coordinators_have_is_remembered_for_each, sends_the_environment_that_matters,
    a_worker_must_have_seen_what_is_here,
    a_worker_writes_only_what_was_asked_for, only_one_agent_has_the_place,
    flags_are_checked)
