/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The pool of warm containers. Starting one takes a quarter of a second and a
 * compile in it half a millisecond, so they are kept, by image and folders. A
 * thread of its own looks whether the engine is there, has it remove what is of
 * no use any more, and cleans up after workers that died while it was away.
 */
#include "config.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lib/base/alloc.h"
#include "lib/base/error.h"
#include "lib/base/log.h"
#include "lib/base/strvec.h"
#include "lib/base/time.h"
#include "lib/config/hg_config.h"
#include "services/worker/docker.h"
#include "services/worker/docker_images.h"
#include "services/worker/engine.h"

/* How often the engine is asked whether it is there. */
#define LOOK_EVERY_S 5

struct hg_docker {
	const struct hg_docker_options *options;
	char *runner;
	char *observer;
	char *work_dir;
	pthread_t thread;
	bool has_thread;

	/* covers all below */
	pthread_mutex_t lock;
	pthread_cond_t wake;
	struct hg_engine engine;
	bool available;
	bool stopping;
	/* used last comes first */
	struct hg_container *idle;
	uint64_t n_idle;
	/* ids that the engine is to remove */
	struct hg_strvec doomed;
};

/* ---- settings ---------------------------------------------------------- */

static bool
limits_are_sound(const struct hg_config *cfg, struct hg_error *err)
{
	if (cfg->docker_pids < 16)
		hg_fail(err, HG_INVALID, "docker.pids is below 16");
	else if (cfg->docker_memory < (UINT64_C(64) << 20) ||
	    cfg->docker_memory > INT64_MAX)
		hg_fail(err, HG_INVALID, "docker.memory is below 64 MiB");
	else if (cfg->docker_tmpfs < (UINT64_C(1) << 20) ||
	    cfg->docker_tmpfs > INT64_MAX)
		hg_fail(err, HG_INVALID, "docker.tmpfs is below 1 MiB");
	else if (!(cfg->docker_cpus >= 0 && cfg->docker_cpus <= 1024))
		hg_fail(err, HG_INVALID, "docker.cpus is not from 0 to 1024");
	else if (cfg->docker_recycle < 0 || cfg->docker_max_idle < 0)
		hg_fail(err, HG_INVALID,
		    "docker.recycle and docker.max_idle cannot be negative");
	else
		return true;
	return false;
}

bool
hg_docker_options_read(const struct hg_config *cfg,
    struct hg_docker_options *ret, struct hg_error *err)
{
	const char *how = cfg->worker_executor;

	if (strcmp(how, "native") == 0)
		return false;
	if (strcmp(how, "docker") != 0 && strcmp(how, "auto") != 0) {
		hg_fail(err, HG_INVALID,
		    "worker.executor %.40s is none of native, docker, auto",
		    how);
		return false;
	}
	if (hg_docker_images_check(cfg->docker_images, err) ||
	    !limits_are_sound(cfg, err))
		return false;
	*ret = (struct hg_docker_options){
		.socket = cfg->docker_socket,
		.images = cfg->docker_images,
		.always = strcmp(how, "docker") == 0,
		.limits = {
			.memory_bytes = cfg->docker_memory,
			.tmpfs_bytes = cfg->docker_tmpfs,
			.pids = cfg->docker_pids,
			.cpus = cfg->docker_cpus,
		},
		.recycle = (uint64_t)cfg->docker_recycle,
		.max_idle = (uint64_t)cfg->docker_max_idle,
	};
	return true;
}

/* ---- the engine -------------------------------------------------------- */

/* Notes what an attempt to reach it gave; engine is NULL when it failed. */
static bool
note_engine(struct hg_docker *d, const struct hg_engine *engine,
    const struct hg_error *err)
{
	bool before;

	pthread_mutex_lock(&d->lock);
	before = d->available;
	d->available = engine != NULL;
	if (engine)
		d->engine = *engine;
	pthread_mutex_unlock(&d->lock);
	if (engine && !before)
		hg_log(HG_LOG_NOTICE, "Docker is available",
		    "socket=%s api=%s", engine->socket, engine->version);
	else if (!engine && before)
		hg_log(HG_LOG_WARNING, "Docker is not available any more",
		    "reason=\"%s\"", err->text);
	return before;
}

/* Asks it; *ret_new tells that it was not there the last time. */
static int
look(struct hg_docker *d, bool *ret_new, struct hg_error *err)
{
	struct hg_engine engine;
	int rc = hg_engine_probe(d->options->socket, &engine, err);

	*ret_new = !note_engine(d, rc ? NULL : &engine, err) && rc == 0;
	return rc;
}

static void
remove_all(struct hg_docker *d, const struct hg_strvec *ids)
{
	struct hg_engine engine;

	pthread_mutex_lock(&d->lock);
	engine = d->engine;
	pthread_mutex_unlock(&d->lock);
	/* most have removed themselves; what cannot be removed ends unlisted */
	for (size_t i = 0; i < ids->n; i++)
		hg_engine_remove(&engine, ids->v[i], NULL);
}

/* Those of workers that died together with the engine. */
static void
remove_dead(struct hg_docker *d)
{
	struct hg_strvec ids = HG_STRVEC_INIT;
	struct hg_error err;
	struct hg_engine engine;

	pthread_mutex_lock(&d->lock);
	engine = d->engine;
	pthread_mutex_unlock(&d->lock);
	if (hg_engine_list_dead(&engine, &ids, &err))
		hg_log(HG_LOG_WARNING, "old containers cannot be looked for",
		    "reason=\"%s\"", err.text);
	else if (ids.n > 0)
		hg_log(HG_LOG_NOTICE, "removing old containers", "n=%zu",
		    ids.n);
	remove_all(d, &ids);
	hg_strvec_release(&ids);
}

/* Waits its time or until there is something to do; false at the end. */
static bool
wait_for_work(struct hg_docker *d, struct hg_strvec *ret_doomed)
{
	struct timespec until;
	int e = 0;
	bool stopping;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += LOOK_EVERY_S;
	pthread_mutex_lock(&d->lock);
	while (e == 0 && !d->stopping && d->doomed.n == 0)
		e = pthread_cond_timedwait(&d->wake, &d->lock, &until);
	*ret_doomed = d->doomed;
	hg_strvec_init(&d->doomed);
	stopping = d->stopping;
	pthread_mutex_unlock(&d->lock);
	return !stopping;
}

static void *
look_after_engine(void *arg)
{
	struct hg_docker *d = arg;
	struct hg_strvec doomed = HG_STRVEC_INIT;
	bool is_new = hg_docker_is_available(d);

	do {
		struct hg_error err;

		if (is_new)
			remove_dead(d);
		hg_strvec_release(&doomed);
		if (!wait_for_work(d, &doomed))
			break;
		if (look(d, &is_new, &err) == 0)
			remove_all(d, &doomed);
	} while (true);
	hg_strvec_release(&doomed);
	return NULL;
}

/* ---- life -------------------------------------------------------------- */

static void
init_lock(struct hg_docker *d)
{
	pthread_condattr_t attr;

	pthread_mutex_init(&d->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&d->wake, &attr);
	pthread_condattr_destroy(&attr);
}

struct hg_docker *
hg_docker_new(const struct hg_docker_options *options, const char *runner,
    const char *observer, const char *work_dir, struct hg_error *err)
{
	struct hg_docker *d = hg_xcalloc(1, sizeof(*d));
	struct hg_error why;
	bool is_new;
	int e;

	d->options = options;
	d->runner = hg_xstrdup(runner);
	d->observer = hg_xstrdup(observer);
	d->work_dir = hg_xstrdup(work_dir);
	init_lock(d);
	if (look(d, &is_new, &why) && options->always)
		hg_log(HG_LOG_WARNING,
		    "there is no Docker engine; compiles are refused until "
		    "there is",
		    "reason=\"%s\"", why.text);
	e = pthread_create(&d->thread, NULL, look_after_engine, d);
	d->has_thread = e == 0;
	if (d->has_thread)
		return d;
	errno = e;
	hg_fail_errno(err, HG_EXHAUSTED, "cannot start a thread");
	hg_docker_free(d);
	return NULL;
}

void
hg_docker_free(struct hg_docker *d)
{
	struct hg_container *next;

	if (!d)
		return;
	pthread_mutex_lock(&d->lock);
	d->stopping = true;
	pthread_cond_signal(&d->wake);
	pthread_mutex_unlock(&d->lock);
	if (d->has_thread)
		pthread_join(d->thread, NULL);
	for (struct hg_container *c = d->idle; c; c = next) {
		next = c->next;
		hg_container_free(c);
	}
	hg_strvec_release(&d->doomed);
	pthread_cond_destroy(&d->wake);
	pthread_mutex_destroy(&d->lock);
	free(d->runner);
	free(d->observer);
	free(d->work_dir);
	free(d);
}

bool
hg_docker_is_available(struct hg_docker *d)
{
	bool available;

	if (!d)
		return false;
	pthread_mutex_lock(&d->lock);
	available = d->available;
	pthread_mutex_unlock(&d->lock);
	return available;
}

/* ---- containers -------------------------------------------------------- */

/* It ends by our hanging up; the engine is told too, should that not do. */
static void
retire(struct hg_docker *d, struct hg_container *c)
{
	pthread_mutex_lock(&d->lock);
	hg_strvec_add(&d->doomed, c->id);
	pthread_cond_signal(&d->wake);
	pthread_mutex_unlock(&d->lock);
	hg_container_free(c);
}

static bool
is_alike(const struct hg_container *c, const char *image,
    const struct hg_strvec *areas)
{
	if (strcmp(c->image, image) != 0 || c->areas.n != areas->n)
		return false;
	for (size_t i = 0; i < areas->n; i++)
		if (strcmp(c->areas.v[i], areas->v[i]) != 0)
			return false;
	return true;
}

static struct hg_container *
take_idle(struct hg_docker *d, const char *image, const struct hg_strvec *areas)
{
	struct hg_container **at, *c;

	pthread_mutex_lock(&d->lock);
	for (at = &d->idle; *at; at = &(*at)->next)
		if (is_alike(*at, image, areas))
			break;
	c = *at;
	if (c) {
		*at = c->next;
		c->next = NULL;
		d->n_idle--;
	}
	pthread_mutex_unlock(&d->lock);
	return c;
}

static struct hg_container *
start_new(struct hg_docker *d, const char *image, const struct hg_strvec *areas,
    struct hg_error *err)
{
	const struct hg_container_spec spec = {
		.image = image,
		.areas = areas,
		.limits = &d->options->limits,
		.runner = d->runner,
		.observer = d->observer,
		.work_dir = d->work_dir,
	};
	uint64_t started = hg_now_ns();
	struct hg_engine engine;
	struct hg_container *c;
	bool is_new;

	if (!hg_docker_is_available(d) && look(d, &is_new, err))
		return NULL;
	pthread_mutex_lock(&d->lock);
	engine = d->engine;
	pthread_mutex_unlock(&d->lock);
	c = hg_container_new(&engine, &spec, err);
	if (c)
		hg_log(HG_LOG_INFO, "container started",
		    "image=%s id=%.12s ms=%llu", image, c->id,
		    (unsigned long long)((hg_now_ns() - started) /
			HG_NS_PER_MS));
	else if (err->code == HG_UNAVAILABLE || err->code == HG_TIMEOUT)
		note_engine(d, NULL, err);
	return c;
}

struct hg_container *
hg_docker_lend(struct hg_docker *d, const char *image,
    const struct hg_strvec *areas, struct hg_error *err)
{
	struct hg_container *c;

	while ((c = take_idle(d, image, areas))) {
		if (hg_container_is_alive(c))
			return c;
		retire(d, c);
	}
	return start_new(d, image, areas, err);
}

/* Adds one that is idle; the one that is too many by it, or NULL. */
static struct hg_container *
keep(struct hg_docker *d, struct hg_container *c)
{
	struct hg_container **at, *surplus = NULL;

	pthread_mutex_lock(&d->lock);
	c->next = d->idle;
	d->idle = c;
	if (++d->n_idle > d->options->max_idle) {
		for (at = &d->idle; (*at)->next; at = &(*at)->next)
			;
		surplus = *at;
		*at = NULL;
		d->n_idle--;
	}
	pthread_mutex_unlock(&d->lock);
	return surplus;
}

void
hg_docker_take_back(struct hg_docker *d, struct hg_container *c)
{
	uint64_t recycle = d->options->recycle;

	if (!c->broken && !(recycle > 0 && c->compiles >= recycle) &&
	    hg_container_empty(c, NULL) == 0)
		c = keep(d, c);
	if (c)
		retire(d, c);
}
