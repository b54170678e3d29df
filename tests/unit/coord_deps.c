/* SPDX-License-Identifier: Apache-2.0 */
/* Results are found by what their compiles have read, and by nothing else. */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "lib/observe/observe.h"
#include "lib/wire/wire.h"
#include "services/coordinator/deps.h"
#include "tests/lib/unit.h"

static char cwd[] = "/p", gcc[] = "gcc", a_c[] = "a.c", a_full[] = "/p/a.c",
	    x_full[] = "/p/inc/x.h", y_full[] = "/p/inc/y.h", other[] = "b.c";
/* as compilers spell them */
static char x_seen[] = "src/../inc/./x.h", y_seen[] = "inc//y.h",
	    stddef[] = "/usr/lib/gcc/x/12/include/stddef.h", cc1[] = "cc1";

static struct hg_content_id
id_of(const char *text)
{
	struct hg_content_id id;

	hg_content_id_bytes(text, strlen(text), &id);
	return id;
}

/* A command, its possible inputs, and what its compile has seen. */
struct lab {
	struct hg_deps *deps;
	struct hg_wire_compile compile;
	struct hg_wire_input inputs[3];
	struct hg_wire_input_list list;
	struct hg_wire_observed seen[5];
	struct hg_wire_result result;
	struct hg_digest kept;
	size_t asked;
};

static void
lab_open(struct lab *l)
{
	*l = (struct lab){
		.deps = hg_deps_new(1 << 20),
		.compile = { .source_file = a_c, .compiler = gcc, .cwd = cwd },
		.inputs = { { .path = a_full, .id = id_of("a") },
			{ .path = x_full, .id = id_of("x") } },
		.seen = { { a_c, HG_OBSERVED_READ, { { 0 } } },
			{ x_seen, HG_OBSERVED_READ, { { 0 } } },
			{ stddef, HG_OBSERVED_READ, { { 0 } } },
			{ cc1, HG_OBSERVED_RUN, { { 0 } } },
			{ y_seen, HG_OBSERVED_ABSENT, { { 0 } } } },
		.kept = { "kept" },
	};
	l->list = (struct hg_wire_input_list){ l->inputs, 2 };
	l->result.observed = l->seen;
	l->result.n_observed = 5;
}

static bool
is_kept(void *arg, const struct hg_digest *kept)
{
	struct lab *l = arg;

	l->asked++;
	return hg_digest_equal(kept, &l->kept);
}

static void
add(struct lab *l)
{
	hg_deps_add(l->deps, &l->compile, &l->list, &l->result, &l->kept);
}

static bool
find(struct lab *l)
{
	l->asked = 0;
	return hg_deps_find(l->deps, &l->compile, &l->list, is_kept, l);
}

START_TEST(the_same_inputs_find_it)
{
	struct lab l;

	lab_open(&l);
	ck_assert(!hg_deps_knows(l.deps, &l.compile));
	ck_assert(!find(&l));
	add(&l);
	ck_assert(hg_deps_knows(l.deps, &l.compile));
	ck_assert(find(&l));
	/* the list itself is not a part of the command */
	l.compile.input_list = id_of("another list");
	ck_assert(find(&l));
	l.compile.source_file = other;
	ck_assert(!find(&l));
	hg_deps_free(l.deps);
}
END_TEST

START_TEST(what_was_read_must_be_the_same)
{
	struct lab l;

	lab_open(&l);
	add(&l);
	l.inputs[1].id = id_of("changed");
	ck_assert(!find(&l));
	l.list.n_inputs = 1;
	ck_assert(!find(&l));
	hg_deps_free(l.deps);
}
END_TEST

START_TEST(what_was_missing_must_be_missing)
{
	struct lab l;

	lab_open(&l);
	add(&l);
	l.inputs[2] = (struct hg_wire_input){ .path = y_full,
		.id = id_of("y") };
	l.list.n_inputs = 3;
	ck_assert(!find(&l));
	hg_deps_free(l.deps);
}
END_TEST

START_TEST(what_was_not_read_may_be_anything)
{
	struct lab l;

	lab_open(&l);
	l.inputs[2] = (struct hg_wire_input){ .path = y_full,
		.id = id_of("y") };
	l.list.n_inputs = 3;
	l.result.n_observed = 4;
	add(&l);
	l.inputs[2].id = id_of("changed");
	ck_assert(find(&l));
	l.list.n_inputs = 2;
	ck_assert(find(&l));
	hg_deps_free(l.deps);
}
END_TEST

START_TEST(a_result_that_read_what_the_list_lacks_is_not_found_by_it)
{
	struct lab l;

	lab_open(&l);
	l.list.n_inputs = 1;
	add(&l);
	ck_assert(!find(&l));
	/* nor one that does not tell */
	l.list.n_inputs = 2;
	l.result.n_observed = 0;
	add(&l);
	ck_assert(!find(&l));
	hg_deps_free(l.deps);
}
END_TEST

START_TEST(the_newest_is_asked_first_and_the_oldest_goes)
{
	struct lab l;

	lab_open(&l);
	for (int i = 0; i < 20; i++) {
		snprintf((char *)l.kept.b, sizeof(l.kept.b), "kept %d", i);
		add(&l);
	}
	ck_assert(find(&l));
	ck_assert_uint_eq(l.asked, 1);
	memcpy(l.kept.b, "kept 0", 7);
	ck_assert(!find(&l));
	ck_assert_uint_eq(l.asked, 8);
	hg_deps_free(l.deps);
}
END_TEST

START_TEST(memory_is_bounded)
{
	struct lab l;

	lab_open(&l);
	hg_deps_free(l.deps);
	l.deps = hg_deps_new(600);
	add(&l);
	ck_assert(find(&l));
	l.compile.umask = 1;
	add(&l);
	l.compile.umask = 2;
	add(&l);
	ck_assert(find(&l));
	l.compile.umask = 0;
	ck_assert(!find(&l));
	hg_deps_free(l.deps);
}
END_TEST

UNIT_MAIN("coord_deps", the_same_inputs_find_it, what_was_read_must_be_the_same,
    what_was_missing_must_be_missing, what_was_not_read_may_be_anything,
    a_result_that_read_what_the_list_lacks_is_not_found_by_it,
    the_newest_is_asked_first_and_the_oldest_goes, memory_is_bounded)
