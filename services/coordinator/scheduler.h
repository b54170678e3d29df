/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which worker gets a compile: power of two choices. Of the workers that could
 * take it now, two are drawn at random and the one with the higher score gets
 * it. Pure: time and chance are passed in.
 */
#ifndef HG_COORDINATOR_SCHEDULER_H
#define HG_COORDINATOR_SCHEDULER_H

#include <stddef.h>
#include <stdbool.h>
#include <stdint.h>

#include "lib/rpc/rpc.h"
#include "services/coordinator/registry.h"

struct hg_strbuf;
struct hg_wire_compile;

/* Attempts that a compile can have (resilience.max_retries and the first). */
#define HG_MAX_ATTEMPTS 17

struct hg_weights {
	double native_arch_match;
	double cross_compile_capable;
	double per_cpu_core;
	double per_gb_ram;
	double per_active_task;
	double per_ms_latency;
	double lan_source;
};

/* A random number in [0, 2^64). */
typedef uint64_t hg_random_fn(void *ctx);

struct hg_scheduler {
	struct hg_weights weights;
	hg_random_fn *random;
	void *random_ctx;
};

/* What a compile asks of its worker. */
struct hg_need {
	char *arch;
	char *compiler;
	char *family;
	/* the toolchain's digest, or else the compiler's name */
	char *toolchain;
	/* the client has the toolchain for workers that lack it */
	bool brings_toolchain;
	/* lowest protocol level that can do it */
	uint32_t protocol;
	/* all of the above in one string: equal needs have equal names */
	char *name;
};

enum hg_pick_result {
	HG_PICK_FOUND,
	/* there are workers for it, but none can take it now */
	HG_PICK_BUSY,
	/* no worker at all; none of the architecture; and so on */
	HG_PICK_NO_WORKER,
	HG_PICK_NO_ARCH,
	HG_PICK_NO_COMPILER,
	HG_PICK_NO_PROTOCOL,
	HG_PICK_NO_TOOLCHAIN,
};

struct hg_pick {
	enum hg_pick_result result;
	/* when found */
	struct hg_worker *worker;
};

/* The workers that have failed a compile already, by serial. */
struct hg_tried {
	uint64_t serial[HG_MAX_ATTEMPTS];
	size_t n;
};

void hg_need_init(struct hg_need *need, const struct hg_wire_compile *compile);
void hg_need_release(struct hg_need *need);

double hg_scheduler_score(const struct hg_weights *weights,
    const struct hg_worker *w, const struct hg_need *need);
/* Prefers workers that are not in tried. */
struct hg_pick hg_scheduler_pick(const struct hg_scheduler *s,
    const struct hg_registry *r, const struct hg_need *need,
    const struct hg_tried *tried, uint64_t now_ns);
/*
 * Has any worker a slot that may be used now? Else, *ret_wake_ns is the time at
 * which one may get one without a call ending (its breaker or its pause is
 * over), or 0. To be asked before many picks.
 */
bool hg_scheduler_any_free(
    const struct hg_registry *r, uint64_t now_ns, uint64_t *ret_wake_ns);
/* For the results that say that there is no worker for it: the status, ... */
enum hg_rpc_status hg_pick_status(
    enum hg_pick_result result, const struct hg_need *need);
/* ... and a sentence. */
void hg_pick_explain(enum hg_pick_result result, const struct hg_need *need,
    struct hg_strbuf *out);

#endif
