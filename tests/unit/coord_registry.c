/* SPDX-License-Identifier: Apache-2.0 */
/* The registry of workers, in virtual time. */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "lib/base/error.h"
#include "lib/wire/wire.h"
#include "services/coordinator/registry.h"
#include "tests/lib/unit.h"

#define S HG_NS_PER_SEC

static const struct hg_breaker_policy policy = {
	.threshold = 2,
	.failure_rate = 0.6,
	.open_ns = 30 * S,
};

static char name_gxx[] = "aarch64-linux-gnu-g++-12";
static char name_clang[] = "clang";

static struct hg_wire_handshake
hello(void)
{
	static char *compilers[] = { name_gxx, name_clang };

	return (struct hg_wire_handshake){
		.caps = { .cpu_cores = 4,
		    .memory_bytes = 8 << 20,
		    .compilers = compilers,
		    .n_compilers = 2 },
		.protocol = 1,
	};
}

START_TEST(joins_and_is_found)
{
	struct hg_wire_handshake h = hello();
	struct hg_registry r;
	struct hg_worker *w;

	hg_registry_init(&r, &policy, 30 * S);
	w = hg_registry_join(&r, "w1", "h:1", &h, S, NULL);
	ck_assert_ptr_nonnull(w);
	ck_assert_ptr_eq(hg_registry_find(&r, "w1"), w);
	ck_assert_ptr_eq(hg_registry_find_address(&r, "h:1", NULL), w);
	ck_assert_ptr_eq(hg_registry_find_address(&r, "h:1", "w2"), w);
	ck_assert_ptr_null(hg_registry_find_address(&r, "h:1", "w1"));
	ck_assert_ptr_null(hg_registry_find_address(&r, "h:2", NULL));
	ck_assert_ptr_null(hg_registry_find(&r, "w2"));
	ck_assert_str_eq(w->families.v[0], "gcc");
	ck_assert_str_eq(w->families.v[1], "clang");
	ck_assert_uint_eq(w->targets.n, 1);
	ck_assert_str_eq(w->targets.v[0], "aarch64");
	ck_assert_int_eq(w->slots, 4);
	ck_assert_int_eq(hg_registry_slots(&r), 4);
	ck_assert_str_eq(hg_source_name(w->source), "static");
	hg_registry_release(&r);
}
END_TEST

START_TEST(slots_are_given_or_cores_or_one)
{
	struct hg_wire_handshake h = hello();
	struct hg_registry r;

	hg_registry_init(&r, &policy, 30 * S);
	h.caps.slots = 7;
	ck_assert_int_eq(
	    hg_registry_join(&r, "a", "h:1", &h, S, NULL)->slots, 7);
	h.caps.slots = 0;
	h.caps.cpu_cores = 0;
	ck_assert_int_eq(
	    hg_registry_join(&r, "b", "h:2", &h, S, NULL)->slots, 1);
	hg_registry_release(&r);
}
END_TEST

START_TEST(joining_again_updates_in_place)
{
	struct hg_wire_handshake h = hello();
	struct hg_registry r;
	struct hg_worker *w;

	hg_registry_init(&r, &policy, 30 * S);
	w = hg_registry_join(&r, "w1", "h:1", &h, S, NULL);
	hg_worker_count_result(w, true, 100, 90);
	hg_worker_add_lack(w, "t", S);
	for (int i = 0; i < 2; i++)
		hg_breaker_end(&w->breaker, hg_breaker_begin(&w->breaker, S),
		    HG_BREAKER_FAILURE, S);
	ck_assert_uint_eq(hg_registry_impaired(&r, S), 1);
	h.caps.n_compilers = 1;
	h.caps.cpu_cores = 8;
	ck_assert_ptr_eq(hg_registry_join(&r, "w1", "h:2", &h, 2 * S, NULL), w);
	ck_assert_uint_eq(r.n, 1);
	ck_assert_str_eq(w->address, "h:2");
	ck_assert_uint_eq(w->compilers.n, 1);
	ck_assert_int_eq(w->slots, 8);
	ck_assert_uint_eq(w->total, 1);
	ck_assert_uint_eq(w->joined_ns, S);
	ck_assert_uint_eq(hg_registry_impaired(&r, 2 * S), 0);
	ck_assert_uint_eq(hg_worker_lacks_until(w, "t", 2 * S), 0);
	hg_registry_release(&r);
}
END_TEST

START_TEST(nonsense_is_refused)
{
	struct hg_registry r;
	struct hg_error err;
	struct hg_wire_handshake h;

	hg_registry_init(&r, &policy, 30 * S);
	h = hello();
	h.caps.cpu_cores = -1;
	ck_assert_ptr_null(hg_registry_join(&r, "w", "h:1", &h, S, &err));
	ck_assert_ptr_nonnull(strstr(err.text, "cpu_cores -1"));
	h = hello();
	h.caps.slots = 1 << 30;
	ck_assert_ptr_null(hg_registry_join(&r, "w", "h:1", &h, S, &err));
	h = hello();
	h.caps.memory_bytes = -5;
	ck_assert_ptr_null(hg_registry_join(&r, "w", "h:1", &h, S, &err));
	h = hello();
	h.caps.n_compilers = 100000;
	ck_assert_ptr_null(hg_registry_join(&r, "w", "h:1", &h, S, &err));
	ck_assert_uint_eq(r.n, 0);
	hg_registry_release(&r);
}
END_TEST

START_TEST(expires_when_not_heard_of)
{
	struct hg_wire_handshake h = hello();
	struct hg_registry r;
	struct hg_worker *a, *b;

	hg_registry_init(&r, &policy, 30 * S);
	a = hg_registry_join(&r, "a", "h:1", &h, S, NULL);
	b = hg_registry_join(&r, "b", "h:2", &h, 2 * S, NULL);
	ck_assert_ptr_null(hg_registry_expired(&r, 31 * S));
	ck_assert_ptr_eq(hg_registry_expired(&r, 31 * S + 1), a);
	a->seen_ns = 31 * S;
	ck_assert_ptr_eq(hg_registry_expired(&r, 33 * S), b);
	hg_registry_leave(&r, b);
	ck_assert_ptr_null(hg_registry_expired(&r, 33 * S));
	ck_assert_ptr_null(hg_registry_find(&r, "b"));
	b->active = 1;
	ck_assert(!hg_worker_is_disposable(b));
	b->active = 0;
	ck_assert(hg_worker_is_disposable(b));
	ck_assert(!hg_worker_is_disposable(a));
	hg_worker_free(b);
	hg_registry_release(&r);
}
END_TEST

START_TEST(counts_results_and_latency)
{
	struct hg_wire_handshake h = hello();
	struct hg_registry r;
	struct hg_worker *w;

	hg_registry_init(&r, &policy, 30 * S);
	w = hg_registry_join(&r, "a", "h:1", &h, S, NULL);
	hg_worker_count_result(w, true, 110, 100);
	ck_assert_double_eq_tol(w->latency_ms, 10, 0.001);
	hg_worker_count_result(w, false, 120, 100);
	ck_assert_double_eq_tol(w->latency_ms, 12, 0.001);
	/* claims beyond the call's own time */
	hg_worker_count_result(w, true, 50, INT64_MAX);
	hg_worker_count_result(w, true, 50, -1);
	hg_worker_count_failure(w);
	ck_assert_uint_eq(w->total, 5);
	ck_assert_uint_eq(w->answered, 4);
	ck_assert_uint_eq(w->successful, 3);
	ck_assert_uint_eq(w->compile_ms, 250);
	hg_registry_release(&r);
}
END_TEST

START_TEST(remembers_lacks_for_a_while_and_boundedly)
{
	struct hg_wire_handshake h = hello();
	struct hg_registry r;
	struct hg_worker *w;
	char name[16];

	hg_registry_init(&r, &policy, 30 * S);
	w = hg_registry_join(&r, "a", "h:1", &h, S, NULL);
	hg_worker_add_lack(w, "t", S);
	ck_assert_uint_eq(hg_worker_lacks_until(w, "t", S), 61 * S);
	ck_assert_uint_eq(hg_worker_lacks_until(w, "u", S), 0);
	ck_assert_uint_eq(hg_worker_lacks_until(w, "t", 61 * S), 0);
	hg_worker_add_lack(w, "t", 61 * S);
	ck_assert_uint_eq(w->n_lacks, 1);
	for (uint64_t i = 0; i < 100; i++) {
		snprintf(name, sizeof(name), "t%d", (int)i);
		hg_worker_add_lack(w, name, (62 + i) * S);
	}
	ck_assert_uint_eq(w->n_lacks, HG_MAX_LACKS);
	ck_assert_uint_gt(hg_worker_lacks_until(w, "t99", 62 * S), 0);
	ck_assert_uint_eq(hg_worker_lacks_until(w, "t0", 62 * S), 0);
	hg_registry_release(&r);
}
END_TEST

UNIT_MAIN("coord_registry", joins_and_is_found, slots_are_given_or_cores_or_one,
    joining_again_updates_in_place, nonsense_is_refused,
    expires_when_not_heard_of, counts_results_and_latency,
    remembers_lacks_for_a_while_and_boundedly)
