/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A set of numbers, each made of a content's id and of the coordinators' names:
 * two that are the same are a wrong belief, which costs little and hardly ever
 * comes. Asked for each of hundreds of headers of each compile. Full, it starts
 * anew.
 */
#include "config.h"

#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/alloc.h"
#include "lib/digest/content_id.h"
#include "services/agent/known.h"

#define MAX_KNOWN 400000

/* Powers of two, at least twice what they hold. */
#define FIRST_SLOTS 4096

struct hg_known {
	pthread_mutex_t lock;
	/* 0: free */
	uint64_t *slots;
	size_t n_slots;
	size_t n;
};

struct hg_known *
hg_known_new(void)
{
	struct hg_known *k = hg_xcalloc(1, sizeof(*k));

	pthread_mutex_init(&k->lock, NULL);
	k->n_slots = FIRST_SLOTS;
	k->slots = hg_xcalloc(k->n_slots, sizeof(*k->slots));
	return k;
}

void
hg_known_free(struct hg_known *k)
{
	if (!k)
		return;
	free(k->slots);
	pthread_mutex_destroy(&k->lock);
	free(k);
}

/* Never 0. The id is random enough; FNV-1a spreads the names. */
static uint64_t
mark_of(const char *coordinators, const struct hg_content_id *id)
{
	uint64_t names = 14695981039346656037u, mark;

	for (const char *p = coordinators; *p; p++)
		names = (names ^ (unsigned char)*p) * 1099511628211u;
	memcpy(&mark, id->b, sizeof(mark));
	mark ^= names;
	return mark ? mark : 1;
}

/* Where it is, or the free place where it belongs. */
static uint64_t *
slot_of(const struct hg_known *k, uint64_t mark)
{
	size_t mask = k->n_slots - 1, i = mark & mask;

	while (k->slots[i] && k->slots[i] != mark)
		i = (i + 1) & mask;
	return &k->slots[i];
}

static void
grow(struct hg_known *k)
{
	uint64_t *old = k->slots;
	size_t n_old = k->n_slots;

	k->n_slots *= 2;
	k->slots = hg_xcalloc(k->n_slots, sizeof(*k->slots));
	for (size_t i = 0; i < n_old; i++)
		if (old[i])
			*slot_of(k, old[i]) = old[i];
	free(old);
}

bool
hg_known_has(struct hg_known *k, const char *coordinators,
    const struct hg_content_id *id)
{
	uint64_t mark = mark_of(coordinators, id);
	bool has;

	pthread_mutex_lock(&k->lock);
	has = *slot_of(k, mark) != 0;
	pthread_mutex_unlock(&k->lock);
	return has;
}

void
hg_known_add(struct hg_known *k, const char *coordinators,
    const struct hg_content_id *id)
{
	uint64_t mark = mark_of(coordinators, id), *slot;

	pthread_mutex_lock(&k->lock);
	if (k->n >= MAX_KNOWN) {
		memset(k->slots, 0, k->n_slots * sizeof(*k->slots));
		k->n = 0;
	}
	if (2 * (k->n + 1) > k->n_slots)
		grow(k);
	slot = slot_of(k, mark);
	k->n += *slot == 0;
	*slot = mark;
	pthread_mutex_unlock(&k->lock);
}
