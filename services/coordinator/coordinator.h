/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The coordinator: everything that one process knows, tied together. All of it
 * belongs to the thread that runs the loop; there are no locks.
 */
#ifndef HG_COORDINATOR_COORDINATOR_H
#define HG_COORDINATOR_COORDINATOR_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/hmap.h"
#include "lib/rpc/rpc.h"
#include "services/coordinator/cache.h"
#include "services/coordinator/queue.h"
#include "services/coordinator/random.h"
#include "services/coordinator/registry.h"
#include "services/coordinator/scheduler.h"
#include "services/coordinator/settings.h"

/* What workers are told to do, and the time after which we look for the dead.
 */
#define HG_HEARTBEAT_SECONDS 10
#define HG_TICK_NS           (1 * HG_NS_PER_SEC)

struct hg_depot;
struct hg_deps;
struct hg_error;
struct hg_job;

/* Since the start; each compile that was asked for ends in one of these. */
struct hg_coord_counters {
	/* compiles asked for, well-formed */
	uint64_t asked;
	/* answered: by a worker's success, by its compile error, by our cache
	 */
	uint64_t succeeded;
	uint64_t failed;
	uint64_t cached;
	/* refused or given up with a status that is not OK */
	uint64_t refused;
	/* the caller went away */
	uint64_t cancelled;
	/* of those asked for: waited for an equal one under way */
	uint64_t joined;
	/* calls to workers beyond each compile's first */
	uint64_t retries;
};

struct hg_coord {
	const struct hg_coord_settings *settings;
	struct hg_rpc_loop *loop;
	struct hg_rpc_server *server;
	int port;
	char epoch[24];
	uint64_t started_ns;

	struct hg_registry registry;
	/* workers that left while calls of theirs were under way */
	struct hg_worker **leaving;
	size_t n_leaving;
	struct hg_random random;
	struct hg_scheduler scheduler;

	/* every compile under way, newest first; the joinable ones by digest */
	struct hg_job *jobs;
	struct hg_hmap joinable;
	struct hg_queue queue;
	struct hg_result_cache *cache;
	/* what the results in the cache came from */
	struct hg_deps *deps;
	struct hg_depot *depot;
	uint64_t last_task;
	/* calls to workers under way, those of compiles given up included, and
	 * requests that are with the depot */
	size_t calls;
	struct hg_coord_counters counters;

	struct hg_rpc_timer *tick;
	struct hg_rpc_timer *wake;
	struct hg_rpc_timer *drain_timer;
	bool draining;
	bool stopping;
};

/*
 * Serves from now on, once hg_coord_run() is called. settings must outlive it.
 * NULL and err when the address cannot be served on.
 */
struct hg_coord *hg_coord_new(
    const struct hg_coord_settings *settings, struct hg_error *err);
/* Returns when the coordinator has been drained. */
void hg_coord_run(struct hg_coord *c);
/*
 * Any thread: no more compiles are accepted, those at workers may end within
 * drain_ns; a second time: at once.
 */
void hg_coord_drain(struct hg_coord *c);
void hg_coord_free(struct hg_coord *c);

/* ---- for the parts of the coordinator ---------------------------------- */

/* Gives waiting compiles to workers that have become free. */
void hg_coord_dispatch(struct hg_coord *c);
/*
 * The same when workers may have come or gone: looks at each waiting compile,
 * and refuses those for which there is no worker any more.
 */
void hg_coord_dispatch_all(struct hg_coord *c);
/* A call to a worker has ended, and all that follows from it is done. */
void hg_coord_call_ended(struct hg_coord *c);
/*
 * Takes a worker out. Its calls under way are cancelled, and their compiles go
 * elsewhere, unless let_finish.
 */
void hg_coord_drop_worker(struct hg_coord *c, struct hg_worker *w,
    const char *reason, bool let_finish);
/* A worker finishes what it has, and is dropped then; or is back. */
void hg_coord_set_draining(
    struct hg_coord *c, struct hg_worker *w, bool draining);
/* Drops the workers that were not heard of for too long, or are drained. */
void hg_coord_expire(struct hg_coord *c);
/* Frees the workers that have left and whose calls have ended. */
void hg_coord_dispose(struct hg_coord *c);
void hg_coord_disconnect_all(struct hg_coord *c);
/* (Re)makes the connection to the worker's address. 0 or an error. */
int hg_coord_connect(
    struct hg_coord *c, struct hg_worker *w, struct hg_error *err);

#endif
