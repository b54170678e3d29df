/* SPDX-License-Identifier: Apache-2.0 */
/* Who gets a compile: names, eligibility, the score, two choices. */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "lib/base/alloc.h"
#include "lib/base/strbuf.h"
#include "lib/wire/wire.h"
#include "services/coordinator/capability.h"
#include "services/coordinator/random.h"
#include "services/coordinator/scheduler.h"
#include "tests/lib/unit.h"

#define S   HG_NS_PER_SEC
#define NOW (100 * S)

static const struct hg_breaker_policy policy = {
	.threshold = 2,
	.failure_rate = 0.6,
	.open_ns = 30 * S,
};

static const struct hg_weights weights = {
	.native_arch_match = 50,
	.cross_compile_capable = 25,
	.per_cpu_core = 10,
	.per_gb_ram = 5,
	.per_active_task = -15,
	.per_ms_latency = -0.5,
	.lan_source = 20,
};

struct farm {
	struct hg_registry registry;
	struct hg_random random;
	struct hg_scheduler scheduler;
	struct hg_need need;
	struct hg_tried tried;
};

static char amd64[] = "amd64";
static char arm64[] = "arm64";
static char gcc[] = "gcc";
static char clang[] = "clang";
static char nothing[] = "";

static void
farm_init(struct farm *f)
{
	*f = (struct farm){ .random.state = 1 };
	hg_registry_init(&f->registry, &policy, 30 * S);
	f->scheduler =
	    (struct hg_scheduler){ weights, hg_random_next, &f->random };
}

static void
farm_release(struct farm *f)
{
	hg_need_release(&f->need);
	hg_registry_release(&f->registry);
}

static struct hg_worker *
add(struct farm *f, const char *id, char *arch, char *compiler, int cores)
{
	struct hg_wire_handshake h = {
		.caps = { .architectures = &arch,
		    .n_architectures = arch ? 1 : 0,
		    .compilers = &compiler,
		    .n_compilers = compiler ? 1 : 0,
		    .cpu_cores = cores },
		.protocol = 1,
	};

	return hg_registry_join(&f->registry, id, id, &h, NOW, NULL);
}

static struct hg_wire_compile
request(char *arch, char *compiler)
{
	return (struct hg_wire_compile){
		.target_arch = arch,
		.compiler = compiler,
		.toolchain = nothing,
		.cwd = nothing,
		.source_file = nothing,
		.protocol = 1,
	};
}

static void
ask(struct farm *f, char *arch, char *compiler)
{
	struct hg_wire_compile c = request(arch, compiler);

	hg_need_release(&f->need);
	hg_need_init(&f->need, &c);
}

static struct hg_pick
pick(struct farm *f)
{
	return hg_scheduler_pick(
	    &f->scheduler, &f->registry, &f->need, &f->tried, NOW);
}

static bool
any_free(struct farm *f, uint64_t want_wake)
{
	uint64_t wake = 0;
	bool free = hg_scheduler_any_free(&f->registry, NOW, &wake);

	ck_assert_uint_eq(wake, want_wake);
	return free;
}

START_TEST(compiler_names_have_families)
{
	static const struct {
		const char *name;
		const char *family;
		const char *target;
	} rows[] = {
		{ "gcc", "gcc", NULL },
		{ "g++", "gcc", NULL },
		{ "g++-12", "gcc", NULL },
		{ "gcc-12.2", "gcc", NULL },
		{ "/usr/bin/clang++-14", "clang", NULL },
		{ "x86_64-linux-gnu-gcc-12", "gcc", "x86_64" },
		{ "aarch64-linux-gnu-g++", "gcc", "aarch64" },
		{ "arm-none-eabi-clang", "clang", "arm" },
		{ "cc", "", NULL },
		{ "c++", "", NULL },
		{ "tcc", "tcc", NULL },
		{ "my-cool-compiler-3", "my-cool-compiler", NULL },
		{ "icc", "icc", NULL },
		{ "-12", "-12", NULL },
		{ "", "", NULL },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		char *family = hg_compiler_family(rows[i].name);
		char *target = hg_compiler_target(rows[i].name);

		ck_assert_str_eq(family, rows[i].family);
		ck_assert_pstr_eq(target, rows[i].target);
		free(family);
		free(target);
	}
	ck_assert(hg_family_fits("gcc", "gcc"));
	ck_assert(hg_family_fits("", "clang"));
	ck_assert(hg_family_fits("gcc", ""));
	ck_assert(hg_family_fits("", ""));
	ck_assert(!hg_family_fits("", "tcc"));
	ck_assert(!hg_family_fits("gcc", "clang"));
}
END_TEST

START_TEST(architectures_have_synonyms)
{
	ck_assert(hg_arch_same("amd64", "x86_64"));
	ck_assert(hg_arch_same("X86_64", "amd64"));
	ck_assert(hg_arch_same("arm64", "aarch64"));
	ck_assert(hg_arch_same("riscv64", "riscv64"));
	ck_assert(!hg_arch_same("amd64", "arm64"));
	ck_assert(!hg_arch_same("amd64", "i386"));
}
END_TEST

START_TEST(score_is_the_specifications)
{
	struct farm f;
	struct hg_worker *w;

	farm_init(&f);
	w = add(&f, "w", amd64, gcc, 4);
	w->memory_bytes = INT64_C(16) << 30;
	ask(&f, amd64, gcc);
	ck_assert_double_eq_tol(
	    hg_scheduler_score(&weights, w, &f.need), 50 + 40 + 80, 1e-9);
	w->active = 2;
	w->latency_ms = 10;
	w->source = HG_SOURCE_MDNS;
	ck_assert_double_eq_tol(hg_scheduler_score(&weights, w, &f.need),
	    50 + 40 + 80 - 30 - 5 + 20, 1e-9);
	w->docker_available = true;
	ask(&f, arm64, gcc);
	ck_assert_double_eq_tol(hg_scheduler_score(&weights, w, &f.need),
	    25 + 40 + 80 - 30 - 5 + 20, 1e-9);
	farm_release(&f);
}
END_TEST

START_TEST(says_why_there_is_no_worker)
{
	struct hg_strbuf text = HG_STRBUF_INIT;
	struct farm f;
	struct hg_wire_compile c = request(amd64, gcc);
	struct hg_worker *w;

	farm_init(&f);
	ask(&f, amd64, gcc);
	ck_assert_int_eq(pick(&f).result, HG_PICK_NO_WORKER);
	add(&f, "a", arm64, gcc, 1);
	ck_assert_int_eq(pick(&f).result, HG_PICK_NO_ARCH);
	w = add(&f, "b", amd64, clang, 1);
	ck_assert_int_eq(pick(&f).result, HG_PICK_NO_COMPILER);
	w = add(&f, "c", amd64, gcc, 1);
	w->protocol = 0;
	c.n_inputs = 1;
	hg_need_release(&f.need);
	hg_need_init(&f.need, &c);
	ck_assert_int_eq(pick(&f).result, HG_PICK_NO_PROTOCOL);
	hg_pick_explain(HG_PICK_NO_PROTOCOL, &f.need, &text);
	ck_assert_ptr_nonnull(strstr(text.buf, "protocol 1"));
	w->protocol = 1;
	hg_worker_add_lack(w, "gcc", NOW);
	ck_assert_int_eq(pick(&f).result, HG_PICK_NO_TOOLCHAIN);
	w->n_lacks = 0;
	free(w->lacks[0].toolchain);
	ck_assert_ptr_eq(pick(&f).worker, w);
	w->draining = true;
	ck_assert_int_eq(pick(&f).result, HG_PICK_NO_COMPILER);
	hg_strbuf_release(&text);
	farm_release(&f);
}
END_TEST

START_TEST(images_have_compilers_of_their_own)
{
	struct farm f;
	struct hg_worker *w;

	farm_init(&f);
	w = add(&f, "w", amd64, gcc, 1);
	w->docker_available = true;
	ask(&f, arm64, clang);
	ck_assert_ptr_eq(pick(&f).worker, w);
	f.need.protocol = 1;
	ck_assert_int_eq(pick(&f).result, HG_PICK_NO_ARCH);
	ask(&f, amd64, clang);
	ck_assert_int_eq(pick(&f).result, HG_PICK_NO_COMPILER);
	farm_release(&f);
}
END_TEST

START_TEST(bare_requests_go_to_bare_workers)
{
	struct hg_wire_compile c = request(amd64, gcc);
	char toolchain[] = "0123";
	struct hg_need need;

	hg_need_init(&need, &c);
	ck_assert_uint_eq(need.protocol, 0);
	ck_assert_str_eq(need.toolchain, "gcc");
	hg_need_release(&need);
	c.toolchain = toolchain;
	hg_need_init(&need, &c);
	ck_assert_uint_eq(need.protocol, 1);
	ck_assert_str_eq(need.toolchain, "0123");
	hg_need_release(&need);
	c.protocol = 0;
	hg_need_init(&need, &c);
	ck_assert_uint_eq(need.protocol, 0);
	hg_need_release(&need);
}
END_TEST

START_TEST(bundle_needs_a_worker_that_knows_it)
{
	struct hg_wire_compile c = request(amd64, gcc);
	char path[] = HG_BUNDLE_KEY;
	struct hg_wire_include include = { .path = path };
	struct hg_need need;

	c.includes = &include;
	c.n_includes = 1;
	hg_need_init(&need, &c);
	ck_assert_uint_eq(need.protocol, 1);
	hg_need_release(&need);
}
END_TEST

START_TEST(workers_that_list_nothing_accept_everything)
{
	struct farm f;

	farm_init(&f);
	add(&f, "a", NULL, NULL, 1);
	ask(&f, arm64, clang);
	ck_assert_int_eq(pick(&f).result, HG_PICK_FOUND);
	farm_release(&f);
}
END_TEST

START_TEST(empty_architecture_matches_all)
{
	struct farm f;

	farm_init(&f);
	add(&f, "a", arm64, gcc, 1);
	ask(&f, nothing, gcc);
	ck_assert_int_eq(pick(&f).result, HG_PICK_FOUND);
	farm_release(&f);
}
END_TEST

START_TEST(cross_compilers_count_as_able)
{
	struct farm f;
	char cross[] = "aarch64-linux-gnu-gcc";

	farm_init(&f);
	add(&f, "a", amd64, cross, 1);
	ask(&f, arm64, gcc);
	ck_assert_int_eq(pick(&f).result, HG_PICK_FOUND);
	farm_release(&f);
}
END_TEST

START_TEST(full_workers_are_waited_for)
{
	struct farm f;
	struct hg_worker *w;

	farm_init(&f);
	w = add(&f, "a", amd64, gcc, 2);
	ask(&f, amd64, gcc);
	w->active = 2;
	ck_assert_int_eq(pick(&f).result, HG_PICK_BUSY);
	ck_assert(!any_free(&f, 0));
	w->active = 1;
	ck_assert_int_eq(pick(&f).result, HG_PICK_FOUND);
	ck_assert(any_free(&f, 0));
	w->cool_until_ns = NOW + 5;
	ck_assert_int_eq(pick(&f).result, HG_PICK_BUSY);
	ck_assert(!any_free(&f, NOW + 5));
	farm_release(&f);
}
END_TEST

START_TEST(open_breaker_is_waited_for)
{
	struct farm f;
	struct hg_worker *w;

	farm_init(&f);
	w = add(&f, "a", amd64, gcc, 2);
	ask(&f, amd64, gcc);
	for (int i = 0; i < 2; i++)
		hg_breaker_end(&w->breaker, hg_breaker_begin(&w->breaker, NOW),
		    HG_BREAKER_FAILURE, NOW);
	ck_assert_int_eq(pick(&f).result, HG_PICK_BUSY);
	ck_assert(!any_free(&f, NOW + 30 * S));
	farm_release(&f);
}
END_TEST

START_TEST(tried_workers_come_last)
{
	struct farm f;
	struct hg_worker *a, *b;

	farm_init(&f);
	a = add(&f, "a", amd64, gcc, 64);
	b = add(&f, "b", amd64, gcc, 1);
	ask(&f, amd64, gcc);
	f.tried.serial[f.tried.n++] = a->serial;
	for (int i = 0; i < 20; i++)
		ck_assert_ptr_eq(pick(&f).worker, b);
	/* the other one is only busy: wait for it */
	b->active = 1;
	ck_assert_int_eq(pick(&f).result, HG_PICK_BUSY);
	/* there is no other one: the same again */
	f.tried.serial[f.tried.n++] = b->serial;
	ck_assert_ptr_eq(pick(&f).worker, a);
	farm_release(&f);
}
END_TEST

START_TEST(better_of_two_gets_it)
{
	struct farm f;
	struct hg_worker *big;

	farm_init(&f);
	big = add(&f, "big", amd64, gcc, 16);
	add(&f, "small", amd64, gcc, 2);
	ask(&f, amd64, gcc);
	for (int i = 0; i < 50; i++)
		ck_assert_ptr_eq(pick(&f).worker, big);
	/* 16 cores are 140 points more, ten compiles 150 points less */
	big->active = 10;
	ck_assert_ptr_ne(pick(&f).worker, big);
	farm_release(&f);
}
END_TEST

START_TEST(equal_workers_are_drawn_evenly)
{
	struct farm f;
	char id[16];
	int drawn[10] = { 0 };

	farm_init(&f);
	for (int i = 0; i < 10; i++) {
		snprintf(id, sizeof(id), "%d", i);
		add(&f, id, amd64, gcc, 4);
	}
	ask(&f, amd64, gcc);
	for (int i = 0; i < 10000; i++)
		drawn[pick(&f).worker->serial - 1]++;
	for (int i = 0; i < 10; i++) {
		ck_assert_int_gt(drawn[i], 850);
		ck_assert_int_lt(drawn[i], 1150);
	}
	farm_release(&f);
}
END_TEST

/* 64 compiles, none ends: the load differs little between equal workers. */
START_TEST(load_is_balanced_by_two_choices)
{
	struct farm f;
	char id[16];
	int most = 0;

	farm_init(&f);
	for (int i = 0; i < 16; i++) {
		snprintf(id, sizeof(id), "%d", i);
		add(&f, id, amd64, gcc, 16);
	}
	ask(&f, amd64, gcc);
	for (int i = 0; i < 64; i++) {
		struct hg_worker *w = pick(&f).worker;

		if (++w->active > most)
			most = w->active;
	}
	ck_assert_int_le(most, 6);
	farm_release(&f);
}
END_TEST

UNIT_MAIN("coord_scheduler", compiler_names_have_families,
    architectures_have_synonyms, score_is_the_specifications,
    says_why_there_is_no_worker,
    images_have_compilers_of_their_own, bare_requests_go_to_bare_workers,
    bundle_needs_a_worker_that_knows_it,
    workers_that_list_nothing_accept_everything, empty_architecture_matches_all,
    cross_compilers_count_as_able, full_workers_are_waited_for,
    open_breaker_is_waited_for, tried_workers_come_last, better_of_two_gets_it,
    equal_workers_are_drawn_evenly, load_is_balanced_by_two_choices)
