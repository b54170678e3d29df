/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The counters. The file has room for more reasons and statistics than there
 * are, each at a place of its own (by a hash of its name, so that versions that
 * know other ones agree), and is mapped shared: adding is one atomic
 * instruction.
 */
#include "config.h"

#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>

#include "lib/base/alloc.h"
#include "lib/store/mapped.h"
#include "lib/store/stats.h"

#define STATS_MAGIC UINT64_C(0x3174617473676801)

enum { FILE_BYTES = 4096, N_CELLS = FILE_BYTES / 16 };

/* A counter and whose it is. */
struct cell {
	_Atomic uint64_t name;
	_Atomic uint64_t value;
};

struct hg_stats_file {
	struct cell *cells;
};

static const char *const stat_names[HG_STAT_COUNT] = {
	[HG_STAT_COMPILE_US] = "compile_us",
	[HG_STAT_SAVED_US] = "saved_us",
	[HG_STAT_EVICTED] = "evicted",
	[HG_STAT_DAMAGED] = "damaged",
};

const char *
hg_stat_name(enum hg_stat s)
{
	return stat_names[s];
}

struct hg_stats_file *
hg_stats_open(const char *dir, struct hg_error *err)
{
	void *p = hg_mapped_open(dir, "stats", FILE_BYTES, NULL, err);
	struct hg_stats_file *f;

	if (!p)
		return NULL;
	f = hg_xmalloc(sizeof(*f));
	f->cells = p;
	return f;
}

void
hg_stats_close(struct hg_stats_file *f)
{
	if (!f)
		return;
	hg_mapped_close(f->cells, FILE_BYTES);
	free(f);
}

static uint64_t
name_hash(const char *name)
{
	uint64_t h = STATS_MAGIC;

	for (; *name; name++)
		h = (h ^ (unsigned char)*name) * UINT64_C(1099511628211);
	return h ? h : 1;
}

/* The cell of name, claimed when it is new; NULL when all are taken. */
static struct cell *
find_cell(const struct hg_stats_file *f, const char *name)
{
	uint64_t want = name_hash(name);

	for (size_t i = 0; i < N_CELLS; i++) {
		struct cell *c = &f->cells[(want + i) % N_CELLS];
		uint64_t free_cell = 0;

		if (atomic_load(&c->name) == want ||
		    atomic_compare_exchange_strong(&c->name, &free_cell, want) ||
		    free_cell == want)
			return c;
	}
	return NULL;
}

static void
add(struct hg_stats_file *f, const char *name, uint64_t delta)
{
	struct cell *c = f ? find_cell(f, name) : NULL;

	if (c)
		atomic_fetch_add(&c->value, delta);
}

static uint64_t
value_of(const struct hg_stats_file *f, const char *name)
{
	const struct cell *c = find_cell(f, name);

	return c ? atomic_load(&c->value) : 0;
}

void
hg_stats_count(struct hg_stats_file *f, enum hg_reason r)
{
	add(f, hg_reason_name(r), 1);
}

void
hg_stats_add(struct hg_stats_file *f, enum hg_stat s, int64_t delta)
{
	add(f, stat_names[s], (uint64_t)delta);
}

void
hg_stats_read(const struct hg_stats_file *f, struct hg_stats *ret)
{
	for (int i = 0; i < HG_REASON_COUNT; i++)
		ret->reason[i] = value_of(f, hg_reason_name((enum hg_reason)i));
	for (int i = 0; i < HG_STAT_COUNT; i++)
		ret->stat[i] = value_of(f, stat_names[i]);
}

static void
set_zero(struct hg_stats_file *f, const char *name)
{
	struct cell *c = find_cell(f, name);

	if (c)
		atomic_store(&c->value, 0);
}

void
hg_stats_reset(struct hg_stats_file *f)
{
	for (int i = 0; i < HG_REASON_COUNT; i++)
		set_zero(f, hg_reason_name((enum hg_reason)i));
	for (int i = 0; i < HG_STAT_COUNT; i++)
		set_zero(f, stat_names[i]);
}
