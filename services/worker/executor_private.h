/* SPDX-License-Identifier: Apache-2.0 */
/* What executor.c, exact.c, simple.c and docker_execute.c share. */
#ifndef HG_WORKER_EXECUTOR_PRIVATE_H
#define HG_WORKER_EXECUTOR_PRIVATE_H

#include "services/worker/cell.h"
#include "services/worker/executor.h"
#include "services/worker/jail.h"
#include "services/worker/layout.h"
#include "services/worker/outcome.h"
#include "services/worker/view.h"

/* Where source and headers of the specification's requests lie. */
#define HG_SIMPLE_FOLDER "/build"

struct hg_blobs;
struct hg_cgroups;
struct hg_container;
struct hg_digests;
struct hg_docker;
struct hg_toolchains;
struct hg_toolroot;
struct hg_toolroots;

struct hg_executor {
	const struct hg_executor_options *options;
	struct hg_toolchains *toolchains;
	struct hg_digests *memo;
	struct hg_blobs *blobs;
	struct hg_toolroots *toolroots;
	/* NULL: all is done natively */
	struct hg_docker *docker;
	/* programs of ours */
	char *sandbox;
	char *observer;
	/* "" or why sandboxes cannot be made here */
	char *no_sandbox;
	struct hg_cgroups *cgroups;
	struct hg_cells_options cells_options;
	struct hg_cells *cells;
	/* what the cells' groups do not uphold is here */
	struct hg_jail_limits limits;
};

/* One request under way. */
struct hg_execution {
	struct hg_executor *x;
	const struct hg_wire_compile *request;
	int cancel_fd;
	uint64_t timeout_ns;
	struct hg_outcome *outcome;
	/* this machine lacks the compiler: the client's own is used, ... */
	bool brings_tools;
	/* ... once that is laid out here */
	const struct hg_toolroot *tools;
	/* where it runs; where there are no sandboxes a folder instead */
	struct hg_cell *cell;
	struct hg_job_folder folder;
	struct hg_view view;
	/* in which image, and the container of it; NULL: natively */
	char *image;
	struct hg_container *container;
};

/* A request of our own clients: everything as on their machine. */
void hg_execute_exact(struct hg_execution *e);
/* A request in the bare terms of the specification. */
void hg_execute_simple(struct hg_execution *e);

/*
 * The compiler's arguments for such a request: the input and output files are
 * ours, and there is -c. ret is appended to.
 */
void hg_simple_arguments(
    const struct hg_wire_compile *request, struct hg_strvec *ret);
/* An argument that makes a compiler run other programs; NULL if there is none. */
const char *hg_simple_unsafe_argument(const struct hg_strvec *args);

/* Another worker would not be able to lay out these inputs either. */
bool hg_execution_is_clients_fault(int rc);

/*
 * After the compiler has ended: false, and the outcome set, when it did not end
 * by itself (time limit, cancelled, a signal, out of memory or disk).
 */
bool hg_execution_ended_well(struct hg_execution *e);

#endif
