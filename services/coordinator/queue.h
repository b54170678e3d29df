/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The compiles that wait for a slot, oldest first. Bounded in number and in
 * bytes of their requests. Items are embedded in what waits, which is the
 * caller's.
 */
#ifndef HG_COORDINATOR_QUEUE_H
#define HG_COORDINATOR_QUEUE_H

#include <stdbool.h>
#include <stddef.h>

struct hg_error;

struct hg_queue_item {
	struct hg_queue_item *prev;
	struct hg_queue_item *next;
	size_t bytes;
	bool queued;
};

struct hg_queue {
	struct hg_queue_item *first;
	struct hg_queue_item *last;
	size_t n;
	size_t bytes;
	size_t max_n;
	size_t max_bytes;
};

void hg_queue_init(struct hg_queue *q, size_t max_n, size_t max_bytes);
/* Puts a new one at the end; 0, or -HG_EXHAUSTED when there is no room. */
int hg_queue_push(struct hg_queue *q, struct hg_queue_item *item, size_t bytes,
    struct hg_error *err);
/*
 * Puts one back at the front that had left for an attempt. It was admitted
 * before, so the bounds do not refuse it.
 */
void hg_queue_put_back(
    struct hg_queue *q, struct hg_queue_item *item, size_t bytes);
/* Takes it out, wherever it is; does nothing when it is not queued. */
void hg_queue_remove(struct hg_queue *q, struct hg_queue_item *item);

#endif
