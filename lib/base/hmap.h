/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A hash map from strings to pointers. Keys are copied; values are the
 * caller's. Iteration order is not defined, and the map must not be changed
 * during it, except by deleting the entry just delivered.
 */
#ifndef HG_BASE_HMAP_H
#define HG_BASE_HMAP_H

#include <stddef.h>

struct hg_hmap_entry {
	struct hg_hmap_entry *next;
	void *value;
	unsigned hash;
	char key[];
};

struct hg_hmap {
	struct hg_hmap_entry **bucket;
	size_t buckets;
	size_t n;
};

#define HG_HMAP_INIT { NULL, 0, 0 }

/* Frees keys and table; free_value (may be NULL) is called on each value. */
void hg_hmap_release(struct hg_hmap *m, void (*free_value)(void *));
void *hg_hmap_get(const struct hg_hmap *m, const char *key);
/* Sets and returns the old value, or NULL. */
void *hg_hmap_set(struct hg_hmap *m, const char *key, void *value);
/* Removes and returns the value, or NULL. */
void *hg_hmap_del(struct hg_hmap *m, const char *key);
/* Calls fn on each until it returns non-zero, and returns that. */
int hg_hmap_each(const struct hg_hmap *m,
    int (*fn)(const char *key, void *value, void *arg), void *arg);

#endif
