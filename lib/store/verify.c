/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Verification, folder by folder: what the manifests of one lead to stands in it
 * as well. Entries that go meanwhile are no damage.
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/alloc.h"
#include "lib/base/error.h"
#include "lib/base/fd.h"
#include "lib/base/strbuf.h"
#include "lib/store/cache.h"
#include "lib/store/folder.h"
#include "lib/store/inspect.h"
#include "lib/store/result.h"
#include "lib/store/sig.h"
#include "lib/store/verify.h"

/* A manifest is published that long after its result at most. */
static const int64_t PUBLISH_NS = INT64_C(3600) * 1000000000;

struct verify {
	struct hg_cache *cache;
	const struct hg_verify_rule *rule;
	struct hg_verify_report *report;
	/* what this folder's manifests lead to, in the order of keys */
	struct hg_digest *led;
	size_t n_led;
};

static int
by_key(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct hg_digest));
}

static int
check_manifest(
    struct verify *v, const struct hg_digest *key, struct hg_error *err)
{
	int fd = hg_cache_open(v->cache, key, HG_ENTRY_MANIFEST);
	struct hg_manifest m;
	int rc;

	if (fd < 0)
		return hg_fail_errno(
		    err, errno == ENOENT ? HG_NOTFOUND : HG_IO, "cannot open");
	rc = hg_manifest_load(fd, key, &m, err);
	v->led = hg_xrealloc(
	    v->led, (v->n_led + m.n_sets + 1) * sizeof(*v->led));
	for (size_t i = 0; i < m.n_sets; i++)
		v->led[v->n_led++] = m.sets[i].result;
	hg_manifest_release(&m);
	hg_fd_close(&fd);
	return rc;
}

static int
check_result(
    struct hg_cache *c, const struct hg_digest *key, struct hg_error *err)
{
	struct hg_result_reader *r = hg_result_open(c, key, err);
	struct hg_strbuf content = HG_STRBUF_INIT;
	int rc = 0;

	if (!r)
		return -(int)err->code;
	for (size_t i = 0; rc == 0 && i < hg_result_head(r)->n_outputs; i++) {
		hg_strbuf_reset(&content);
		rc = hg_result_read(r, i, &content, err);
	}
	hg_strbuf_release(&content);
	hg_result_close(r);
	return rc;
}

static void
drop(struct verify *v, const struct hg_folder_file *f)
{
	bool is_result = strcmp(f->ending, HG_ENTRY_RESULT) == 0;

	if (!v->rule->removes)
		return;
	if (is_result ? hg_result_remove(v->cache, &f->key)
		      : hg_cache_remove(v->cache, &f->key, f->ending))
		v->report->removed++;
}

/* rc: what was found when the entry was checked. True: it is fine. */
static bool
note(struct verify *v, const struct hg_folder_file *f, int rc,
    const struct hg_error *err)
{
	if (rc == -HG_NOTFOUND)
		return false;
	v->report->files++;
	v->report->bytes += (uint64_t)f->bytes;
	if (rc == 0)
		return true;
	v->rule->on_damage(v->rule->arg, &f->key, f->ending, err->text);
	if (rc == -HG_IO) {
		v->report->unreadable++;
	} else {
		v->report->damaged++;
		drop(v, f);
	}
	return false;
}

static bool
is_led_to(const struct verify *v, const struct hg_digest *result)
{
	return v->n_led > 0 &&
	    bsearch(result, v->led, v->n_led, sizeof(*v->led), by_key);
}

static void
check_results(struct verify *v, const struct hg_folder_list *l)
{
	int64_t before = hg_sig_now() - PUBLISH_NS;

	for (size_t i = 0; i < l->n; i++) {
		const struct hg_folder_file *f = &l->v[i];
		struct hg_error err = { .text = "" };

		if (strcmp(f->ending, HG_ENTRY_RESULT) != 0)
			continue;
		if (!note(v, f, check_result(v->cache, &f->key, &err), &err) ||
		    f->used_ns > before || is_led_to(v, &f->key))
			continue;
		v->report->unreferenced++;
		drop(v, f);
	}
}

/* 0: it is there, whatever it holds: that is its result's matter. */
static int
check_link(
    struct hg_cache *c, const struct hg_digest *key, struct hg_error *err)
{
	int fd = hg_cache_open(c, key, HG_ENTRY_LINK);

	if (fd < 0)
		return hg_fail_errno(
		    err, errno == ENOENT ? HG_NOTFOUND : HG_IO, "cannot open");
	hg_fd_close(&fd);
	return 0;
}

static bool
has_linked(struct hg_cache *c, const struct hg_digest *key)
{
	struct hg_result_reader *r = hg_result_open(c, key, NULL);
	bool has = false;

	for (size_t i = 0; r && i < hg_result_head(r)->n_outputs; i++)
		has |= hg_result_head(r)->outputs[i].linked;
	hg_result_close(r);
	return has;
}

/* After the results, with which theirs go. */
static void
check_links(struct verify *v, const struct hg_folder_list *l)
{
	int64_t before = hg_sig_now() - PUBLISH_NS;

	for (size_t i = 0; i < l->n; i++) {
		const struct hg_folder_file *f = &l->v[i];
		struct hg_error err = { .text = "" };

		if (strcmp(f->ending, HG_ENTRY_LINK) != 0 ||
		    !note(v, f, check_link(v->cache, &f->key, &err), &err) ||
		    f->used_ns > before || has_linked(v->cache, &f->key))
			continue;
		v->report->unreferenced++;
		drop(v, f);
	}
}

static bool
is_known(const char *ending)
{
	return strcmp(ending, HG_ENTRY_MANIFEST) == 0 ||
	    strcmp(ending, HG_ENTRY_RESULT) == 0 ||
	    strcmp(ending, HG_ENTRY_LINK) == 0;
}

static void
check_folder(struct verify *v, const struct hg_folder_list *l)
{
	v->n_led = 0;
	for (size_t i = 0; i < l->n; i++) {
		const struct hg_folder_file *f = &l->v[i];
		struct hg_error err = { .text = "" };

		if (strcmp(f->ending, HG_ENTRY_MANIFEST) == 0)
			note(v, f, check_manifest(v, &f->key, &err), &err);
		else if (!is_known(f->ending))
			v->report->strays++;
	}
	if (v->n_led > 0)
		qsort(v->led, v->n_led, sizeof(*v->led), by_key);
	check_results(v, l);
	check_links(v, l);
}

int
hg_verify(struct hg_cache *c, const struct hg_verify_rule *rule,
    struct hg_verify_report *ret, struct hg_error *err)
{
	struct verify v = { .cache = c, .rule = rule, .report = ret };
	int rc = 0;

	memset(ret, 0, sizeof(*ret));
	for (unsigned i = 0; i < HG_FANOUT; i++) {
		struct hg_folder_list l = HG_FOLDER_LIST_INIT;
		int one = hg_folder_read(c, i, &l, rc ? NULL : err);

		rc = rc ? rc : one;
		check_folder(&v, &l);
		ret->strays += l.strays;
		ret->corrected += l.corrected;
		ret->off.files += l.off.files;
		ret->off.bytes += l.off.bytes;
		hg_folder_list_release(&l);
	}
	free(v.led);
	return rc;
}
