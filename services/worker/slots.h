/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Threads that run jobs, and a short queue before them. All functions may be
 * called from any thread.
 */
#ifndef HG_WORKER_SLOTS_H
#define HG_WORKER_SLOTS_H

#include <stdbool.h>
#include <stddef.h>

struct hg_error;
struct hg_slots;

/* NULL and err when the threads cannot be started. */
struct hg_slots *hg_slots_new(
    size_t threads, size_t queue_limit, struct hg_error *err);
/* Runs what is still queued, and ends the threads. */
void hg_slots_free(struct hg_slots *s);

/*
 * fn(arg) will run on one of the threads. -HG_EXHAUSTED when all are busy and
 * the queue is full.
 */
int hg_slots_submit(struct hg_slots *s, void (*fn)(void *arg), void *arg,
    struct hg_error *err);
/* Takes arg out of the queue; false when it runs or ran. */
bool hg_slots_withdraw(struct hg_slots *s, const void *arg);

struct hg_slots_count {
	size_t threads;
	size_t running;
	size_t waiting;
};
void hg_slots_count(struct hg_slots *s, struct hg_slots_count *ret);

#endif
