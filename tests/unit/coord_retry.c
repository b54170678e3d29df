/* SPDX-License-Identifier: Apache-2.0 */
/* What is retried, what counts against a worker, and the pauses. */
#include "config.h"

#include <string.h>

#include "lib/wire/wire.h"
#include "services/coordinator/retry.h"
#include "tests/lib/unit.h"

#define MS HG_NS_PER_MS
#define S  HG_NS_PER_SEC

static struct hg_verdict
judge_status(enum hg_rpc_status status)
{
	struct hg_outcome o = { .status = status, .took_ns = S };

	return hg_retry_judge(&o);
}

static struct hg_verdict
judge_result(const char *infra, const char *text, int exit_code, uint32_t proto)
{
	struct hg_wire_result result = {
		.success = exit_code == 0,
		.exit_code = exit_code,
		.err = { text, strlen(text) },
		.infra_error = strdup(infra),
	};
	struct hg_outcome o = {
		.status = HG_RPC_OK,
		.result = &result,
		.worker_protocol = proto,
	};
	struct hg_verdict v = hg_retry_judge(&o);

	free(result.infra_error);
	return v;
}

START_TEST(statuses_follow_the_table)
{
	static const struct {
		enum hg_rpc_status status;
		enum hg_retry_action action;
		enum hg_breaker_result breaker;
	} rows[] = {
		{ HG_RPC_INVALID_ARGUMENT, HG_RETRY_GIVE_UP,
		    HG_BREAKER_NO_VERDICT },
		{ HG_RPC_NOT_FOUND, HG_RETRY_GIVE_UP, HG_BREAKER_NO_VERDICT },
		{ HG_RPC_FAILED_PRECONDITION, HG_RETRY_GIVE_UP,
		    HG_BREAKER_NO_VERDICT },
		{ HG_RPC_RESOURCE_EXHAUSTED, HG_RETRY_AGAIN,
		    HG_BREAKER_NO_VERDICT },
		{ HG_RPC_UNAVAILABLE, HG_RETRY_AGAIN, HG_BREAKER_FAILURE },
		{ HG_RPC_DEADLINE_EXCEEDED, HG_RETRY_AGAIN,
		    HG_BREAKER_FAILURE },
		{ HG_RPC_INTERNAL, HG_RETRY_AGAIN, HG_BREAKER_FAILURE },
		{ HG_RPC_UNKNOWN, HG_RETRY_AGAIN, HG_BREAKER_FAILURE },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct hg_verdict v = judge_status(rows[i].status);

		ck_assert_int_eq(v.action, rows[i].action);
		ck_assert_int_eq(v.breaker, rows[i].breaker);
		ck_assert(
		    v.full == (rows[i].status == HG_RPC_RESOURCE_EXHAUSTED));
	}
}
END_TEST

START_TEST(compile_errors_are_answers_of_a_good_worker)
{
	struct hg_verdict v = judge_result("", "a.c:1: error: x", 1, 1);

	ck_assert_int_eq(v.action, HG_RETRY_ANSWER);
	ck_assert_int_eq(v.breaker, HG_BREAKER_SUCCESS);
	v = judge_result("", "", 0, 0);
	ck_assert_int_eq(v.action, HG_RETRY_ANSWER);
	ck_assert_int_eq(v.breaker, HG_BREAKER_SUCCESS);
}
END_TEST

START_TEST(missing_toolchain_goes_elsewhere_without_blame)
{
	static const char text[] = "HYBRIDGRID_ERR_001: Compiler not found";
	struct hg_verdict v = judge_result(text, "", 1, 1);

	ck_assert_int_eq(v.action, HG_RETRY_ELSEWHERE);
	ck_assert_int_eq(v.breaker, HG_BREAKER_NO_VERDICT);
	ck_assert(v.lacks_toolchain);
	/* a worker of the bare specification says so on stderr */
	v = judge_result("", text, 1, 0);
	ck_assert(v.lacks_toolchain);
	/* from one of ours, that is the compiler's own text */
	v = judge_result("", text, 1, 1);
	ck_assert(!v.lacks_toolchain);
	ck_assert_int_eq(v.action, HG_RETRY_ANSWER);
	v = judge_result("", text, 0, 0);
	ck_assert(!v.lacks_toolchain);
}
END_TEST

START_TEST(other_errors_of_a_worker_have_their_rules)
{
	struct hg_verdict v = judge_result("disk full", "", 1, 1);

	ck_assert_int_eq(v.action, HG_RETRY_AGAIN);
	ck_assert_int_eq(v.breaker, HG_BREAKER_FAILURE);
	v = judge_result("HYBRIDGRID_ERR_002: Source file too large", "", 1, 1);
	ck_assert_int_eq(v.action, HG_RETRY_ANSWER);
	v = judge_result("HYBRIDGRID_ERR_003: Unsupported target", "", 1, 1);
	ck_assert_int_eq(v.action, HG_RETRY_AGAIN);
	ck_assert_int_eq(v.breaker, HG_BREAKER_NO_VERDICT);
	v = judge_result("", "HYBRIDGRID_ERR_004: Docker not available", 1, 0);
	ck_assert_int_eq(v.action, HG_RETRY_AGAIN);
	v = judge_result("HYBRIDGRID_ERR_005: Compilation timeout", "", 1, 1);
	ck_assert_int_eq(v.action, HG_RETRY_ANSWER);
}
END_TEST

START_TEST(undecodable_answer_is_a_failure)
{
	struct hg_outcome o = { .status = HG_RPC_OK };
	struct hg_verdict v = hg_retry_judge(&o);

	ck_assert_int_eq(v.action, HG_RETRY_AGAIN);
	ck_assert_int_eq(v.breaker, HG_BREAKER_FAILURE);
	ck_assert_int_eq(v.report, HG_RPC_INTERNAL);
}
END_TEST

START_TEST(client_is_told_of_a_service_not_of_our_quarrels)
{
	ck_assert_int_eq(
	    judge_status(HG_RPC_CANCELLED).report, HG_RPC_UNAVAILABLE);
	ck_assert_int_eq(
	    judge_status(HG_RPC_PERMISSION_DENIED).report, HG_RPC_UNAVAILABLE);
	ck_assert_int_eq(
	    judge_status(HG_RPC_UNIMPLEMENTED).report, HG_RPC_UNAVAILABLE);
}
END_TEST

START_TEST(short_patience_of_a_caller_is_not_held_against_a_worker)
{
	struct hg_outcome o = {
		.status = HG_RPC_DEADLINE_EXCEEDED,
		.took_ns = S,
		.out_of_time = true,
	};

	ck_assert_int_eq(hg_retry_judge(&o).breaker, HG_BREAKER_NO_VERDICT);
	o.took_ns = HG_FAIR_CALL_NS;
	ck_assert_int_eq(hg_retry_judge(&o).breaker, HG_BREAKER_FAILURE);
}
END_TEST

START_TEST(pauses_double_up_to_the_limit)
{
	static const struct hg_retry_policy policy = {
		.max_retries = 9, .initial_ns = 100 * MS, .max_ns = 700 * MS
	};
	static const uint64_t want[] = { 100, 200, 400, 700, 700 };

	for (unsigned i = 0; i < 5; i++) {
		uint64_t low = hg_retry_delay_ns(&policy, i + 1, 0);

		ck_assert_uint_eq(low, want[i] * MS);
		for (uint64_t random = 1; random; random <<= 1) {
			uint64_t d = hg_retry_delay_ns(&policy, i + 1, random);

			ck_assert_uint_ge(d, low);
			ck_assert_uint_le(d, low + low / 10);
		}
	}
}
END_TEST

UNIT_MAIN("coord_retry", statuses_follow_the_table,
    compile_errors_are_answers_of_a_good_worker,
    missing_toolchain_goes_elsewhere_without_blame,
    other_errors_of_a_worker_have_their_rules, undecodable_answer_is_a_failure,
    client_is_told_of_a_service_not_of_our_quarrels,
    short_patience_of_a_caller_is_not_held_against_a_worker,
    pauses_double_up_to_the_limit)
