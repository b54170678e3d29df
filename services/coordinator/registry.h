/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The workers that the coordinator knows, by id: what they can do, how they do,
 * when they were last heard of. Pure bookkeeping; whoever calls workers keeps
 * the connection in the worker's channel field and takes it out again when it
 * disposes of a worker.
 *
 * A worker leaves the registry at once (gone), but its struct lives until the
 * calls that still hold it have ended: see hg_worker_is_disposable().
 */
#ifndef HG_COORDINATOR_REGISTRY_H
#define HG_COORDINATOR_REGISTRY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/strvec.h"
#include "services/coordinator/breaker.h"

struct hg_error;
struct hg_rpc_channel;
struct hg_wire_handshake;

/* Toolchains that one worker is remembered to lack. */
#define HG_MAX_LACKS 32
/* For so long a worker is not asked again for a toolchain that it lacks. */
#define HG_LACK_NS (60 * HG_NS_PER_SEC)

/* How we came to know a worker. */
enum hg_source {
	HG_SOURCE_MDNS,
	HG_SOURCE_WAN,
	HG_SOURCE_STATIC,
};

struct hg_lack {
	char *toolchain;
	uint64_t until_ns;
};

struct hg_worker {
	char *id;
	/* host:port */
	char *address;
	/* never given twice, so that it can be remembered when we are freed */
	uint64_t serial;
	enum hg_source source;

	struct hg_strvec architectures;
	struct hg_strvec compilers;
	/* of compilers: families, and architectures that names begin with */
	struct hg_strvec families;
	struct hg_strvec targets;
	int32_t cpu_cores;
	int64_t memory_bytes;
	bool docker_available;
	char *version;
	char *hostname;
	/* "" or why it makes no sandboxes */
	char *no_sandbox;
	int32_t slots;
	uint32_t protocol;

	uint64_t joined_ns;
	uint64_t seen_ns;
	uint64_t beats;
	/* what it said of itself in its last heartbeat */
	int32_t reported_active;
	double load;
	int64_t memory_free_bytes;

	/* calls of ours under way */
	int32_t active;
	/*
	 * calls that ended in an answer or in a failure of the worker's, the
	 * answers among them, those with success, and their compile times
	 */
	uint64_t total;
	uint64_t answered;
	uint64_t successful;
	uint64_t compile_ms;
	/* moving average of what a call takes beside compiling; 0: unknown */
	double latency_ms;

	struct hg_breaker breaker;
	/* it said that it is full: nothing for it before this time */
	uint64_t cool_until_ns;
	struct hg_lack lacks[HG_MAX_LACKS];
	size_t n_lacks;
	bool draining;
	bool gone;

	/* the caller's */
	struct hg_rpc_channel *channel;
};

struct hg_registry {
	/* in order of joining */
	struct hg_worker **v;
	size_t n;
	size_t cap;
	uint64_t last_serial;
	struct hg_breaker_policy policy;
	uint64_t ttl_ns;
};

/* "mdns", "wan", "static", as WorkerStatus.source has it. */
const char *hg_source_name(enum hg_source source);

void hg_registry_init(struct hg_registry *r,
    const struct hg_breaker_policy *policy, uint64_t ttl_ns);
/* Frees all workers, whose channels must be NULL. */
void hg_registry_release(struct hg_registry *r);

struct hg_worker *hg_registry_find(const struct hg_registry *r, const char *id);
/* At that address, but not of that id (which may be NULL). */
struct hg_worker *hg_registry_find_address(
    const struct hg_registry *r, const char *address, const char *except_id);

/*
 * Adds the worker, or updates the one of that id in place: new capabilities and
 * address, closed breaker, counters kept. NULL and err when there are too many
 * or a capability makes no sense.
 */
struct hg_worker *hg_registry_join(struct hg_registry *r, const char *id,
    const char *address, const struct hg_wire_handshake *hello, uint64_t now_ns,
    struct hg_error *err);
/* Takes it out and marks it gone; dispose of it when it is disposable. */
void hg_registry_leave(struct hg_registry *r, struct hg_worker *w);
/* The first worker that was not heard of for the time to live, or NULL. */
struct hg_worker *hg_registry_expired(
    const struct hg_registry *r, uint64_t now_ns);
/* Slots, and workers whose breaker is not closed, over all workers. */
int32_t hg_registry_slots(const struct hg_registry *r);
size_t hg_registry_impaired(const struct hg_registry *r, uint64_t now_ns);

bool hg_worker_is_disposable(const struct hg_worker *w);
/* channel must be NULL. */
void hg_worker_free(struct hg_worker *w);

/* A call has been answered after call_ms, compile_ms of them compiling. */
void hg_worker_count_result(
    struct hg_worker *w, bool success, int64_t call_ms, int64_t compile_ms);
/* A call has failed, and the worker is to blame. */
void hg_worker_count_failure(struct hg_worker *w);
/* Remembers that it lacks a toolchain. */
void hg_worker_add_lack(
    struct hg_worker *w, const char *toolchain, uint64_t now_ns);
/* 0, or until when it is taken to lack this one. */
uint64_t hg_worker_lacks_until(
    const struct hg_worker *w, const char *toolchain, uint64_t now_ns);

#endif
