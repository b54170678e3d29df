/* SPDX-License-Identifier: Apache-2.0 */
/* Manifests for people. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/alloc.h"
#include "lib/base/error.h"
#include "lib/base/fd.h"
#include "lib/store/inspect.h"
#include "lib/store/manifest.h"
#include "lib/store/manifest_head.h"
#include "lib/store/set.h"

static const char *
kind_name(uint32_t kind)
{
	switch ((enum hg_set_kind)kind) {
	case HG_SET_FILE:
		return "file";
	case HG_SET_LISTING:
		return "listing";
	case HG_SET_EXISTS:
		return "folder";
	case HG_SET_PROGRAM:
		return "program";
	case HG_SET_STAMPED:
		return "stamped";
	case HG_SET_DAY:
		return "day";
	case HG_SET_FROM:
		return "from";
	case HG_SET_TO:
		return "to";
	}
	return "unknown";
}

/* Makes the checkouts' folder, in the beginning of paths, readable. */
static void
mark_roots(struct hg_manifest *m, const struct hg_set_view *v)
{
	char *pool = m->bytes.buf + (v->pool - m->bytes.buf);

	for (uint32_t i = 0; i < v->head->pool_bytes; i++)
		if (pool[i] == HG_SET_ROOT && (i == 0 || !pool[i - 1]))
			pool[i] = HG_MANIFEST_ROOT;
}

static void
take_set(const struct hg_set_view *v, struct hg_manifest_set *s)
{
	const struct hg_set_head *h = v->head;

	s->result = h->result;
	s->shared = h->shared;
	s->names = h->names;
	s->compile_us = h->compile_us;
	s->inputs = hg_xcalloc(h->n_files, sizeof(*s->inputs));
	for (; s->n_inputs < h->n_files; s->n_inputs++) {
		const struct hg_set_file *f = &v->files[s->n_inputs];

		s->inputs[s->n_inputs] = (struct hg_manifest_input){
			.path = v->pool + f->path,
			.kind = kind_name(f->kind),
			.digest = f->digest,
			.size = f->sig.size,
		};
	}
	for (uint32_t i = 0; i < h->n_folders; i++) {
		const struct hg_set_folder *f = &v->folders[i];

		for (uint32_t k = 0; k < f->n_names; k++)
			hg_strvec_addf(&s->missing, "%s/%s",
			    v->pool + f->path,
			    v->pool + v->names[f->first_name + k]);
	}
}

static int
take_sets(struct hg_manifest *m, size_t at, struct hg_error *err)
{
	struct hg_set_view v;

	for (; at < m->bytes.len; at += v.head->size) {
		if (hg_set_view(m->bytes.buf + at, m->bytes.len - at, &v) < 0)
			return hg_fail(err, HG_CORRUPT,
			    "set %zu of the manifest is damaged",
			    m->n_sets + 1);
		m->sets = hg_xrealloc(
		    m->sets, (m->n_sets + 1) * sizeof(*m->sets));
		memset(&m->sets[m->n_sets], 0, sizeof(*m->sets));
		mark_roots(m, &v);
		take_set(&v, &m->sets[m->n_sets++]);
	}
	if (m->n_sets == 0)
		return hg_fail(err, HG_CORRUPT, "the manifest is cut short");
	return 0;
}

int
hg_manifest_load(int fd, const struct hg_digest *key, struct hg_manifest *ret,
    struct hg_error *err)
{
	const struct hg_manifest_head *h;
	int rc;

	memset(ret, 0, sizeof(*ret));
	hg_strbuf_init(&ret->bytes);
	rc = hg_read_fd(fd, HG_MANIFEST_MAX_BYTES, &ret->bytes, err);
	if (rc)
		return rc;
	h = hg_manifest_head_view(ret->bytes.buf, ret->bytes.len, NULL);
	if (!h)
		return hg_fail(
		    err, HG_CORRUPT, "the manifest's head is damaged");
	ret->key = h->key;
	ret->namespace = hg_manifest_head_namespace(h);
	if (!hg_digest_equal(&h->key, key))
		return hg_fail(
		    err, HG_CORRUPT, "it is a copy of another manifest");
	return take_sets(ret, h->size, err);
}

void
hg_manifest_release(struct hg_manifest *m)
{
	for (size_t i = 0; i < m->n_sets; i++) {
		free(m->sets[i].inputs);
		hg_strvec_release(&m->sets[i].missing);
	}
	free(m->sets);
	hg_strbuf_release(&m->bytes);
}
