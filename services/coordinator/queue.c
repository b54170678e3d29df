/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The queue of waiting compiles: a doubly linked list, so that a compile whose
 * caller went away leaves it at once.
 */
#include "config.h"

#include <stddef.h>

#include "lib/base/error.h"
#include "services/coordinator/queue.h"

void
hg_queue_init(struct hg_queue *q, size_t max_n, size_t max_bytes)
{
	*q = (struct hg_queue){ .max_n = max_n, .max_bytes = max_bytes };
}

static void
link_between(struct hg_queue *q, struct hg_queue_item *prev,
    struct hg_queue_item *item, struct hg_queue_item *next)
{
	item->prev = prev;
	item->next = next;
	if (prev)
		prev->next = item;
	else
		q->first = item;
	if (next)
		next->prev = item;
	else
		q->last = item;
	item->queued = true;
	q->n++;
	q->bytes += item->bytes;
}

int
hg_queue_push(struct hg_queue *q, struct hg_queue_item *item, size_t bytes,
    struct hg_error *err)
{
	if (q->n >= q->max_n)
		return hg_fail(err, HG_EXHAUSTED,
		    "all workers are busy and %zu compiles wait already", q->n);
	if (bytes > q->max_bytes || q->bytes > q->max_bytes - bytes)
		return hg_fail(err, HG_EXHAUSTED,
		    "all workers are busy and the compiles that wait take "
		    "%zu bytes already",
		    q->bytes);
	item->bytes = bytes;
	link_between(q, q->last, item, NULL);
	return 0;
}

void
hg_queue_put_back(struct hg_queue *q, struct hg_queue_item *item, size_t bytes)
{
	item->bytes = bytes;
	link_between(q, NULL, item, q->first);
}

void
hg_queue_remove(struct hg_queue *q, struct hg_queue_item *item)
{
	if (!item->queued)
		return;
	if (item->prev)
		item->prev->next = item->next;
	else
		q->first = item->next;
	if (item->next)
		item->next->prev = item->prev;
	else
		q->last = item->prev;
	item->prev = NULL;
	item->next = NULL;
	item->queued = false;
	q->n--;
	q->bytes -= item->bytes;
}
