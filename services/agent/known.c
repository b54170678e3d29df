/* SPDX-License-Identifier: Apache-2.0 */
/* One table of coordinators and ids together; full, it starts anew. */
#include "config.h"

#include <pthread.h>
#include <stdlib.h>

#include "lib/base/alloc.h"
#include "lib/base/hmap.h"
#include "lib/digest/content_id.h"
#include "services/agent/known.h"

/* About 150 bytes each. */
#define MAX_KNOWN 200000

struct hg_known {
	pthread_mutex_t lock;
	struct hg_hmap table;
};

struct hg_known *
hg_known_new(void)
{
	struct hg_known *k = hg_xcalloc(1, sizeof(*k));

	pthread_mutex_init(&k->lock, NULL);
	return k;
}

void
hg_known_free(struct hg_known *k)
{
	if (!k)
		return;
	hg_hmap_release(&k->table, NULL);
	pthread_mutex_destroy(&k->lock);
	free(k);
}

static char *
name_of(const char *coordinators, const struct hg_content_id *id)
{
	char hex[HG_CONTENT_ID_HEX_BYTES];

	hg_content_id_hex(id, hex);
	return hg_xasprintf("%s %s", hex, coordinators);
}

bool
hg_known_has(struct hg_known *k, const char *coordinators,
    const struct hg_content_id *id)
{
	char *name = name_of(coordinators, id);
	bool has;

	pthread_mutex_lock(&k->lock);
	has = hg_hmap_get(&k->table, name) != NULL;
	pthread_mutex_unlock(&k->lock);
	free(name);
	return has;
}

void
hg_known_add(struct hg_known *k, const char *coordinators,
    const struct hg_content_id *id)
{
	char *name = name_of(coordinators, id);

	pthread_mutex_lock(&k->lock);
	if (k->table.n >= MAX_KNOWN) {
		hg_hmap_release(&k->table, NULL);
		k->table = (struct hg_hmap)HG_HMAP_INIT;
	}
	hg_hmap_set(&k->table, name, k);
	pthread_mutex_unlock(&k->lock);
	free(name);
}
