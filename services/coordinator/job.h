/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One compile under way, for one or several callers that asked for the very
 * same. It waits in the queue, or for a worker's answer, or for the pause
 * before a retry to end. It frees itself with its last caller answered or gone
 * and no call under way.
 */
#ifndef HG_COORDINATOR_JOB_H
#define HG_COORDINATOR_JOB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/digest/content_id.h"
#include "lib/digest/digest.h"
#include "lib/rpc/rpc.h"
#include "services/coordinator/queue.h"
#include "services/coordinator/scheduler.h"

struct hg_coord;
struct hg_wire_compile;

enum hg_job_state {
	/* made, and not yet anywhere; or ended */
	HG_JOB_IDLE,
	HG_JOB_QUEUED,
	HG_JOB_CALLING,
	HG_JOB_PAUSED,
};

/* One caller. */
struct hg_waiter {
	struct hg_waiter *next;
	struct hg_job *job;
	struct hg_rpc_request *req;
};

/* The call to a worker; worker is NULL when there is none. */
struct hg_attempt {
	struct hg_worker *worker;
	struct hg_rpc_call *call;
	uint64_t ticket;
	uint64_t started_ns;
	uint64_t deadline_ns;
};

struct hg_job {
	/* on the coordinator's list of all */
	struct hg_job *prev;
	struct hg_job *next;
	struct hg_queue_item item;
	struct hg_coord *coord;
	uint64_t task;
	enum hg_job_state state;

	struct hg_digest digest;
	/* in the map of joinable jobs, and the result may be cached */
	bool joinable;
	struct hg_need need;
	/* for the log: the source's name, quoted */
	char *source;
	/* oldest first; all requests are the same but for bundles */
	struct hg_waiter *waiters;
	uint64_t arrived_ns;
	uint64_t deadline_ns;

	/* of the request; all zero when it names its inputs itself */
	struct hg_content_id input_list;
	struct hg_content_id toolchain_list;
	/* what the attempt's worker said last that it lacks; 0: nothing yet */
	size_t n_missing;
	/* how often it was sent something in this attempt */
	unsigned supplies;
	struct hg_attempt attempt;
	/* calls made, and those of them that count as retries */
	unsigned attempts;
	unsigned retries;
	struct hg_tried tried;
	/* ends the wait in the queue, or the pause */
	struct hg_rpc_timer *timer;
};

/* A new compile with its first caller, whose request it takes. */
struct hg_job *hg_job_new(struct hg_coord *c, struct hg_rpc_request *req,
    const struct hg_wire_compile *compile, const struct hg_digest *digest);
/* One under way whose request begins with exactly these bytes and goes on with
 * nothing but a bundle; or NULL. */
struct hg_job *hg_job_find(struct hg_coord *c, const struct hg_digest *digest,
    const void *head, size_t n);
/* A further caller, whose request it takes. */
void hg_job_join(struct hg_job *job, struct hg_rpc_request *req);

/*
 * Finds it a worker, or puts it into the queue, or refuses it. Afterwards it
 * may be freed.
 */
void hg_job_submit(struct hg_job *job);
/* Takes it out of the queue, for a call. */
void hg_job_unqueue(struct hg_job *job);
/* Calls the worker. The job must be idle. */
void hg_job_call(struct hg_job *job, struct hg_worker *w);
/* Answers all callers with an error. Afterwards it may be freed. */
void hg_job_refuse(
    struct hg_job *job, enum hg_rpc_status status, const char *message);

static inline struct hg_job *
hg_job_of_item(struct hg_queue_item *item)
{
	return (struct hg_job *)((char *)item - offsetof(struct hg_job, item));
}

#endif
