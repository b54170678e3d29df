/* SPDX-License-Identifier: Apache-2.0 */
/* A chained hash map from strings to pointers. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/alloc.h"
#include "lib/base/hmap.h"

static unsigned
hash_of(const char *s)
{
	unsigned h = 2166136261u;

	for (; *s; s++)
		h = (h ^ (unsigned char)*s) * 16777619u;
	return h ^ (h >> 15);
}

static struct hg_hmap_entry **
find(const struct hg_hmap *m, const char *key, unsigned hash)
{
	struct hg_hmap_entry **e = &m->bucket[hash & (m->buckets - 1)];

	while (*e && ((*e)->hash != hash || strcmp((*e)->key, key) != 0))
		e = &(*e)->next;
	return e;
}

static void
rehash(struct hg_hmap *m, size_t buckets)
{
	struct hg_hmap_entry **fresh = hg_xcalloc(buckets, sizeof(*fresh));

	for (size_t i = 0; i < m->buckets; i++) {
		struct hg_hmap_entry *e = m->bucket[i], *next;

		for (; e; e = next) {
			next = e->next;
			e->next = fresh[e->hash & (buckets - 1)];
			fresh[e->hash & (buckets - 1)] = e;
		}
	}
	free(m->bucket);
	m->bucket = fresh;
	m->buckets = buckets;
}

void
hg_hmap_release(struct hg_hmap *m, void (*free_value)(void *))
{
	for (size_t i = 0; i < m->buckets; i++) {
		struct hg_hmap_entry *e = m->bucket[i], *next;

		for (; e; e = next) {
			next = e->next;
			if (free_value)
				free_value(e->value);
			free(e);
		}
	}
	free(m->bucket);
	*m = (struct hg_hmap)HG_HMAP_INIT;
}

void *
hg_hmap_get(const struct hg_hmap *m, const char *key)
{
	struct hg_hmap_entry *e;

	if (m->n == 0)
		return NULL;
	e = *find(m, key, hash_of(key));
	return e ? e->value : NULL;
}

void *
hg_hmap_set(struct hg_hmap *m, const char *key, void *value)
{
	unsigned hash = hash_of(key);
	size_t len = strlen(key);
	struct hg_hmap_entry **slot, *e;
	void *old;

	if (m->n + 1 > m->buckets * 3 / 4)
		rehash(m, m->buckets ? m->buckets * 2 : 16);
	slot = find(m, key, hash);
	if (*slot) {
		old = (*slot)->value;
		(*slot)->value = value;
		return old;
	}
	e = hg_xmalloc(sizeof(*e) + len + 1);
	e->next = NULL;
	e->value = value;
	e->hash = hash;
	memcpy(e->key, key, len + 1);
	*slot = e;
	m->n++;
	return NULL;
}

void *
hg_hmap_del(struct hg_hmap *m, const char *key)
{
	struct hg_hmap_entry **slot, *e;
	void *value;

	if (m->n == 0)
		return NULL;
	slot = find(m, key, hash_of(key));
	e = *slot;
	if (!e)
		return NULL;
	value = e->value;
	*slot = e->next;
	free(e);
	m->n--;
	return value;
}

int
hg_hmap_each(const struct hg_hmap *m,
    int (*fn)(const char *key, void *value, void *arg), void *arg)
{
	for (size_t i = 0; i < m->buckets; i++) {
		struct hg_hmap_entry *e = m->bucket[i], *next;

		for (; e; e = next) {
			int rc;

			next = e->next;
			rc = fn(e->key, e->value, arg);
			if (rc)
				return rc;
		}
	}
	return 0;
}
