/* SPDX-License-Identifier: Apache-2.0 */
/* Verification, entry by entry; entries that go meanwhile are no damage. */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "lib/base/error.h"
#include "lib/base/fd.h"
#include "lib/base/strbuf.h"
#include "lib/store/cache.h"
#include "lib/store/folder.h"
#include "lib/store/inspect.h"
#include "lib/store/result.h"
#include "lib/store/verify.h"

struct verify {
	struct hg_cache *cache;
	hg_verify_fn on_damage;
	void *arg;
	struct hg_verify_report *report;
};

static int
check_manifest(
    struct hg_cache *c, const struct hg_digest *key, struct hg_error *err)
{
	int fd = hg_cache_open(c, key, HG_ENTRY_MANIFEST);
	struct hg_manifest m;
	int rc;

	if (fd < 0)
		return hg_fail_errno(
		    err, errno == ENOENT ? HG_NOTFOUND : HG_IO, "cannot open");
	rc = hg_manifest_load(fd, key, &m, err);
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
check_file(struct verify *v, const struct hg_folder_file *f)
{
	struct hg_error err = { .text = "" };
	int rc;

	if (strcmp(f->ending, HG_ENTRY_MANIFEST) == 0) {
		rc = check_manifest(v->cache, &f->key, &err);
	} else if (strcmp(f->ending, HG_ENTRY_RESULT) == 0) {
		rc = check_result(v->cache, &f->key, &err);
	} else {
		v->report->strays++;
		return;
	}
	if (rc == -HG_NOTFOUND)
		return;
	v->report->files++;
	v->report->bytes += (uint64_t)f->bytes;
	if (rc == 0)
		return;
	if (rc == -HG_IO) {
		v->report->unreadable++;
	} else {
		v->report->damaged++;
		hg_cache_remove(v->cache, &f->key, f->ending);
	}
	v->on_damage(v->arg, &f->key, f->ending, err.text);
}

int
hg_verify(struct hg_cache *c, hg_verify_fn on_damage, void *arg,
    struct hg_verify_report *ret, struct hg_error *err)
{
	struct verify v = { c, on_damage, arg, ret };
	int rc = 0;

	memset(ret, 0, sizeof(*ret));
	for (unsigned i = 0; i < HG_FANOUT; i++) {
		struct hg_folder_list l = HG_FOLDER_LIST_INIT;
		int one = hg_folder_read(c, i, &l, rc ? NULL : err);

		rc = rc ? rc : one;
		for (size_t k = 0; k < l.n; k++)
			check_file(&v, &l.v[k]);
		ret->strays += l.strays;
		ret->corrected += l.corrected;
		ret->off.files += l.off.files;
		ret->off.bytes += l.off.bytes;
		hg_folder_list_release(&l);
	}
	return rc;
}
