/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Manifest files: a head, then sets one behind the other, the newest first. Read
 * whole in one call, checked set by set.
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/alloc.h"
#include "lib/base/error.h"
#include "lib/base/fd.h"
#include "lib/base/path.h"
#include "lib/base/strbuf.h"
#include "lib/store/builder.h"
#include "lib/store/cache.h"
#include "lib/store/manifest.h"
#include "lib/store/manifest_head.h"
#include "lib/store/memo.h"
#include "lib/store/set.h"

enum {
	/* a lookup that cost more than so many extra looks is written down */
	REFRESH_EFFORT = 8,
};

/* Whole files appear by rename, so one call reads all there ever will be. */
static bool
read_whole(int fd, const struct stat *st, struct hg_strbuf *out)
{
	ssize_t k;

	if (st->st_size <= 0 || st->st_size > (off_t)HG_MANIFEST_MAX_BYTES)
		return false;
	hg_strbuf_grow(out, (size_t)st->st_size);
	k = read(fd, out->buf, (size_t)st->st_size);
	if (k > 0)
		hg_strbuf_setlen(out, (size_t)k);
	return k > 0;
}

/*
 * Where the sets begin in what was read; 0 when there are none to be used.
 * *ret_used: when it was of use, as far as that was written down.
 */
static size_t
read_manifest(const struct hg_cache *c, const struct hg_digest *key,
    struct hg_strbuf *out, time_t *ret_used)
{
	const struct hg_manifest_head *head = NULL;
	int fd = hg_cache_open(c, key, HG_ENTRY_MANIFEST);
	struct stat st;

	if (fd < 0)
		return 0;
	if (fstat(fd, &st) == 0 && read_whole(fd, &st, out)) {
		head = hg_manifest_head_view(out->buf, out->len, key);
		*ret_used = st.st_mtim.tv_sec;
	}
	hg_fd_close(&fd);
	return head ? head->size : 0;
}

/* ---- checking a set ---------------------------------------------------- */

struct check {
	struct hg_memo *memo;
	int64_t now;
	/* size and mtime suffice */
	bool trusts_mtime;
	/* looks beyond the one stat of each entry */
	int effort;
	/* a signature was brought up to date */
	bool refreshed;
	/* a set that does not hold: what held before, and what did not */
	uint32_t passed;
	const char *what;
	const char *dir;
	const char *path;
	/* HG_SET_FROM and HG_SET_TO */
	const char *from;
	const char *to;
};

static bool
fails(struct check *k, const char *what, const char *dir, const char *path)
{
	k->what = what;
	k->dir = dir;
	k->path = path;
	return false;
}

static void
refresh(struct check *k, struct hg_sig *old, const struct hg_sig *new)
{
	if (!hg_sig_is_settled(new, k->now))
		return;
	*old = *new;
	k->refreshed = true;
}

static bool
content_holds(struct check *k, struct hg_set_file *f, const char *path,
    const struct stat *st)
{
	struct hg_digest d;
	struct hg_sig sig;

	k->effort++;
	hg_sig_of(st, &sig);
	if (k->trusts_mtime && f->kind != HG_SET_LISTING &&
	    sig.size == f->sig.size && sig.mtime_ns == f->sig.mtime_ns)
		return true;
	if (f->kind == HG_SET_LISTING) {
		if (!S_ISDIR(st->st_mode) || hg_set_list_folder(path, &d) < 0)
			return fails(k, "is no folder now", NULL, path);
	} else if (!S_ISREG(st->st_mode) ||
	    hg_memo_digest(k->memo, path, st, &d, NULL) != 0) {
		return fails(k, "cannot be read now", NULL, path);
	}
	if (f->kind == HG_SET_STAMPED)
		hg_set_stamp(&d, &sig);
	if (!hg_digest_equal(&d, &f->digest))
		return fails(k,
		    f->kind == HG_SET_STAMPED
			? "has other content or another time stamp"
			: "has other content",
		    NULL, path);
	refresh(k, &f->sig, &sig);
	return true;
}

static bool
is_found_by_path(const char *path)
{
	char *found = hg_path_search(hg_path_base(path), getenv("PATH"));
	bool same = found && strcmp(found, path) == 0;

	free(found);
	return same;
}

/* What is in a set without being a file. */
static bool
note_holds(struct check *k, const struct hg_set_file *f, const char *what)
{
	struct hg_digest today;

	if (f->kind == HG_SET_FROM)
		k->from = what;
	if (f->kind == HG_SET_TO)
		k->to = what;
	if (f->kind != HG_SET_DAY)
		return true;
	hg_set_today(&today);
	return hg_digest_equal(&today, &f->digest) ||
	    fails(k, "is another now", NULL, what);
}

static bool
file_holds(struct check *k, struct hg_set_file *f, const char *path)
{
	struct hg_sig sig;
	struct stat st;

	if (f->kind >= HG_SET_DAY)
		return note_holds(k, f, path);
	if (stat(path, &st) < 0)
		return fails(k, "is not there now", NULL, path);
	if (f->kind == HG_SET_EXISTS)
		return S_ISDIR(st.st_mode) ||
		    fails(k, "is no folder now", NULL, path);
	if (f->kind == HG_SET_PROGRAM && !is_found_by_path(path))
		return fails(k, "is not what PATH leads to now", NULL, path);
	hg_sig_of(&st, &sig);
	return hg_sig_equal(&sig, &f->sig) || content_holds(k, f, path, &st);
}

static bool
cannot_be_had(const char *path)
{
	struct stat st;

	return stat(path, &st) < 0 &&
	    (errno == ENOENT || errno == ENOTDIR || errno == EACCES ||
		errno == ELOOP || errno == ENAMETOOLONG);
}

static bool
is_absent(const char *dir, const char *name)
{
	char *path = hg_path_join(dir, name);
	bool absent = cannot_be_had(path);

	free(path);
	return absent;
}

static bool
folder_holds(
    struct check *k, const struct hg_set_view *v, struct hg_set_folder *f)
{
	const char *dir = v->pool + f->path;
	struct hg_sig sig;
	struct stat st;

	if (stat(dir, &st) < 0)
		return fails(k, "is no folder now", NULL, dir);
	hg_sig_of(&st, &sig);
	if (hg_sig_equal(&sig, &f->sig))
		return true;
	for (uint32_t i = 0; i < f->n_names; i++) {
		const char *name = v->pool + v->names[f->first_name + i];

		k->effort++;
		if (!is_absent(dir, name))
			return fails(k, "is there now", dir, name);
	}
	refresh(k, &f->sig, &sig);
	return true;
}

static bool
set_holds(struct check *k, struct hg_set_view *v)
{
	for (uint32_t i = 0; i < v->head->n_files; i++)
		if (!file_holds(k, &v->files[i], v->pool + v->files[i].path)) {
			k->passed = i;
			return false;
		}
	for (uint32_t i = 0; i < v->head->n_folders; i++)
		if (!folder_holds(k, v, &v->folders[i])) {
			k->passed = v->head->n_files + i;
			return false;
		}
	return true;
}

/* ---- lookup ------------------------------------------------------------ */

/* The set that came nearest to holding tells the most. */
static void
explain(const struct check *k, uint32_t *nearest, struct hg_lookup *ret)
{
	if (ret->why[0] && k->passed <= *nearest)
		return;
	*nearest = k->passed;
	if (k->dir)
		snprintf(ret->why, sizeof(ret->why), "%s/%s %s", k->dir,
		    k->path, k->what);
	else
		snprintf(
		    ret->why, sizeof(ret->why), "%s %s", k->path, k->what);
}

/* Writes the manifest again, `set` before those that begin at `first`. */
static void
write_back(struct hg_cache *c, const struct hg_digest *key,
    const struct hg_strbuf *all, size_t first, struct hg_set_head *set)
{
	size_t at = (size_t)((char *)set - all->buf);
	struct hg_piece pieces[] = {
		{ all->buf, first },
		{ set, set->size },
		{ all->buf + first, at - first },
		{ all->buf + at + set->size, all->len - at - set->size },
	};

	set->check = hg_set_check(set);
	hg_cache_publish(c, key, HG_ENTRY_MANIFEST, pieces,
	    sizeof(pieces) / sizeof(*pieces), NULL);
}

static void
fill(const struct check *k, const struct hg_set_head *head,
    struct hg_lookup *ret)
{
	ret->hit = true;
	ret->end = HG_LOOKUP_HIT;
	ret->result = head->result;
	ret->shared = head->shared;
	ret->compile_us = head->compile_us;
	if (k->from && k->to && strcmp(k->from, k->to) != 0) {
		ret->from = hg_xstrdup(k->from);
		ret->to = hg_xstrdup(k->to);
	}
}

/* Does the set hold, for these names? Else ret says why not. */
static bool
is_usable(struct check *k, struct hg_set_view *v, uint64_t names,
    uint32_t *nearest, struct hg_lookup *ret)
{
	if (v->head->names != 0 && v->head->names != names) {
		if (ret->end == HG_LOOKUP_ABSENT)
			ret->end = HG_LOOKUP_NAMES;
		return false;
	}
	if (set_holds(k, v))
		return true;
	explain(k, nearest, ret);
	ret->end = HG_LOOKUP_CHANGED;
	return false;
}

void
hg_manifest_lookup(struct hg_cache *c, const struct hg_digest *key,
    uint64_t names, struct hg_memo *memo, struct hg_lookup *ret)
{
	struct hg_strbuf all = HG_STRBUF_INIT;
	struct hg_set_view v;
	uint32_t nearest = 0;
	size_t first;

	memset(ret, 0, sizeof(*ret));
	ret->end = HG_LOOKUP_ABSENT;
	first = read_manifest(c, key, &all, &ret->used_s);
	if (first == 0)
		goto out;
	for (size_t at = first; at < all.len; at += v.head->size) {
		struct check k = { .memo = memo,
			.now = hg_sig_now(),
			.trusts_mtime = hg_cache_trusts_mtime(c) };

		if (hg_set_view(all.buf + at, all.len - at, &v) < 0)
			break;
		if (!is_usable(&k, &v, names, &nearest, ret))
			continue;
		fill(&k, v.head, ret);
		if (k.refreshed && k.effort > REFRESH_EFFORT) {
			write_back(c, key, &all, first, v.head);
			/* that made it young, but not the shared one */
			ret->used_s = 0;
		}
		break;
	}
out:
	hg_strbuf_release(&all);
}

void
hg_manifest_touch(struct hg_cache *c, const struct hg_digest *key,
    const struct hg_lookup *l)
{
	static const struct hg_digest none;

	if (!hg_cache_touch_is_due(l->used_s))
		return;
	hg_cache_touch(c, key, HG_ENTRY_MANIFEST);
	if (!hg_digest_equal(&l->shared, &none))
		hg_cache_touch(c, &l->shared, HG_ENTRY_MANIFEST);
}

void
hg_lookup_release(struct hg_lookup *l)
{
	free(l->from);
	free(l->to);
	l->from = l->to = NULL;
}

/* ---- adding ------------------------------------------------------------ */

/* Appends the older sets, which begin at `first`, that are to be kept. */
static void
keep_older(const struct hg_strbuf *old, size_t first,
    const struct hg_digest *result, uint64_t names, struct hg_strbuf *out)
{
	struct hg_set_view v;
	int kept = 1;

	for (size_t at = first; at < old->len; at += v.head->size) {
		if (hg_set_view(old->buf + at, old->len - at, &v) < 0)
			return;
		if (hg_digest_equal(&v.head->result, result) &&
		    v.head->names == names)
			continue;
		if (++kept > HG_MANIFEST_MAX_SETS)
			return;
		hg_strbuf_add(out, v.head, v.head->size);
	}
}

/* Publishes a manifest with the bytes of `set` in front of the older ones. */
static int
put_first(struct hg_cache *c, const struct hg_digest *key,
    const struct hg_strbuf *set, const struct hg_digest *result,
    uint64_t names, struct hg_error *err)
{
	struct hg_strbuf old = HG_STRBUF_INIT, out = HG_STRBUF_INIT;
	struct hg_piece piece;
	time_t used_s;
	size_t first;
	int rc;

	hg_manifest_head_add(key, hg_cache_namespace(c), &out);
	hg_strbuf_add(&out, set->buf, set->len);
	first = read_manifest(c, key, &old, &used_s);
	if (first > 0)
		keep_older(&old, first, result, names, &out);
	piece.p = out.buf;
	piece.n = out.len;
	rc = hg_cache_publish(c, key, HG_ENTRY_MANIFEST, &piece, 1, err);
	hg_strbuf_release(&old);
	hg_strbuf_release(&out);
	return rc;
}

int
hg_manifest_add(struct hg_cache *c, const struct hg_digest *key,
    struct hg_set_builder *b, const struct hg_digest *result,
    uint64_t names, uint64_t compile_us, struct hg_error *err)
{
	struct hg_strbuf out = HG_STRBUF_INIT;
	int rc;

	hg_set_pack(b, result, names, compile_us, &out);
	rc = put_first(c, key, &out, result, names, err);
	hg_strbuf_release(&out);
	return rc;
}

/* ---- portable sets ----------------------------------------------------- */

/* Puts the set, which holds here, where it is found without its root. */
static void
adopt(struct hg_cache *c, const struct hg_manifest_place *place,
    struct hg_strbuf *set)
{
	struct hg_set_head *head = (struct hg_set_head *)set->buf;
	struct hg_digest result = head->result;
	uint64_t names = head->names ? place->own_names : 0;

	head->names = names;
	head->check = hg_set_check(head);
	put_first(c, place->own_key, set, &result, names, NULL);
}

void
hg_manifest_find(struct hg_cache *c, const struct hg_digest *key,
    uint64_t names, const struct hg_manifest_place *place,
    struct hg_memo *memo, struct hg_lookup *ret)
{
	struct hg_strbuf all = HG_STRBUF_INIT, here = HG_STRBUF_INIT;
	struct hg_set_view v, w;
	uint32_t nearest = 0;
	size_t first;

	memset(ret, 0, sizeof(*ret));
	ret->end = HG_LOOKUP_ABSENT;
	first = read_manifest(c, key, &all, &ret->used_s);
	if (first == 0)
		goto out;
	for (size_t at = first; at < all.len; at += v.head->size) {
		struct check k = { .memo = memo,
			.now = hg_sig_now(),
			.trusts_mtime = hg_cache_trusts_mtime(c) };

		if (hg_set_view(all.buf + at, all.len - at, &v) < 0)
			break;
		hg_strbuf_reset(&here);
		hg_set_expand(&v, place->root, &here);
		if (hg_set_view(here.buf, here.len, &w) < 0)
			break;
		if (!is_usable(&k, &w, names, &nearest, ret))
			continue;
		fill(&k, w.head, ret);
		if (place->own_key)
			adopt(c, place, &here);
		break;
	}
out:
	hg_strbuf_release(&here);
	hg_strbuf_release(&all);
}
