/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Doing one Compile request, from its checks to its results. Blocking; one
 * executor serves all slots' threads.
 */
#ifndef HG_WORKER_EXECUTOR_H
#define HG_WORKER_EXECUTOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "services/worker/cgroup.h"

struct hg_capability;
struct hg_docker_options;
struct hg_error;
struct hg_executor;
struct hg_outcome;
struct hg_wire_compile;

struct hg_executor_options {
	/* where job folders are made */
	const char *work_dir;
	/* where contents are kept, and how much of them; 0: no limit */
	const char *store_dir;
	uint64_t store_bytes;
	/* where hg-sandbox and hg-observe.so are; NULL: where they belong */
	const char *helper_dir;
	/* where compilers that are asked for by name are looked for */
	const char *path_list;
	const struct hg_capability *capability;
	/* NULL: compiles are never done in containers */
	const struct hg_docker_options *docker;
	uint64_t max_source_bytes;
	uint64_t max_message_bytes;
	/* of one compile */
	uint64_t timeout_ns;
	/* of one compile; 0: no limit */
	struct hg_cgroup_limits max;
	/* its files: in memory and no more than that; 0: on disk, no limit */
	uint64_t max_disk_bytes;
	/* of its processes each; 0: no limit */
	uint64_t max_cpu_ns;
	uint64_t max_file_bytes;
	/* of its standard output and error each */
	uint64_t max_output_bytes;
	/* sandboxes kept ready */
	size_t spares;
};

/*
 * options and what it points to must outlive it. It tries at once whether
 * sandboxes can be made, and logs if not.
 */
struct hg_executor *hg_executor_new(
    const struct hg_executor_options *options, struct hg_error *err);
void hg_executor_free(struct hg_executor *x);

/* "" or why sandboxes cannot be made here; owned by x. */
const char *hg_executor_no_sandbox(const struct hg_executor *x);

/* Could compiles be done in containers, when it was last tried? Any thread. */
bool hg_executor_has_docker(struct hg_executor *x);

/*
 * Fills ret, which was initialised. cancel_fd becomes readable when the caller
 * has gone; left_ns is the time it will wait.
 */
void hg_executor_run(struct hg_executor *x,
    const struct hg_wire_compile *request, int cancel_fd, uint64_t left_ns,
    struct hg_outcome *ret);

#endif
