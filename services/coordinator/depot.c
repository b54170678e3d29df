/* SPDX-License-Identifier: Apache-2.0 */
/* A queue of tasks, a thread that does them, and answers posted to the loop. */
#include "config.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/alloc.h"
#include "lib/base/error.h"
#include "lib/base/hmap.h"
#include "lib/base/strbuf.h"
#include "lib/blob/blobs.h"
#include "lib/blob/bundle.h"
#include "lib/rpc/rpc.h"
#include "lib/wire/wire.h"
#include "services/coordinator/depot.h"

/* Lists that were found complete, and need not be looked through again. */
#define MAX_COMPLETE 100000

struct task {
	struct task *next;
	struct hg_depot *depot;
	/* a bundle to store, or NULL; borrowed */
	const void *p;
	size_t n;
	/* else what to bundle; owned */
	struct hg_content_id *ids;
	size_t n_ids;
	hg_depot_fn done;
	void *arg;

	struct hg_strbuf bundle;
	struct hg_error err;
	int rc;
};

struct hg_depot {
	struct hg_rpc_loop *loop;
	struct hg_blobs *blobs;
	/* of the loop's thread */
	struct hg_hmap complete;

	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	/* under the lock */
	struct task *first;
	struct task **last;
	bool is_closing;
};

/* ---- the thread ----------------------------------------------------------- */

/* On the loop's thread. */
static void
answer(void *arg)
{
	struct task *t = arg;

	t->done(t->arg, &t->bundle, t->rc ? &t->err : NULL);
	hg_strbuf_release(&t->bundle);
	free(t->ids);
	free(t);
}

static void
do_task(struct task *t)
{
	struct hg_blobs *blobs = t->depot->blobs;

	if (t->ids)
		t->rc = hg_bundle_make(
		    blobs, t->ids, t->n_ids, &t->bundle, &t->err);
	else
		t->rc = hg_bundle_store(blobs, t->p, t->n, &t->err);
	hg_rpc_loop_post(t->depot->loop, answer, t);
}

/* Waits for one; NULL when there is none and will be none. */
static struct task *
take_task(struct hg_depot *d)
{
	struct task *t;

	pthread_mutex_lock(&d->lock);
	while (!d->first && !d->is_closing)
		pthread_cond_wait(&d->wake, &d->lock);
	t = d->first;
	if (t)
		d->first = t->next;
	if (!d->first)
		d->last = &d->first;
	pthread_mutex_unlock(&d->lock);
	return t;
}

static void *
work(void *arg)
{
	struct task *t;

	while ((t = take_task(arg)))
		do_task(t);
	return NULL;
}

static struct task *
new_task(struct hg_depot *d, hg_depot_fn done, void *arg)
{
	struct task *t = hg_xcalloc(1, sizeof(*t));

	t->depot = d;
	t->done = done;
	t->arg = arg;
	hg_strbuf_init(&t->bundle);
	return t;
}

static void
submit(struct hg_depot *d, struct task *t)
{
	pthread_mutex_lock(&d->lock);
	*d->last = t;
	d->last = &t->next;
	pthread_cond_signal(&d->wake);
	pthread_mutex_unlock(&d->lock);
}

/* ---- the depot ------------------------------------------------------------ */

struct hg_depot *
hg_depot_new(struct hg_rpc_loop *loop, const char *dir, uint64_t max_bytes,
    struct hg_error *err)
{
	struct hg_depot *d = hg_xcalloc(1, sizeof(*d));
	int e;

	d->loop = loop;
	d->last = &d->first;
	d->blobs = hg_blobs_open(dir, max_bytes, err);
	if (!d->blobs)
		goto fail;
	pthread_mutex_init(&d->lock, NULL);
	pthread_cond_init(&d->wake, NULL);
	e = pthread_create(&d->thread, NULL, work, d);
	if (e == 0)
		return d;
	errno = e;
	hg_fail_errno(err, HG_EXHAUSTED, "cannot start a thread");
	hg_blobs_close(d->blobs);
fail:
	free(d);
	return NULL;
}

void
hg_depot_free(struct hg_depot *d)
{
	if (!d)
		return;
	pthread_mutex_lock(&d->lock);
	d->is_closing = true;
	pthread_cond_signal(&d->wake);
	pthread_mutex_unlock(&d->lock);
	pthread_join(d->thread, NULL);
	pthread_cond_destroy(&d->wake);
	pthread_mutex_destroy(&d->lock);
	hg_blobs_close(d->blobs);
	hg_hmap_release(&d->complete, NULL);
	free(d);
}

void
hg_depot_store(struct hg_depot *d, const void *p, size_t n, hg_depot_fn done,
    void *arg)
{
	struct task *t = new_task(d, done, arg);

	t->p = p;
	t->n = n;
	submit(d, t);
}

void
hg_depot_bundle(struct hg_depot *d, const struct hg_content_id *ids, size_t n,
    hg_depot_fn done, void *arg)
{
	struct task *t = new_task(d, done, arg);

	t->ids = hg_xmalloc((n + 1) * sizeof(*ids));
	memcpy(t->ids, ids, n * sizeof(*ids));
	t->n_ids = n;
	submit(d, t);
}

/* ---- what is missing ------------------------------------------------------ */

static void
look_through(struct hg_depot *d, const struct hg_wire_input_list *list,
    struct hg_strbuf *missing)
{
	for (size_t i = 0; i < list->n_inputs; i++) {
		const struct hg_content_id *id = &list->inputs[i].id;

		if (hg_content_id_is_set(id) && !hg_blobs_has(d->blobs, id))
			hg_strbuf_add(missing, id->b, sizeof(id->b));
	}
}

static void
note_complete(struct hg_depot *d, const char *hex)
{
	if (d->complete.n >= MAX_COMPLETE) {
		hg_hmap_release(&d->complete, NULL);
		d->complete = (struct hg_hmap)HG_HMAP_INIT;
	}
	hg_hmap_set(&d->complete, hex, d);
}

int
hg_depot_missing(struct hg_depot *d, const struct hg_content_id *id,
    struct hg_strbuf *missing, struct hg_error *err)
{
	struct hg_strbuf packed = HG_STRBUF_INIT;
	struct hg_wire_input_list *list = NULL;
	char hex[HG_CONTENT_ID_HEX_BYTES];
	int rc;

	hg_content_id_hex(id, hex);
	if (hg_hmap_get(&d->complete, hex))
		return 0;
	rc = hg_blobs_get(d->blobs, id, &packed, err);
	if (rc == -HG_NOTFOUND) {
		hg_strbuf_add(missing, id->b, sizeof(id->b));
		rc = 0;
	} else if (rc == 0) {
		list = hg_wire_input_list_unpack(packed.buf, packed.len, err);
		rc = list ? 0 : -(int)err->code;
	}
	if (list)
		look_through(d, list, missing);
	if (list && missing->len == 0)
		note_complete(d, hex);
	hg_wire_input_list_free(list);
	hg_strbuf_release(&packed);
	return rc;
}

struct hg_wire_input_list *
hg_depot_list(struct hg_depot *d, const struct hg_content_id *id)
{
	struct hg_strbuf packed = HG_STRBUF_INIT;
	struct hg_wire_input_list *list = NULL;

	if (hg_blobs_get(d->blobs, id, &packed, NULL) == 0)
		list = hg_wire_input_list_unpack(packed.buf, packed.len, NULL);
	hg_strbuf_release(&packed);
	return list;
}
