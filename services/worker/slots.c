/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Threads that run jobs. A compile is a blocking affair (unpack, run, collect),
 * so each slot is a thread. The queue is bounded: what does not fit is better
 * refused at once and done elsewhere than kept waiting here.
 */
#include "config.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

#include "lib/base/alloc.h"
#include "lib/base/error.h"
#include "services/worker/slots.h"

struct item {
	struct item *next;
	void (*fn)(void *arg);
	void *arg;
};

struct hg_slots {
	pthread_t *thread;
	size_t n_threads;
	size_t queue_limit;

	/* covers all below */
	pthread_mutex_t lock;
	pthread_cond_t wake;
	struct item *first;
	struct item **last;
	size_t waiting;
	size_t running;
	bool stopping;
};

static struct item *
take_first(struct hg_slots *s)
{
	struct item *i = s->first;

	s->first = i->next;
	if (!s->first)
		s->last = &s->first;
	s->waiting--;
	return i;
}

static void *
run_slot(void *arg)
{
	struct hg_slots *s = arg;

	pthread_mutex_lock(&s->lock);
	for (;;) {
		struct item *i;

		while (!s->first && !s->stopping)
			pthread_cond_wait(&s->wake, &s->lock);
		if (!s->first)
			break;
		i = take_first(s);
		s->running++;
		pthread_mutex_unlock(&s->lock);
		i->fn(i->arg);
		free(i);
		pthread_mutex_lock(&s->lock);
		s->running--;
	}
	pthread_mutex_unlock(&s->lock);
	return NULL;
}

struct hg_slots *
hg_slots_new(size_t threads, size_t queue_limit, struct hg_error *err)
{
	struct hg_slots *s = hg_xcalloc(1, sizeof(*s));

	s->thread = hg_xcalloc(threads, sizeof(*s->thread));
	s->queue_limit = queue_limit;
	s->last = &s->first;
	pthread_mutex_init(&s->lock, NULL);
	pthread_cond_init(&s->wake, NULL);
	for (; s->n_threads < threads; s->n_threads++) {
		int e = pthread_create(
		    &s->thread[s->n_threads], NULL, run_slot, s);

		if (e == 0)
			continue;
		errno = e;
		hg_fail_errno(err, HG_EXHAUSTED, "cannot start thread %zu",
		    s->n_threads + 1);
		hg_slots_free(s);
		return NULL;
	}
	return s;
}

void
hg_slots_free(struct hg_slots *s)
{
	if (!s)
		return;
	pthread_mutex_lock(&s->lock);
	s->stopping = true;
	pthread_cond_broadcast(&s->wake);
	pthread_mutex_unlock(&s->lock);
	for (size_t i = 0; i < s->n_threads; i++)
		pthread_join(s->thread[i], NULL);
	pthread_cond_destroy(&s->wake);
	pthread_mutex_destroy(&s->lock);
	free(s->thread);
	free(s);
}

int
hg_slots_submit(struct hg_slots *s, void (*fn)(void *arg), void *arg,
    struct hg_error *err)
{
	struct item *i = hg_xcalloc(1, sizeof(*i));
	bool full;

	i->fn = fn;
	i->arg = arg;
	pthread_mutex_lock(&s->lock);
	/* idle threads take from the queue, so they add to its room */
	full = s->waiting + s->running >= s->n_threads + s->queue_limit;
	if (!full) {
		*s->last = i;
		s->last = &i->next;
		s->waiting++;
		pthread_cond_signal(&s->wake);
	}
	pthread_mutex_unlock(&s->lock);
	if (!full)
		return 0;
	free(i);
	return hg_fail(err, HG_EXHAUSTED,
	    "all %zu slots are busy and %zu compiles wait", s->n_threads,
	    s->queue_limit);
}

bool
hg_slots_withdraw(struct hg_slots *s, const void *arg)
{
	struct item *found = NULL;

	pthread_mutex_lock(&s->lock);
	for (struct item **at = &s->first; *at; at = &(*at)->next) {
		if ((*at)->arg != arg)
			continue;
		found = *at;
		*at = found->next;
		if (s->last == &found->next)
			s->last = at;
		s->waiting--;
		break;
	}
	pthread_mutex_unlock(&s->lock);
	free(found);
	return found != NULL;
}

void
hg_slots_count(struct hg_slots *s, struct hg_slots_count *ret)
{
	pthread_mutex_lock(&s->lock);
	ret->threads = s->n_threads;
	ret->running = s->running;
	ret->waiting = s->waiting;
	pthread_mutex_unlock(&s->lock);
}
