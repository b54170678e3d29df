/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Eviction. Folders are listed in batches of some thousand files: at least one
 * folder, at most all 256 (then the order of use is exact, not a sample's). The
 * listing alone tells what belongs together, as the keys of all that was made of
 * one source begin alike.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lib/base/alloc.h"
#include "lib/base/error.h"
#include "lib/base/fd.h"
#include "lib/base/strbuf.h"
#include "lib/base/time.h"
#include "lib/store/cache.h"
#include "lib/store/evict.h"
#include "lib/store/folder.h"
#include "lib/store/inspect.h"
#include "lib/store/manifest_head.h"
#include "lib/store/sig.h"
#include "lib/store/usage.h"

enum {
	/* a batch is full when it has so many files */
	BATCH_FILES = 4096,
	/* of a batch that is a part of the cache, at most 1/n goes at once */
	BATCH_SHARE = 8,
	/* a cache is taken down to 1/n below its limit */
	SLACK_SHARE = 10,
	DAY_S = 24 * 3600,
	/* manifests' heads are shorter, but for very long namespaces */
	HEAD_BYTES = 4096,
};

static const int64_t NS_PER_S = 1000000000;
/* A result may stand there that long before the manifest that leads to it. */
static const int64_t PUBLISH_NS = INT64_C(3600) * 1000000000;

/* A manifest, or a result: all the files of one key. */
struct unit {
	const struct hg_folder_file *file;
	size_t n_files;
	int64_t bytes;
	int64_t used_ns;
	struct group *group;
	bool is_manifest;
	/* leads nowhere, or is never found */
	bool is_useless;
	/* of the namespace that is asked for */
	bool is_meant;
};

/* All that is of one source. */
struct group {
	size_t manifests;
	size_t results;
	bool had_results;
};

struct batch {
	struct hg_folder_list list;
	unsigned folders;
	struct unit *units;
	size_t n_units;
	struct group *groups;
	int64_t bytes;
};

/* What is to go from a batch. */
struct demand {
	/* used before that */
	int64_t before_ns;
	const char *namespace;
	int64_t bytes;
	int64_t files;
};

/* ---- what belongs together --------------------------------------------- */

static int
by_key(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct hg_digest));
}

static int
by_use(const void *va, const void *vb)
{
	const struct unit *a = va, *b = vb;

	if (a->is_useless != b->is_useless)
		return a->is_useless ? -1 : 1;
	if (a->used_ns != b->used_ns)
		return a->used_ns < b->used_ns ? -1 : 1;
	return a->is_manifest - b->is_manifest;
}

/* The unit that begins at file i, of the group. */
static void
take_unit(struct batch *b, size_t i, struct group *group)
{
	const struct hg_folder_file *f = &b->list.v[i];
	struct unit *u = &b->units[b->n_units++];
	int64_t linked_ns = 0;

	*u = (struct unit){ .file = f, .group = group };
	for (; i < b->list.n; i++, f++) {
		if (u->n_files > 0 && by_key(u->file, f) != 0)
			break;
		u->n_files++;
		u->bytes += f->bytes;
		/* a link's time is whatever trees make it */
		if (strcmp(f->ending, HG_ENTRY_LINK) == 0)
			linked_ns = f->used_ns;
		else if (f->used_ns > u->used_ns)
			u->used_ns = f->used_ns;
		u->is_manifest |= strcmp(f->ending, HG_ENTRY_MANIFEST) == 0;
	}
	/* its result is about to be published, or is gone */
	if (u->used_ns == 0)
		u->used_ns = linked_ns;
	b->bytes += u->bytes;
	if (u->is_manifest) {
		group->manifests++;
		return;
	}
	group->results++;
	group->had_results = true;
}

static void
judge(struct unit *u, int64_t now)
{
	const struct group *g = u->group;

	if (g->manifests == 0 || g->results == 0)
		u->is_useless = u->used_ns < now - PUBLISH_NS;
}

/* From files to units and groups, in the order of their keys. */
static void
group_files(struct batch *b)
{
	struct group *group = NULL;
	int64_t now = hg_sig_now();

	if (b->list.n == 0)
		return;
	qsort(b->list.v, b->list.n, sizeof(*b->list.v), by_key);
	b->units = hg_xcalloc(b->list.n, sizeof(*b->units));
	b->groups = hg_xcalloc(b->list.n, sizeof(*b->groups));
	for (size_t i = 0; i < b->list.n;) {
		const struct hg_folder_file *f = &b->list.v[i];

		if (i == 0 || memcmp(f[-1].key.b, f->key.b, HG_PAIR_BYTES) != 0)
			group = group ? group + 1 : b->groups;
		take_unit(b, i, group);
		i += b->units[b->n_units - 1].n_files;
	}
	for (size_t i = 0; i < b->n_units; i++)
		judge(&b->units[i], now);
}

static void
batch_release(struct batch *b)
{
	hg_folder_list_release(&b->list);
	free(b->units);
	free(b->groups);
}

/*
 * Lists the folders from `first` on, until the batch is full. Returns the first
 * error; a folder that cannot be listed does not keep us from the others.
 */
static int
read_batch(struct hg_cache *c, unsigned first, unsigned most, struct batch *b,
    struct hg_error *err)
{
	int rc = 0;

	*b = (struct batch){ .list = HG_FOLDER_LIST_INIT };
	while (b->folders < most && b->list.n < BATCH_FILES) {
		unsigned folder = (first + b->folders++) % HG_FANOUT;
		int one = hg_folder_read(c, folder, &b->list, rc ? NULL : err);

		rc = rc ? rc : one;
	}
	group_files(b);
	return rc;
}

/* ---- namespaces -------------------------------------------------------- */

static bool
is_in_namespace(
    struct hg_cache *c, const struct hg_digest *key, const char *namespace)
{
	struct hg_strbuf head = HG_STRBUF_INIT;
	int fd = hg_cache_open(c, key, HG_ENTRY_MANIFEST);
	const struct hg_manifest_head *h = NULL;

	if (fd < 0)
		return false;
	/* too much to read is fine: the head comes first */
	(void)hg_read_fd(fd, HEAD_BYTES + strlen(namespace), &head, NULL);
	hg_fd_close(&fd);
	h = hg_manifest_head_view(head.buf, head.len, key);
	if (h && strcmp(hg_manifest_head_namespace(h), namespace) == 0) {
		hg_strbuf_release(&head);
		return true;
	}
	hg_strbuf_release(&head);
	return false;
}

static int
by_unit_key(const void *key, const void *unit)
{
	return by_key(key, ((const struct unit *)unit)->file);
}

/* Marks the manifest and the results that it leads to. */
static void
mark_meant(struct hg_cache *c, struct batch *b, struct unit *manifest)
{
	const struct hg_digest *key = &manifest->file->key;
	int fd = hg_cache_open(c, key, HG_ENTRY_MANIFEST);
	struct hg_manifest m;

	manifest->is_meant = true;
	if (fd < 0)
		return;
	/* what is damaged leads nowhere, but the rest of it does */
	(void)hg_manifest_load(fd, key, &m, NULL);
	for (size_t i = 0; i < m.n_sets; i++) {
		struct unit *u = bsearch(&m.sets[i].result, b->units,
		    b->n_units, sizeof(*u), by_unit_key);

		if (u)
			u->is_meant = true;
	}
	hg_manifest_release(&m);
	hg_fd_close(&fd);
}

/* Units are still in the order of their keys. */
static void
find_meant(struct hg_cache *c, struct batch *b, const char *namespace)
{
	for (size_t i = 0; i < b->n_units; i++) {
		struct unit *u = &b->units[i];

		if (u->is_manifest &&
		    is_in_namespace(c, &u->file->key, namespace))
			mark_meant(c, b, u);
	}
}

/* ---- removing ---------------------------------------------------------- */

static bool
must_go(const struct unit *u, const struct demand *d)
{
	if (u->is_useless || d->bytes > 0 || d->files > 0)
		return true;
	/* its last result has just gone */
	if (u->is_manifest && u->group->results == 0 && u->group->had_results)
		return true;
	return u->used_ns < d->before_ns &&
	    (!d->namespace || u->is_meant);
}

static void
remove_unit(struct hg_cache *c, const struct unit *u, struct demand *d,
    struct hg_evict_result *ret)
{
	for (size_t i = 0; i < u->n_files; i++) {
		const struct hg_folder_file *f = &u->file[i];

		if (!hg_cache_remove(c, &f->key, f->ending))
			continue;
		ret->files++;
		ret->bytes += (uint64_t)f->bytes;
	}
	/* gone, whoever did it */
	d->bytes -= u->bytes;
	d->files -= (int64_t)u->n_files;
	if (!u->is_manifest)
		u->group->results--;
}

/* Removes what must go, the least recently used first. */
static void
clean_batch(struct hg_cache *c, struct batch *b, struct demand *d,
    struct hg_evict_result *ret)
{
	if (d->namespace)
		find_meant(c, b, d->namespace);
	if (b->n_units > 0)
		qsort(b->units, b->n_units, sizeof(*b->units), by_use);
	for (size_t i = 0; i < b->n_units; i++)
		if (must_go(&b->units[i], d))
			remove_unit(c, &b->units[i], d, ret);
}

/* 0: at any time, even one that lies ahead. */
static int64_t
used_before(uint64_t older_than_s)
{
	int64_t now = hg_sig_now();

	if (older_than_s == 0)
		return INT64_MAX;
	return older_than_s < (uint64_t)(now / NS_PER_S)
	    ? now - (int64_t)older_than_s * NS_PER_S
	    : 0;
}

/* ---- a little now and then --------------------------------------------- */

static bool
is_beyond(int64_t n, uint64_t max)
{
	return max > 0 && n > 0 && (uint64_t)n > max;
}

bool
hg_evict_is_due(struct hg_cache *c, const struct hg_evict_limits *l)
{
	struct hg_usage *u = hg_cache_usage(c, NULL);
	struct hg_usage_count now;

	if (!u)
		return false;
	now = hg_usage_total(u);
	return is_beyond(now.bytes, l->max_bytes) ||
	    is_beyond(now.files, l->max_files) ||
	    hg_usage_due(u) <= (int64_t)time(NULL);
}

/*
 * How much beyond is n? Once it is beyond the limit it is taken well below, so
 * that not every publication has to clean: the less so the more a batch costs.
 */
static int64_t
excess(int64_t n, uint64_t max, unsigned folders, bool *over)
{
	int64_t limit = (int64_t)(max < INT64_MAX ? max : INT64_MAX);
	int64_t slack = limit / (2 * HG_FANOUT) * folders;

	if (max == 0)
		return 0;
	*over |= n > limit;
	if (slack > limit / SLACK_SHARE)
		slack = limit / SLACK_SHARE;
	return *over && n > limit - slack ? n - (limit - slack) : 0;
}

/* A sample's oldest are not the cache's: better some of each sample. */
static int64_t
share(int64_t wanted, int64_t present, const struct batch *b)
{
	int64_t most = present / BATCH_SHARE + 1;

	return b->folders < HG_FANOUT && wanted > most ? most : wanted;
}

struct over {
	bool bytes;
	bool files;
};

static void
plan_batch(const struct hg_evict_limits *l, const struct hg_usage *u,
    const struct batch *b, struct over *over, struct demand *d)
{
	struct hg_usage_count now = hg_usage_total(u);

	d->bytes = share(
	    excess(now.bytes, l->max_bytes, b->folders, &over->bytes),
	    b->bytes, b);
	d->files = share(
	    excess(now.files, l->max_files, b->folders, &over->files),
	    (int64_t)b->list.n, b);
}

/* All folders get their turn within a day, or sooner when ages matter. */
static void
set_due(struct hg_usage *u, const struct hg_evict_limits *l, unsigned folders)
{
	uint64_t round_s = DAY_S, wait_s;

	if (l->max_age_s > 0 && l->max_age_s / 8 < round_s)
		round_s = l->max_age_s / 8;
	wait_s = round_s * folders / HG_FANOUT;
	hg_usage_set_due(
	    u, (int64_t)time(NULL) + (int64_t)(wait_s > 0 ? wait_s : 1));
}

uint64_t
hg_evict_some(
    struct hg_cache *c, const struct hg_evict_limits *l, uint64_t deadline)
{
	struct hg_usage *u = hg_cache_usage(c, NULL);
	struct hg_evict_result removed = { 0, 0 };
	struct over over = { false, false };
	bool more = u != NULL, never_done = u && hg_usage_due(u) == 0;
	unsigned folders = 0;

	while (more && folders < HG_FANOUT && hg_now_ns() < deadline) {
		struct demand d = { .before_ns = 0 };
		struct batch b;

		(void)read_batch(
		    c, hg_usage_turn(u, 0), HG_FANOUT - folders, &b, NULL);
		if (l->max_age_s > 0)
			d.before_ns = used_before(l->max_age_s);
		plan_batch(l, u, &b, &over, &d);
		clean_batch(c, &b, &d, &removed);
		hg_usage_turn(u, b.folders);
		folders += b.folders;
		plan_batch(l, u, &b, &over, &d);
		more = d.bytes > 0 || d.files > 0 || never_done;
		batch_release(&b);
	}
	if (u)
		set_due(u, l, folders);
	return removed.files;
}

/* ---- all at once ------------------------------------------------------- */

/* The batch's part of what is beyond the limit, given the whole's size. */
static int64_t
part_beyond(int64_t part, int64_t whole, uint64_t max)
{
	int64_t beyond;

	if (!is_beyond(whole, max))
		return 0;
	beyond = whole - (int64_t)max;
	if (part >= whole)
		return beyond;
	/* rounded up, that all parts together are not too small */
	return (int64_t)((double)beyond / (double)whole * (double)part) + 1;
}

/* Puts all counts right. */
static int
count_all(struct hg_cache *c, struct hg_error *err)
{
	int rc = 0;

	for (unsigned i = 0; rc == 0 && i < HG_FANOUT; i++) {
		struct hg_folder_list l = HG_FOLDER_LIST_INIT;

		rc = hg_folder_read(c, i, &l, err);
		hg_folder_list_release(&l);
	}
	return rc;
}

int
hg_evict_all(struct hg_cache *c, const struct hg_evict_rule *rule,
    struct hg_evict_result *ret, struct hg_error *err)
{
	struct hg_usage *u = hg_cache_usage(c, err);
	struct hg_usage_count whole;
	unsigned folders = 0;
	int rc = u ? 0 : -HG_IO;

	*ret = (struct hg_evict_result){ 0, 0 };
	if (rc == 0 && (rule->max_bytes > 0 || rule->max_files > 0))
		rc = count_all(c, err);
	if (rc)
		return rc;
	whole = hg_usage_total(u);
	while (folders < HG_FANOUT) {
		struct demand d = { .namespace = rule->namespace };
		struct batch b;
		int one = read_batch(c, folders, HG_FANOUT - folders, &b,
		    rc ? NULL : err);

		rc = rc ? rc : one;
		if (rule->by_age)
			d.before_ns = used_before(rule->older_than_s);
		d.bytes = part_beyond(b.bytes, whole.bytes, rule->max_bytes);
		d.files = part_beyond(
		    (int64_t)b.list.n, whole.files, rule->max_files);
		clean_batch(c, &b, &d, ret);
		folders += b.folders;
		batch_release(&b);
	}
	return rc;
}
