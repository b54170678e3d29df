/* SPDX-License-Identifier: Apache-2.0 */
/* The circuit breaker, in virtual time. */
#include "config.h"

#include "services/coordinator/breaker.h"
#include "tests/lib/unit.h"

#define S HG_NS_PER_SEC

static const struct hg_breaker_policy policy = {
	.threshold = 10,
	.failure_rate = 0.6,
	.open_ns = 30 * S,
};

static void
result(struct hg_breaker *b, enum hg_breaker_result r, uint64_t now)
{
	hg_breaker_end(b, hg_breaker_begin(b, now), r, now);
}

static void
results(struct hg_breaker *b, enum hg_breaker_result r, int n, uint64_t now)
{
	for (int i = 0; i < n; i++)
		result(b, r, now);
}

START_TEST(opens_above_the_failure_rate_only)
{
	struct hg_breaker b;

	hg_breaker_init(&b, &policy);
	results(&b, HG_BREAKER_SUCCESS, 4, S);
	results(&b, HG_BREAKER_FAILURE, 6, S);
	ck_assert_int_eq(hg_breaker_state(&b, S), HG_BREAKER_CLOSED);
	/* pushes a success out of the last ten: seven of ten failed */
	result(&b, HG_BREAKER_FAILURE, S);
	ck_assert_int_eq(hg_breaker_state(&b, S), HG_BREAKER_OPEN);
	ck_assert(!hg_breaker_allows(&b, S));
}
END_TEST

START_TEST(needs_enough_results)
{
	struct hg_breaker b;

	hg_breaker_init(&b, &policy);
	results(&b, HG_BREAKER_FAILURE, 9, S);
	ck_assert_int_eq(hg_breaker_state(&b, S), HG_BREAKER_CLOSED);
	result(&b, HG_BREAKER_FAILURE, S);
	ck_assert_int_eq(hg_breaker_state(&b, S), HG_BREAKER_OPEN);
}
END_TEST

START_TEST(forgets_old_results)
{
	struct hg_breaker b;

	hg_breaker_init(&b, &policy);
	results(&b, HG_BREAKER_FAILURE, 9, S);
	results(&b, HG_BREAKER_FAILURE, 1, S + HG_BREAKER_WINDOW_NS + 1);
	ck_assert_int_eq(hg_breaker_state(&b, S + HG_BREAKER_WINDOW_NS + 1),
	    HG_BREAKER_CLOSED);
}
END_TEST

START_TEST(calls_without_verdict_do_not_count)
{
	struct hg_breaker b;

	hg_breaker_init(&b, &policy);
	results(&b, HG_BREAKER_NO_VERDICT, 50, S);
	results(&b, HG_BREAKER_FAILURE, 9, S);
	ck_assert_int_eq(hg_breaker_state(&b, S), HG_BREAKER_CLOSED);
}
END_TEST

START_TEST(half_open_lets_one_trial_through)
{
	struct hg_breaker b;
	uint64_t ticket;

	hg_breaker_init(&b, &policy);
	results(&b, HG_BREAKER_FAILURE, 10, S);
	ck_assert(!hg_breaker_allows(&b, 31 * S - 1));
	ck_assert_int_eq(hg_breaker_state(&b, 31 * S), HG_BREAKER_HALF_OPEN);
	ck_assert(hg_breaker_allows(&b, 31 * S));
	ticket = hg_breaker_begin(&b, 31 * S);
	ck_assert(!hg_breaker_allows(&b, 32 * S));
	hg_breaker_end(&b, ticket, HG_BREAKER_SUCCESS, 32 * S);
	ck_assert_int_eq(hg_breaker_state(&b, 32 * S), HG_BREAKER_CLOSED);
	/* with no memory of the failures before */
	results(&b, HG_BREAKER_FAILURE, 9, 33 * S);
	ck_assert_int_eq(hg_breaker_state(&b, 33 * S), HG_BREAKER_CLOSED);
}
END_TEST

START_TEST(failed_trial_opens_again)
{
	struct hg_breaker b;

	hg_breaker_init(&b, &policy);
	results(&b, HG_BREAKER_FAILURE, 10, S);
	result(&b, HG_BREAKER_FAILURE, 40 * S);
	ck_assert_int_eq(hg_breaker_state(&b, 69 * S), HG_BREAKER_OPEN);
	ck_assert_int_eq(hg_breaker_state(&b, 70 * S), HG_BREAKER_HALF_OPEN);
}
END_TEST

START_TEST(cancelled_trial_makes_room_for_another)
{
	struct hg_breaker b;

	hg_breaker_init(&b, &policy);
	results(&b, HG_BREAKER_FAILURE, 10, S);
	result(&b, HG_BREAKER_NO_VERDICT, 40 * S);
	ck_assert(hg_breaker_allows(&b, 40 * S));
	ck_assert_int_eq(hg_breaker_state(&b, 40 * S), HG_BREAKER_HALF_OPEN);
}
END_TEST

START_TEST(late_results_are_not_the_trial)
{
	struct hg_breaker b;
	uint64_t early, trial;

	hg_breaker_init(&b, &policy);
	early = hg_breaker_begin(&b, S);
	results(&b, HG_BREAKER_FAILURE, 10, S);
	hg_breaker_end(&b, early, HG_BREAKER_SUCCESS, 2 * S);
	ck_assert_int_eq(hg_breaker_state(&b, 2 * S), HG_BREAKER_OPEN);
	trial = hg_breaker_begin(&b, 31 * S);
	hg_breaker_end(&b, early, HG_BREAKER_SUCCESS, 31 * S);
	ck_assert(!hg_breaker_allows(&b, 31 * S));
	hg_breaker_end(&b, trial, HG_BREAKER_SUCCESS, 31 * S);
	ck_assert(hg_breaker_allows(&b, 31 * S));
}
END_TEST

START_TEST(reset_closes)
{
	struct hg_breaker b;

	hg_breaker_init(&b, &policy);
	results(&b, HG_BREAKER_FAILURE, 10, S);
	hg_breaker_reset(&b);
	ck_assert(hg_breaker_allows(&b, S));
	ck_assert_str_eq(
	    hg_breaker_state_name(hg_breaker_state(&b, S)), "closed");
	ck_assert_str_eq(
	    hg_breaker_state_name(HG_BREAKER_HALF_OPEN), "half_open");
	ck_assert_str_eq(hg_breaker_state_name(HG_BREAKER_OPEN), "open");
}
END_TEST

UNIT_MAIN("coord_breaker", opens_above_the_failure_rate_only,
    needs_enough_results, forgets_old_results,
    calls_without_verdict_do_not_count, half_open_lets_one_trial_through,
    failed_trial_opens_again, cancelled_trial_makes_room_for_another,
    late_results_are_not_the_trial, reset_closes)
