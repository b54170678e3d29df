/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What to do when a worker's call has ended: give its answer to the client, try
 * another worker, or give up; and what it says about the worker. Pure.
 */
#ifndef HG_COORDINATOR_RETRY_H
#define HG_COORDINATOR_RETRY_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/rpc/rpc.h"
#include "services/coordinator/breaker.h"

struct hg_wire_result;

/* A worker that had a compile for so long and gave no answer has failed. */
#define HG_FAIR_CALL_NS (30 * HG_NS_PER_SEC)

struct hg_retry_policy {
	unsigned max_retries;
	uint64_t initial_ns;
	uint64_t max_ns;
};

enum hg_retry_action {
	/* the worker's bytes are the answer */
	HG_RETRY_ANSWER,
	/* after a pause, on another worker when possible */
	HG_RETRY_AGAIN,
	/* at once, on another worker; does not count as a retry */
	HG_RETRY_ELSEWHERE,
	/* the failure is the answer */
	HG_RETRY_GIVE_UP,
};

struct hg_outcome {
	enum hg_rpc_status status;
	/* with HG_RPC_OK: the answer, or NULL when it could not be decoded */
	const struct hg_wire_result *result;
	uint32_t worker_protocol;
	uint64_t took_ns;
	/* the time that we gave it is over */
	bool out_of_time;
};

struct hg_verdict {
	enum hg_retry_action action;
	enum hg_breaker_result breaker;
	/* what the client is told when there is no further attempt */
	enum hg_rpc_status report;
	/* the worker is full; leave it alone for a moment */
	bool full;
	/* it lacks the toolchain that was asked for */
	bool lacks_toolchain;
};

struct hg_verdict hg_retry_judge(const struct hg_outcome *outcome);
/*
 * The pause before the retry of that number (from 1): doubled each time, with
 * up to a tenth more, by chance, so that many do not come back at once.
 */
uint64_t hg_retry_delay_ns(
    const struct hg_retry_policy *policy, unsigned retry, uint64_t random);

#endif
