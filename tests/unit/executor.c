/* SPDX-License-Identifier: Apache-2.0 */
/*
 * services/worker: whole compiles as our own clients ask for them, with the real
 * sandbox, observer and compiler. Where the kernel allows no sandbox, all that is
 * claimed is that the client is told.
 */
#include "config.h"

#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/alloc.h"
#include "lib/base/error.h"
#include "lib/base/fd.h"
#include "lib/base/path.h"
#include "lib/base/strbuf.h"
#include "lib/base/strvec.h"
#include "lib/base/time.h"
#include "lib/blob/blobs.h"
#include "lib/blob/bundle.h"
#include "lib/observe/observe.h"
#include "lib/pack/pack.h"
#include "lib/proc/proc.h"
#include "lib/toolchain/toolchain.h"
#include "services/worker/capability.h"
#include "services/worker/executor_private.h"
#include "tests/lib/unit.h"

#define X_H "#define X 42\n"

#define SOURCE \
	"#include <stddef.h>\n" \
	"#include \"x.h\"\n" \
	"#if __has_include(\"none.h\")\n#error\n#endif\n" \
	"size_t answer(void) { return X; }\n"

/* A client's project, a worker's executor, and a request between them. */
struct lab {
	char dir[64];
	char *project;
	char *work;
	char *store;
	struct hg_capability capability;
	struct hg_executor_options options;
	struct hg_executor *executor;
	struct hg_pack_writer *pack;
	struct hg_strbuf bundle;
	struct hg_wire_include include;
	struct hg_wire_input input[16];
	struct hg_wire_compile request;
	struct hg_strvec args;
	struct hg_strvec outputs;
	struct hg_outcome outcome;
	int cancel_fd;
};

/* The fields of messages are not const, and nothing writes to them. */
static char *
text(const char *s)
{
	return (char *)(uintptr_t)s;
}

static void
lab_write(const char *path, const char *s)
{
	ck_assert_int_eq(
	    hg_write_file_atomic(path, s, strlen(s), 0644, NULL), 0);
}

/* A file of the project, which travels in the bundle. */
static void
lab_add(struct lab *l, const char *name, const char *content)
{
	struct hg_wire_input *input = &l->input[l->request.n_inputs++];
	char *path = hg_path_join(l->project, name);

	lab_write(path, content);
	input->path = path;
	input->mode = 0644;
	input->symlink = hg_xstrdup("");
	hg_content_id_bytes(content, strlen(content), &input->id);
	ck_assert_int_eq(hg_bundle_add(l->pack, &input->id, content,
			     strlen(content), NULL), 0);
}

static void
lab_args(struct lab *l, const char *const *args)
{
	hg_strvec_release(&l->args);
	hg_strvec_add_all(&l->args, args);
}

static void
lab_open(struct lab *l)
{
	const char *const args[] = { "-g", "-O2", "-c", "a.c", "-o", "a.o",
		NULL };
	const char *top = getenv("top_builddir");
	struct hg_error err;

	*l = (struct lab){ .args = HG_STRVEC_INIT };
	snprintf(l->dir, sizeof(l->dir), "/tmp/hg-executor.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(l->dir));
	l->project = hg_path_join(l->dir, "p");
	l->work = hg_path_join(l->dir, "work");
	l->store = hg_path_join(l->dir, "store");
	ck_assert_int_eq(hg_mkdir_p(l->project, &err), 0);
	hg_capability_detect(
	    &hg_capability_system_roots, "/usr/bin:/bin", &l->capability);
	l->options = (struct hg_executor_options){
		.work_dir = l->work,
		.store_dir = l->store,
		.helper_dir = hg_xasprintf("%s/bin", top ? top : "."),
		.path_list = "/usr/bin:/bin",
		.capability = &l->capability,
		.max_source_bytes = 1 << 20,
		.max_message_bytes = 64 << 20,
		.timeout_ns = 60 * HG_NS_PER_SEC,
		.max_disk_bytes = 64 << 20,
		.max = { .memory_bytes = 256 << 20, .processes = 64 },
		.spares = 1,
	};
	l->executor = hg_executor_new(&l->options, &err);
	ck_assert_ptr_nonnull(l->executor);
	l->pack = hg_pack_writer_new(&err);
	hg_strbuf_init(&l->bundle);
	l->request = (struct hg_wire_compile){
		.source_file = text("a.c"),
		.compiler = text("gcc"),
		.compiler_path = text("/usr/bin/gcc"),
		.target_arch = text(""),
		.target_os = text(""),
		.toolchain = text(""),
		.cwd = l->project,
		.inputs = l->input,
		.protocol = HG_WIRE_PROTOCOL,
		.umask = 027,
	};
	lab_args(l, args);
	hg_strvec_add(&l->outputs, "a.o");
	l->cancel_fd = eventfd(0, EFD_CLOEXEC);
	hg_outcome_init(&l->outcome);
}

static void
lab_run_again(struct lab *l)
{
	l->request.args = l->args.v;
	l->request.n_args = l->args.n;
	l->request.outputs = l->outputs.v;
	l->request.n_outputs = l->outputs.n;
	hg_outcome_release(&l->outcome);
	hg_outcome_init(&l->outcome);
	hg_executor_run(l->executor, &l->request, l->cancel_fd, UINT64_MAX,
	    &l->outcome);
}

/* Runs the request; false where there can be no sandbox. */
static bool
lab_run(struct lab *l)
{
	if (l->pack)
		ck_assert_int_eq(
		    hg_pack_writer_finish(l->pack, &l->bundle, NULL), 0);
	hg_pack_writer_free(l->pack);
	l->pack = NULL;
	l->include.path = text(HG_BUNDLE_KEY);
	l->include.content = (struct hg_blob){ l->bundle.buf, l->bundle.len };
	l->request.includes = &l->include;
	l->request.n_includes = 1;
	lab_run_again(l);
	if (!*l->executor->no_sandbox)
		return true;
	ck_assert(l->outcome.infra || l->outcome.status != HG_RPC_OK);
	return false;
}

static void
lab_close(struct lab *l)
{
	char *job = hg_path_join(l->work, "job-1");

	/* nothing of a job stays behind */
	ck_assert_int_ne(access(job, F_OK), 0);
	free(job);
	hg_outcome_release(&l->outcome);
	hg_executor_free(l->executor);
	hg_capability_release(&l->capability);
	hg_pack_writer_free(l->pack);
	hg_strbuf_release(&l->bundle);
	hg_strvec_release(&l->args);
	hg_strvec_release(&l->outputs);
	for (size_t i = 0; i < l->request.n_inputs; i++) {
		free(l->input[i].path);
		free(l->input[i].symlink);
	}
	hg_remove_tree(l->dir, NULL);
	close(l->cancel_fd);
	free((char *)(uintptr_t)l->options.helper_dir);
	free(l->project);
	free(l->work);
	free(l->store);
}

/* The same command here. */
static void
compile_here(struct lab *l, struct hg_proc_result *r)
{
	struct hg_strvec argv = HG_STRVEC_INIT;
	const char *const env[] = { "PATH=/usr/bin:/bin", NULL };
	struct hg_proc_spec spec = HG_PROC_SPEC_INIT;

	hg_strvec_add(&argv, l->request.compiler_path);
	hg_strvec_add_all(&argv, (const char *const *)l->args.v);
	spec.argv = (const char *const *)argv.v;
	spec.envp = env;
	spec.cwd = l->project;
	ck_assert_int_eq(hg_proc_run(&spec, r, NULL), 0);
	hg_strvec_release(&argv);
}

static const struct hg_wire_output *
find_output(const struct lab *l, const char *path)
{
	const struct hg_wire_result *r = &l->outcome.result;

	for (size_t i = 0; i < r->n_outputs; i++)
		if (strcmp(r->outputs[i].path, path) == 0)
			return &r->outputs[i];
	return NULL;
}

static const struct hg_wire_observed *
find_observed(const struct lab *l, const char *end)
{
	const struct hg_wire_result *r = &l->outcome.result;

	for (size_t i = 0; i < r->n_observed; i++) {
		size_t n = strlen(r->observed[i].path), k = strlen(end);

		if (n >= k && strcmp(r->observed[i].path + n - k, end) == 0)
			return &r->observed[i];
	}
	return NULL;
}

static void
assert_ran(const struct lab *l)
{
	ck_assert_msg(!l->outcome.infra, "%s", l->outcome.infra);
	ck_assert_int_eq(l->outcome.status, HG_RPC_OK);
}

static void
assert_same_file(const struct lab *l, const char *name)
{
	const struct hg_wire_output *o = find_output(l, name);
	struct hg_strbuf here = HG_STRBUF_INIT;
	char *path = hg_path_join(l->project, name);

	ck_assert_ptr_nonnull(o);
	ck_assert_int_eq(hg_read_file(path, 1 << 20, &here, NULL), 0);
	ck_assert_uint_eq(o->content.n, here.len);
	ck_assert_mem_eq(o->content.p, here.buf, here.len);
	hg_strbuf_release(&here);
	free(path);
}

static void
assert_infra(const struct lab *l, const char *part)
{
	ck_assert_ptr_nonnull(l->outcome.infra);
	ck_assert_msg(strstr(l->outcome.infra, part) != NULL, "%s",
	    l->outcome.infra);
	ck_assert(!l->outcome.result.success);
	ck_assert_uint_eq(l->outcome.result.n_outputs, 0);
}

/* What the client sent is wrong: no worker could do it. */
static void
assert_refused(const struct lab *l, const char *part)
{
	ck_assert_int_eq(l->outcome.status, HG_RPC_INVALID_ARGUMENT);
	ck_assert_msg(strstr(l->outcome.message, part) != NULL, "%s",
	    l->outcome.message);
}

START_TEST(an_object_is_the_one_made_here)
{
	const struct hg_wire_observed *seen;
	const struct hg_wire_output *object;
	struct hg_proc_result here;
	struct hg_digest digest;
	struct lab l;

	lab_open(&l);
	lab_add(&l, "a.c", SOURCE);
	lab_add(&l, "x.h", X_H);
	if (lab_run(&l)) {
		assert_ran(&l);
		compile_here(&l, &here);
		ck_assert(l.outcome.result.success);
		assert_same_file(&l, "a.o");
		/* 0666 without the client's umask */
		object = find_output(&l, "a.o");
		ck_assert_ptr_nonnull(object);
		ck_assert_uint_eq(object->mode, 0640);
		ck_assert_uint_eq(l.outcome.result.n_outputs, 1);
		seen = find_observed(&l, "x.h");
		ck_assert_ptr_nonnull(seen);
		ck_assert_int_eq(seen->kind, HG_OBSERVED_READ);
		hg_digest_bytes(X_H, strlen(X_H), &digest);
		ck_assert(hg_digest_equal(&seen->digest, &digest));
		seen = find_observed(&l, "/cc1");
		ck_assert_ptr_nonnull(seen);
		ck_assert_int_eq(seen->kind, HG_OBSERVED_RUN);
		ck_assert_ptr_nonnull(find_observed(&l, "stddef.h"));
		seen = find_observed(&l, "none.h");
		ck_assert_ptr_nonnull(seen);
		ck_assert_int_eq(seen->kind, HG_OBSERVED_ABSENT);
		hg_proc_result_release(&here);
	}
	lab_close(&l);
}
END_TEST

/* The list of the lab's inputs takes their place in the request. */
static void
lab_use_list(struct lab *l, struct hg_strbuf *packed)
{
	const struct hg_wire_input_list list = { l->input,
		l->request.n_inputs };

	hg_wire_input_list_pack(&list, packed);
	hg_content_id_bytes(
	    packed->buf, packed->len, &l->request.input_list);
}

static bool
misses(const struct lab *l, const struct hg_content_id *id)
{
	const struct hg_blob *missing = &l->outcome.result.missing;

	return missing->n == sizeof(*id) &&
	    memcmp(missing->p, id, sizeof(*id)) == 0;
}

START_TEST(what_is_missing_is_asked_for_and_kept)
{
	struct hg_strbuf list = HG_STRBUF_INIT;
	struct lab l;

	lab_open(&l);
	lab_add(&l, "a.c", SOURCE);
	lab_add(&l, "x.h", X_H);
	lab_use_list(&l, &list);
	if (lab_run(&l)) {
		/* the contents came, their list did not */
		ck_assert(misses(&l, &l.request.input_list));
		ck_assert(!l.outcome.result.success);
		ck_assert_int_eq(hg_blobs_put(l.executor->blobs,
				     &l.request.input_list, list.buf, list.len,
				     NULL), 0);
		l.request.n_includes = 0;
		lab_run_again(&l);
		assert_ran(&l);
		ck_assert(l.outcome.result.success);
		/* a header that nobody has sent */
		hg_content_id_bytes("y", 1, &l.input[1].id);
		l.request.input_list = (struct hg_content_id){ { 0 } };
		lab_run_again(&l);
		ck_assert(misses(&l, &l.input[1].id));
	}
	hg_strbuf_release(&list);
	lab_close(&l);
}
END_TEST

START_TEST(all_files_that_the_compiler_writes_come_back)
{
	const char *const args[] = { "-fstack-usage", "-MMD", "-c", "a.c",
		"-o", "out/a.o", NULL };
	struct hg_proc_result here;
	struct lab l;
	char *path;

	lab_open(&l);
	lab_add(&l, "a.c", SOURCE);
	lab_add(&l, "x.h", X_H);
	l.input[l.request.n_inputs++] = (struct hg_wire_input){
		.path = hg_path_join(l.project, "out"),
		.symlink = hg_xstrdup(""),
		.folder = true,
	};
	lab_args(&l, args);
	hg_strvec_release(&l.outputs);
	hg_strvec_add(&l.outputs, "out/a.o");
	hg_strvec_add(&l.outputs, "out/a.d");
	if (lab_run(&l)) {
		path = hg_path_join(l.project, "out");
		ck_assert_int_eq(mkdir(path, 0755), 0);
		free(path);
		compile_here(&l, &here);
		assert_ran(&l);
		assert_same_file(&l, "out/a.o");
		assert_same_file(&l, "out/a.d");
		/* one that was not named beforehand */
		path = hg_path_join(l.project, "out/a.su");
		ck_assert_ptr_nonnull(find_output(&l, path));
		free(path);
		hg_proc_result_release(&here);
	}
	lab_close(&l);
}
END_TEST

START_TEST(errors_of_the_code_are_the_users)
{
	struct hg_proc_result here;
	struct lab l;

	lab_open(&l);
	lab_add(&l, "a.c", "int f(void) { return nothing; }\n");
	if (lab_run(&l)) {
		compile_here(&l, &here);
		assert_ran(&l);
		ck_assert_int_eq(l.outcome.result.exit_code, here.status);
		ck_assert_uint_eq(l.outcome.result.err.n, here.err.len);
		ck_assert_mem_eq(l.outcome.result.err.p, here.err.buf,
		    here.err.len);
		ck_assert_uint_eq(l.outcome.result.n_outputs, 0);
		hg_proc_result_release(&here);
	}
	lab_close(&l);
}
END_TEST

START_TEST(contents_that_are_not_what_they_say_are_refused)
{
	struct lab l;

	lab_open(&l);
	lab_add(&l, "a.c", SOURCE);
	lab_add(&l, "x.h", X_H);
	/* under the name of another content */
	ck_assert_int_eq(hg_bundle_add(l.pack, &l.input[1].id, "evil\n", 5,
			     NULL), 0);
	if (lab_run(&l))
		assert_refused(&l, "is not what it says");
	lab_close(&l);
}
END_TEST

/* A link among the inputs must not make us touch a file of this machine. */
START_TEST(a_listed_input_cannot_lead_out_through_a_link)
{
	struct lab l;
	char *victim, *link;

	lab_open(&l);
	lab_add(&l, "a.c", "int x;\n");
	lab_add(&l, "x.h", X_H);
	victim = hg_path_join(l.dir, "victim");
	link = hg_path_join(l.project, "link");
	l.input[2] = l.input[1];
	l.input[2].path = hg_path_join(link, "victim");
	l.input[2].symlink = hg_xstrdup("");
	free(l.input[1].path);
	free(l.input[1].symlink);
	l.input[1] = (struct hg_wire_input){
		.path = link,
		.symlink = hg_xstrdup(l.dir),
	};
	l.request.n_inputs = 3;
	if (lab_run(&l))
		assert_refused(&l, "is not a folder");
	ck_assert_int_ne(access(victim, F_OK), 0);
	free(victim);
	lab_close(&l);
}
END_TEST

START_TEST(an_output_cannot_be_a_link_to_a_file_of_this_machine)
{
	/* a compiler that is made to run a shell */
	const char *const args[] = { "-c", "a.c", "-wrapper",
		"/bin/sh,-c,ln -s /etc/passwd a.o; exit 1", NULL };
	struct lab l;

	lab_open(&l);
	lab_add(&l, "a.c", "int x;\n");
	lab_args(&l, args);
	if (lab_run(&l))
		ck_assert_uint_eq(l.outcome.result.n_outputs, 0);
	lab_close(&l);
}
END_TEST

START_TEST(another_compiler_than_the_clients_is_refused)
{
	char hex[HG_DIGEST_HEX_BYTES];
	struct hg_toolchains *t = hg_toolchains_new();
	struct lab l;

	lab_open(&l);
	lab_add(&l, "a.c", "int x;\n");
	l.request.toolchain = text("0123456789abcdef0123456789abcdef");
	lab_run(&l);
	assert_infra(&l, "HYBRIDGRID_ERR_001: Compiler not found");
	ck_assert_ptr_nonnull(
	    strstr(l.outcome.text.buf, "is not the same program"));
	ck_assert_int_eq(hg_toolchain_digest(t, "/usr/bin/gcc",
			     "/usr/bin:/bin", hex, NULL), 0);
	l.request.toolchain = hex;
	if (lab_run(&l)) {
		assert_ran(&l);
		ck_assert(l.outcome.result.success);
	}
	l.request.compiler_path = text("/bin/sh");
	lab_run(&l);
	assert_infra(&l, "HYBRIDGRID_ERR_001: Compiler not found");
	hg_toolchains_free(t);
	lab_close(&l);
}
END_TEST

START_TEST(requests_that_make_no_sense_are_refused)
{
	struct lab l;

	lab_open(&l);
	l.request.cwd = text("relative");
	lab_run(&l);
	ck_assert_int_eq(l.outcome.status, HG_RPC_INVALID_ARGUMENT);
	l.request.cwd = text("/a/../b");
	lab_run(&l);
	ck_assert_int_eq(l.outcome.status, HG_RPC_INVALID_ARGUMENT);
	l.request.cwd = text("/usr/lib");
	lab_run(&l);
	if (!*l.executor->no_sandbox)
		assert_refused(&l, "/usr/lib lies where workers show");
	l.request.cwd = l.project;
	l.request.source_file = text("");
	lab_run(&l);
	ck_assert_int_eq(l.outcome.status, HG_RPC_INVALID_ARGUMENT);
	lab_close(&l);
}
END_TEST

/* Arguments with which gcc runs a shell script in the place of cc1. */
static void
lab_script(struct lab *l, const char *script)
{
	char *wrapper = hg_xasprintf("/bin/sh,-c,%s", script);
	const char *const args[] = { "-c", "a.c", "-o", "a.o", "-wrapper",
		wrapper, NULL };

	lab_args(l, args);
	free(wrapper);
}

START_TEST(a_time_limit_is_not_the_users_fault)
{
	uint64_t start = hg_now_ns();
	struct lab l;

	lab_open(&l);
	lab_add(&l, "a.c", "int x;\n");
	lab_script(&l, "sleep 60");
	l.options.timeout_ns = 300 * HG_NS_PER_MS;
	if (lab_run(&l))
		assert_infra(&l, "HYBRIDGRID_ERR_005: Compilation timeout");
	ck_assert_uint_lt(hg_now_ns() - start, 30 * HG_NS_PER_SEC);
	lab_close(&l);
}
END_TEST

START_TEST(a_cancelled_compile_ends_at_once)
{
	uint64_t start = hg_now_ns(), one = 1;
	struct lab l;

	lab_open(&l);
	lab_add(&l, "a.c", "int x;\n");
	lab_script(&l, "sleep 60");
	ck_assert_int_eq(write(l.cancel_fd, &one, sizeof(one)), sizeof(one));
	if (lab_run(&l))
		ck_assert_int_eq(l.outcome.status, HG_RPC_CANCELLED);
	ck_assert_uint_lt(hg_now_ns() - start, 30 * HG_NS_PER_SEC);
	lab_close(&l);
}
END_TEST

START_TEST(a_killed_compiler_is_not_the_users_fault)
{
	struct lab l;

	lab_open(&l);
	lab_add(&l, "a.c", "int x;\n");
	lab_script(&l, "kill -KILL $$");
	if (lab_run(&l))
		assert_infra(&l, "signal terminated program");
	lab_close(&l);
}
END_TEST

START_TEST(unobserved_processes_are_told)
{
	struct lab l;

	lab_open(&l);
	lab_add(&l, "a.c", "int x;\n");
	lab_script(&l, "unset LD_PRELOAD; exec \"$0\" \"$@\"");
	if (lab_run(&l))
		assert_infra(&l, "could not be observed");
	lab_close(&l);
}
END_TEST

/* gcc itself ends with the status that it has for errors in the code. */
START_TEST(a_compile_out_of_memory_is_not_the_users_fault)
{
	struct lab l;

	lab_open(&l);
	/* 8 to the power of 7 strings */
	lab_add(&l, "a.c",
	    "#define A(x) x x x x x x x x\n"
	    "#define B(x) A(x) A(x) A(x) A(x) A(x) A(x) A(x) A(x)\n"
	    "#define C(x) B(x) B(x) B(x) B(x) B(x) B(x) B(x) B(x)\n"
	    "#define D(x) C(x) C(x) C(x) C(x) C(x) C(x) C(x) C(x)\n"
	    "#define E(x) D(x) D(x) D(x) D(x) D(x) D(x) D(x) D(x)\n"
	    "#define F(x) E(x) E(x) E(x) E(x) E(x) E(x) E(x) E(x)\n"
	    "#define G(x) F(x) F(x) F(x) F(x) F(x) F(x) F(x) F(x)\n"
	    "char x[] = G(\"0123456789012345678901234567890123456789\");\n");
	if (lab_run(&l) && hg_cgroups_hold_memory(l.executor->cgroups))
		assert_infra(&l, "max_memory");
	lab_close(&l);
}
END_TEST

UNIT_MAIN("executor", an_object_is_the_one_made_here,
    what_is_missing_is_asked_for_and_kept,
    all_files_that_the_compiler_writes_come_back,
    errors_of_the_code_are_the_users,
    contents_that_are_not_what_they_say_are_refused,
    a_listed_input_cannot_lead_out_through_a_link,
    an_output_cannot_be_a_link_to_a_file_of_this_machine,
    another_compiler_than_the_clients_is_refused,
    requests_that_make_no_sense_are_refused,
    a_time_limit_is_not_the_users_fault, a_cancelled_compile_ends_at_once,
    a_killed_compiler_is_not_the_users_fault,
    a_compile_out_of_memory_is_not_the_users_fault,
    unobserved_processes_are_told)
