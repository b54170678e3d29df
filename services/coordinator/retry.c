/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The specification's table of what is retried, and its error strings. Only
 * what is our own failure counts against a worker: never a compile error, a
 * cancelled call, a busy worker or a compile that its worker cannot know.
 */
#include "config.h"

#include <string.h>

#include "lib/wire/wire.h"
#include "services/coordinator/retry.h"

struct rule {
	enum hg_retry_action action;
	enum hg_breaker_result breaker;
};

/* Which status of a worker's is retried, and what the client is told then. */
static const struct {
	enum hg_rpc_status status;
	enum hg_breaker_result breaker;
	enum hg_rpc_status report;
} status_rules[] = {
	{ HG_RPC_CANCELLED, HG_BREAKER_FAILURE, HG_RPC_UNAVAILABLE },
	{ HG_RPC_DEADLINE_EXCEEDED, HG_BREAKER_FAILURE,
	    HG_RPC_DEADLINE_EXCEEDED },
	{ HG_RPC_INTERNAL, HG_BREAKER_FAILURE, HG_RPC_INTERNAL },
	{ HG_RPC_PERMISSION_DENIED, HG_BREAKER_FAILURE, HG_RPC_UNAVAILABLE },
	{ HG_RPC_RESOURCE_EXHAUSTED, HG_BREAKER_NO_VERDICT,
	    HG_RPC_RESOURCE_EXHAUSTED },
	{ HG_RPC_UNAUTHENTICATED, HG_BREAKER_FAILURE, HG_RPC_UNAVAILABLE },
	{ HG_RPC_UNAVAILABLE, HG_BREAKER_FAILURE, HG_RPC_UNAVAILABLE },
	{ HG_RPC_UNIMPLEMENTED, HG_BREAKER_FAILURE, HG_RPC_UNAVAILABLE },
	/* what a peer reports when its handler crashed */
	{ HG_RPC_UNKNOWN, HG_BREAKER_FAILURE, HG_RPC_INTERNAL },
};

static const struct {
	const char *code;
	struct rule rule;
} error_rules[] = {
	/* compiler not found */
	{ "HYBRIDGRID_ERR_001", { HG_RETRY_ELSEWHERE, HG_BREAKER_NO_VERDICT } },
	/* source file too large: so it is elsewhere */
	{ "HYBRIDGRID_ERR_002", { HG_RETRY_ANSWER, HG_BREAKER_NO_VERDICT } },
	/* unsupported target */
	{ "HYBRIDGRID_ERR_003", { HG_RETRY_AGAIN, HG_BREAKER_NO_VERDICT } },
	/* Docker not available */
	{ "HYBRIDGRID_ERR_004", { HG_RETRY_AGAIN, HG_BREAKER_NO_VERDICT } },
	/* compilation timeout: once is long enough */
	{ "HYBRIDGRID_ERR_005", { HG_RETRY_ANSWER, HG_BREAKER_NO_VERDICT } },
};

static struct hg_verdict
judge_status(enum hg_rpc_status status)
{
	for (size_t i = 0; i < sizeof(status_rules) / sizeof(*status_rules);
	     i++)
		if (status_rules[i].status == status)
			return (struct hg_verdict){
				.action = HG_RETRY_AGAIN,
				.breaker = status_rules[i].breaker,
				.report = status_rules[i].report,
				.full = status == HG_RPC_RESOURCE_EXHAUSTED,
			};
	return (struct hg_verdict){
		.action = HG_RETRY_GIVE_UP,
		.breaker = HG_BREAKER_NO_VERDICT,
		.report = status,
	};
}

static const struct rule *
rule_of_text(const char *text, size_t n)
{
	for (size_t i = 0; i < sizeof(error_rules) / sizeof(*error_rules);
	     i++) {
		size_t len = strlen(error_rules[i].code);

		if (n >= len && memcmp(text, error_rules[i].code, len) == 0)
			return &error_rules[i].rule;
	}
	return NULL;
}

/*
 * A worker of the bare specification has only stderr to tell us in; from others
 * it is what the compiler printed.
 */
static struct rule
rule_of_result(const struct hg_wire_result *result, uint32_t protocol)
{
	const struct rule *rule = NULL;

	if (*result->infra_error) {
		rule = rule_of_text(
		    result->infra_error, strlen(result->infra_error));
		if (!rule)
			return (
			    struct rule){ HG_RETRY_AGAIN, HG_BREAKER_FAILURE };
	} else if (result->missing.n > 0) {
		/* nothing was done, and the client is asked for them */
		return (struct rule){ HG_RETRY_ANSWER, HG_BREAKER_NO_VERDICT };
	} else if (protocol == 0 && result->exit_code != 0) {
		rule = rule_of_text(result->err.p, result->err.n);
	}
	if (rule)
		return *rule;
	return (struct rule){ HG_RETRY_ANSWER, HG_BREAKER_SUCCESS };
}

struct hg_verdict
hg_retry_judge(const struct hg_outcome *o)
{
	struct hg_verdict v;
	struct rule rule = { HG_RETRY_AGAIN, HG_BREAKER_FAILURE };

	if (o->status != HG_RPC_OK) {
		v = judge_status(o->status);
	} else {
		if (o->result)
			rule = rule_of_result(o->result, o->worker_protocol);
		v = (struct hg_verdict){
			.action = rule.action,
			.breaker = rule.breaker,
			.report = HG_RPC_INTERNAL,
			.lacks_toolchain = rule.action == HG_RETRY_ELSEWHERE,
		};
	}
	/* a caller's short patience is not the worker's failure */
	if (o->out_of_time && o->took_ns < HG_FAIR_CALL_NS)
		v.breaker = HG_BREAKER_NO_VERDICT;
	return v;
}

uint64_t
hg_retry_delay_ns(
    const struct hg_retry_policy *policy, unsigned retry, uint64_t random)
{
	uint64_t delay = policy->initial_ns;

	for (unsigned i = 1; i < retry && delay < policy->max_ns; i++)
		delay *= 2;
	if (delay > policy->max_ns)
		delay = policy->max_ns;
	return delay + random % (delay / 10 + 1);
}
