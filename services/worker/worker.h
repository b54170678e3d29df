/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A worker: its server, its slots, and what it tells coordinators. Everything
 * here is touched on the loop's thread only, except for the executor and the
 * slots.
 */
#ifndef HG_WORKER_WORKER_H
#define HG_WORKER_WORKER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/config/hg_config.h"
#include "services/worker/capability.h"
#include "services/worker/docker.h"
#include "services/worker/executor.h"
#include "services/worker/work_dir.h"

struct hg_error;
struct hg_registration;
struct hg_rpc_loop;
struct hg_rpc_request;
struct hg_rpc_server;
struct hg_slots;
struct hg_wire_worker;

struct hg_worker {
	const struct hg_config *cfg;
	/* as coordinators and clients see us */
	char *id;
	char *address;
	/* where we really listen */
	char *listening;
	struct hg_work_dir work_dir;
	char *store_dir;
	char *path_list;
	uint64_t started_ns;
	struct hg_capability capability;
	struct hg_docker_options docker_options;
	struct hg_executor_options executor_options;

	struct hg_rpc_loop *loop;
	struct hg_rpc_server *server;
	struct hg_slots *slots;
	struct hg_executor *executor;
	struct hg_registration **registration;
	size_t n_registrations;
	bool draining;
	/* farewells that are not yet answered; the server has ended */
	size_t farewells;
	bool has_served;

	/* compiles that ended */
	uint64_t total;
	uint64_t successful;
	uint64_t compile_ms;
};

/* Serves from now on, as soon as it is run. NULL and err when it cannot. */
struct hg_worker *hg_worker_new(
    const struct hg_config *cfg, struct hg_error *err);
/* "127.0.0.1:50052", with the real port; owned by w. */
const char *hg_worker_listening(const struct hg_worker *w);
/* Serves until it was drained. */
void hg_worker_run(struct hg_worker *w);
/*
 * Any thread: new compiles are refused, those under way are finished, then
 * hg_worker_run() returns.
 */
void hg_worker_drain(struct hg_worker *w);
void hg_worker_free(struct hg_worker *w);

/* A farewell was heard, or cannot be. */
void hg_worker_has_left(struct hg_worker *w);

/* Compiles that run or wait here. */
unsigned hg_worker_active(struct hg_worker *w);
/* What we say of ourselves; borrows from w. */
void hg_worker_describe(struct hg_worker *w, struct hg_wire_worker *ret);

/* The handlers of the gRPC methods; ctx is the worker. */
void hg_worker_rpc_handshake(void *ctx, struct hg_rpc_request *req);
void hg_worker_rpc_compile(void *ctx, struct hg_rpc_request *req);
void hg_worker_rpc_health(void *ctx, struct hg_rpc_request *req);
void hg_worker_rpc_status(void *ctx, struct hg_rpc_request *req);

#endif
