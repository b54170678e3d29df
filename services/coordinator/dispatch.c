/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From the queue to the workers. The queue is looked at in order of arrival; a
 * compile for which no worker is free does not hold up those behind it that ask
 * for something else.
 */
#include "config.h"

#include "lib/base/hmap.h"
#include "lib/base/strbuf.h"
#include "lib/base/time.h"
#include "services/coordinator/coordinator.h"
#include "services/coordinator/job.h"

static void
refuse_hopeless(struct hg_job *job, enum hg_pick_result result)
{
	struct hg_strbuf text = HG_STRBUF_INIT;

	hg_pick_explain(result, &job->need, &text);
	hg_job_unqueue(job);
	hg_job_refuse(job, hg_pick_status(result, &job->need), text.buf);
	hg_strbuf_release(&text);
}

/*
 * blocked holds the needs for which all workers were busy a moment ago. A job
 * that was tried before sees other workers than the rest, and is not asked for.
 */
static void
dispatch_one(struct hg_job *job, struct hg_hmap *blocked, uint64_t now_ns)
{
	struct hg_coord *c = job->coord;
	struct hg_pick pick;

	if (job->tried.n == 0 && hg_hmap_get(blocked, job->need.name))
		return;
	pick = hg_scheduler_pick(
	    &c->scheduler, &c->registry, &job->need, &job->tried, now_ns);
	if (pick.result == HG_PICK_FOUND) {
		hg_job_unqueue(job);
		hg_job_call(job, pick.worker);
	} else if (pick.result != HG_PICK_BUSY) {
		refuse_hopeless(job, pick.result);
	} else if (job->tried.n == 0) {
		hg_hmap_set(blocked, job->need.name, job);
	}
}

static void
on_wake(void *arg)
{
	struct hg_coord *c = arg;

	c->wake = NULL;
	hg_coord_dispatch(c);
}

static void
wake_at(struct hg_coord *c, uint64_t when_ns, uint64_t now_ns)
{
	if (c->wake)
		hg_rpc_timer_stop(c->wake);
	c->wake = hg_rpc_timer_start(
	    c->loop, when_ns > now_ns ? when_ns - now_ns : 0, on_wake, c);
}

static void
scan(struct hg_coord *c, bool all)
{
	struct hg_hmap blocked = HG_HMAP_INIT;
	struct hg_queue_item *item = c->queue.first, *next;
	uint64_t now_ns = hg_now_ns(), wake_ns = 0;

	for (; item; item = next) {
		next = item->next;
		if (!all &&
		    !hg_scheduler_any_free(&c->registry, now_ns, &wake_ns))
			break;
		dispatch_one(hg_job_of_item(item), &blocked, now_ns);
	}
	if (c->queue.first && wake_ns)
		wake_at(c, wake_ns, now_ns);
	hg_hmap_release(&blocked, NULL);
}

void
hg_coord_dispatch(struct hg_coord *c)
{
	scan(c, false);
}

void
hg_coord_dispatch_all(struct hg_coord *c)
{
	scan(c, true);
}
