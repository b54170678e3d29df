/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The circuit breaker of one worker.
 *
 *   closed     calls go through; opens when more than failure_rate of the last
 *              threshold results (none older than HG_BREAKER_WINDOW_NS) failed
 *   open       no calls, for open_ns
 *   half open  one trial call; its success closes, its failure opens again
 *
 * The caller: hg_breaker_allows() before choosing, hg_breaker_begin() when it
 * calls, hg_breaker_end() with that ticket when the call has ended. A result of
 * a call begun before the last change of state is ignored. Times are those of
 * hg_now_ns().
 */
#ifndef HG_COORDINATOR_BREAKER_H
#define HG_COORDINATOR_BREAKER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/time.h"

#define HG_BREAKER_MAX_THRESHOLD 128
#define HG_BREAKER_WINDOW_NS     (60 * HG_NS_PER_SEC)

/* Numbers as the metric hybridgrid_circuit_state has them. */
enum hg_breaker_state {
	HG_BREAKER_CLOSED,
	HG_BREAKER_HALF_OPEN,
	HG_BREAKER_OPEN,
};

enum hg_breaker_result {
	HG_BREAKER_SUCCESS,
	HG_BREAKER_FAILURE,
	/* the call says nothing about the worker, e.g. it was cancelled */
	HG_BREAKER_NO_VERDICT,
};

struct hg_breaker_policy {
	/* 1 to HG_BREAKER_MAX_THRESHOLD */
	unsigned threshold;
	double failure_rate;
	uint64_t open_ns;
};

struct hg_breaker {
	struct hg_breaker_policy policy;
	enum hg_breaker_state state;
	uint64_t ticket;
	uint64_t open_until_ns;
	/* the last results, the next one to overwrite at ring[at] */
	struct {
		uint64_t when_ns;
		bool failed;
	} ring[HG_BREAKER_MAX_THRESHOLD];
	unsigned at;
	unsigned n;
};

void hg_breaker_init(
    struct hg_breaker *b, const struct hg_breaker_policy *policy);
/* Closed, with no memory of what was. */
void hg_breaker_reset(struct hg_breaker *b);
/* May a call be made now? */
bool hg_breaker_allows(const struct hg_breaker *b, uint64_t now_ns);
/* A call is made; returns its ticket. */
uint64_t hg_breaker_begin(struct hg_breaker *b, uint64_t now_ns);
void hg_breaker_end(struct hg_breaker *b, uint64_t ticket,
    enum hg_breaker_result result, uint64_t now_ns);
/* An open breaker whose time is over is half open. */
enum hg_breaker_state hg_breaker_state(
    const struct hg_breaker *b, uint64_t now_ns);
/* "closed", "half_open", "open", as WorkerStatus.circuit_state has it. */
const char *hg_breaker_state_name(enum hg_breaker_state state);

#endif
