/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One lock covers tree, graph and drivers; it is held for a walk, some tenths of
 * a millisecond when nothing is new, and not while a driver is asked. Memory is
 * bounded by starting over.
 */
#include "config.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "lib/base/alloc.h"
#include "lib/base/error.h"
#include "lib/base/hmap.h"
#include "lib/base/path.h"
#include "lib/base/strbuf.h"
#include "lib/base/time.h"
#include "lib/observe/observe.h"
#include "lib/wire/agent_msg.h"
#include "services/agent/driver.h"
#include "services/agent/includes.h"
#include "services/agent/inputs.h"
#include "services/agent/request.h"
#include "services/agent/scan.h"
#include "services/agent/tree.h"

/* Answers of drivers, and commands whose scan missed something. */
#define MAX_DRIVERS  500
#define MAX_MEMORIES 20000
/* Files remembered for one of those. */
#define MAX_MISSED 200
/* A driver that did not answer is asked again after this. */
#define RETRY_NS (60 * HG_NS_PER_SEC)
/* Once when a driver must be asked, once when folders became links. */
#define MAX_TRIES 4

/* A program as it was when it answered. */
struct witness {
	struct hg_place *place;
	unsigned version;
};

struct answer {
	/* NULL: it did not answer, then */
	struct hg_driver *driver;
	uint64_t asked_ns;
	/* as many as the driver has programs */
	struct witness *witness;
};

/* What is remembered of a command after a miss. */
struct memory {
	/* how often; after the second it is as hopeless either way */
	unsigned misses;
	struct hg_strvec paths;
};

struct hg_scan {
	struct hg_search *search;
	struct hg_contents *contents;
	bool is_on;
	size_t max_bytes;
	/* taken first: one driver is asked at a time */
	pthread_mutex_t ask_lock;
	pthread_mutex_t lock;
	/* the rest under the lock */
	struct hg_tree *tree;
	struct hg_graph *graph;
	/* hg_driver_key() to struct answer */
	struct hg_hmap answers;
	/* digest of a command to struct memory */
	struct hg_hmap memories;
	atomic_ullong count[HG_SCAN_REASONS];
};

/* One search. */
struct job {
	struct hg_scan *s;
	const struct hg_agent_request *request;
	struct hg_includes includes;
	struct hg_strbuf key;
	struct hg_inputs *in;
	struct hg_place *cwd;
	const struct answer *answer;
	struct hg_graph_path path;
	/* files that were missed before */
	struct hg_strvec more;
};

const char *
hg_scan_reason_name(enum hg_scan_reason r)
{
	static const char *const names[] = {
#define HG_SCAN_REASON(name, text) #name,
#include "services/agent/scan_reasons.def"
	};

	return r < HG_SCAN_REASONS ? names[r] : "unknown";
}

unsigned long long
hg_scan_count(struct hg_scan *s, enum hg_scan_reason r)
{
	return atomic_load(&s->count[r]);
}

/* ---- life --------------------------------------------------------------- */

static void
answer_free(void *p)
{
	struct answer *a = p;

	hg_driver_free(a->driver);
	free(a->witness);
	free(a);
}

static void
memory_free(void *p)
{
	struct memory *m = p;

	hg_strvec_release(&m->paths);
	free(m);
}

/* Forgets all but the misses. */
static void
start_over(struct hg_scan *s)
{
	hg_graph_free(s->graph);
	hg_hmap_release(&s->answers, answer_free);
	hg_tree_free(s->tree);
	s->tree = hg_tree_new();
	s->graph = hg_graph_new(s->tree, s->contents);
}

struct hg_scan *
hg_scan_new(struct hg_search *search, struct hg_contents *contents, bool is_on,
    size_t max_bytes)
{
	struct hg_scan *s = hg_xcalloc(1, sizeof(*s));

	s->search = search;
	s->contents = contents;
	s->is_on = is_on;
	s->max_bytes = max_bytes;
	pthread_mutex_init(&s->ask_lock, NULL);
	pthread_mutex_init(&s->lock, NULL);
	start_over(s);
	return s;
}

void
hg_scan_free(struct hg_scan *s)
{
	if (!s)
		return;
	hg_graph_free(s->graph);
	hg_hmap_release(&s->answers, answer_free);
	hg_hmap_release(&s->memories, memory_free);
	hg_tree_free(s->tree);
	pthread_mutex_destroy(&s->lock);
	pthread_mutex_destroy(&s->ask_lock);
	free(s);
}

/* ---- drivers ------------------------------------------------------------ */

static bool
is_current(struct job *j, const struct answer *a)
{
	struct hg_tree *t = j->s->tree;
	const struct hg_driver *d = a->driver;

	if (!d)
		return hg_now_ns() - a->asked_ns < RETRY_NS;
	for (size_t i = 0; i < d->programs.n; i++) {
		struct hg_place *p =
		    hg_tree_find(t, j->cwd, d->programs.v[i], NULL);

		if (p != a->witness[i].place ||
		    (p && hg_place_version(t, p) != a->witness[i].version))
			return false;
	}
	for (size_t i = 0; i < d->missing.n; i++)
		if (hg_tree_find(t, j->cwd, d->missing.v[i], NULL))
			return false;
	return true;
}

/* The answer that holds, or NULL. Under the lock, in a round. */
static const struct answer *
get_answer(struct job *j)
{
	struct answer *a = hg_hmap_get(&j->s->answers, j->key.buf);

	if (!a || is_current(j, a))
		return a;
	/* the graph rests on what a driver said */
	if (a->driver)
		start_over(j->s);
	else
		answer_free(hg_hmap_del(&j->s->answers, j->key.buf));
	return NULL;
}

/* Takes the driver's answer, or keeps in mind that there was none. */
static void
keep_answer(struct job *j, struct hg_driver *d)
{
	struct hg_scan *s = j->s;
	struct answer *a = hg_xcalloc(1, sizeof(*a));
	size_t n = d ? d->programs.n : 0;

	if (s->answers.n >= MAX_DRIVERS)
		start_over(s);
	hg_tree_begin(s->tree);
	j->cwd = hg_tree_find(
	    s->tree, hg_tree_root(s->tree), j->request->cwd, NULL);
	a->driver = d;
	a->asked_ns = hg_now_ns();
	a->witness = hg_xcalloc(n, sizeof(*a->witness));
	for (size_t i = 0; j->cwd && i < n; i++) {
		struct hg_place *p =
		    hg_tree_find(s->tree, j->cwd, d->programs.v[i], NULL);

		a->witness[i].place = p;
		a->witness[i].version = p ? hg_place_version(s->tree, p) : 0;
	}
	/* nobody else asks meanwhile, so there is none yet */
	hg_hmap_set(&s->answers, j->key.buf, a);
}

/* True when there is something to go by, be it that it does not answer. */
static bool
ask_driver(struct job *j, uint64_t timeout_ns, int cancel_fd)
{
	struct hg_scan *s = j->s;
	struct hg_error err = { .code = HG_OK };
	struct hg_driver *d;
	bool has;

	pthread_mutex_lock(&s->ask_lock);
	pthread_mutex_lock(&s->lock);
	has = hg_hmap_get(&s->answers, j->key.buf) != NULL;
	pthread_mutex_unlock(&s->lock);
	if (!has) {
		d = hg_driver_ask(s->search, j->request, &j->includes,
		    timeout_ns, cancel_fd, &err);
		pthread_mutex_lock(&s->lock);
		/* it is not its fault when there was no time to ask it */
		has = d || (err.code != HG_CANCELLED && err.code != HG_TIMEOUT);
		if (has)
			keep_answer(j, d);
		pthread_mutex_unlock(&s->lock);
	}
	pthread_mutex_unlock(&s->ask_lock);
	return has;
}

/* ---- what else must be there -------------------------------------------- */

/* Adds a path as it is spelled, as far as it goes. */
static struct hg_place *
add_path(struct job *j, const char *path)
{
	struct hg_tree *t = j->s->tree;
	struct hg_trail trail = { .pass = NULL };
	struct hg_place *p = hg_tree_find(t, j->cwd, path, &trail);

	/* too many are noticed by the walk, which adds the most */
	for (size_t i = 0; i < trail.n_pass; i++)
		(void)!hg_tree_add(t, trail.pass[i], j->in, NULL);
	if (p)
		(void)!hg_tree_add(t, p, j->in, NULL);
	hg_trail_release(&trail);
	return p;
}

/* Folders that must exist although nothing is searched in them. */
static void
add_folders(struct job *j)
{
	const struct hg_agent_request *r = j->request;
	const struct hg_driver *d = j->answer->driver;
	const char *pwd = hg_request_env(r, "PWD");

	add_path(j, r->cwd);
	if (pwd && *pwd == '/')
		add_path(j, pwd);
	add_path(j, "/tmp");
	for (size_t i = 0; i < r->n_outputs; i++) {
		char *dir = hg_path_dir(r->outputs[i]);

		add_path(j, dir);
		free(dir);
	}
	for (size_t i = 0; i < d->base.n; i++)
		add_path(j, d->base.v[i]);
}

/* ---- the search path ---------------------------------------------------- */

struct places {
	struct hg_place **v;
	size_t n, cap;
};

static void
append(struct places *list, struct hg_place *p)
{
	if (!p || hg_place_kind(p) != HG_PLACE_FOLDER)
		return;
	if (list->n == list->cap) {
		list->cap = list->cap ? 2 * list->cap : 16;
		list->v = hg_xrealloc(
		    list->v, list->cap * sizeof(struct hg_place *));
	}
	list->v[list->n++] = p;
}

/*
 * The folders of a list of the driver's, those of the command in their places.
 * *ret_system: how many come before the system's own.
 */
static void
make_list(struct job *j, const struct hg_strvec *names, struct places *list,
    size_t *ret_user)
{
	*ret_user = 0;
	for (size_t i = 0; i < names->n; i++) {
		int kind = hg_driver_placeholder(names->v[i]);
		const struct hg_strvec *own;

		if (kind < 0) {
			append(list, add_path(j, names->v[i]));
			continue;
		}
		own = &j->includes.folder[kind];
		for (size_t k = 0; k < own->n; k++)
			append(list, add_path(j, own->v[k]));
		if (kind == HG_INCLUDE_QUOTE || kind == HG_INCLUDE_USER)
			*ret_user = list->n;
	}
}

/* Compilers pass over a folder of the user's that is also the system's. */
static void
drop_doubles(struct places *list, size_t user, const struct places *angle,
    size_t system)
{
	size_t kept = 0;

	for (size_t i = 0; i < list->n; i++) {
		bool is_double = false;

		for (size_t k = system; i < user && k < angle->n; k++)
			is_double |= angle->v[k] == list->v[i];
		if (!is_double)
			list->v[kept++] = list->v[i];
	}
	list->n = kept;
}

static void
make_path(struct job *j)
{
	const struct hg_driver *d = j->answer->driver;
	struct places quote = { .v = NULL }, angle = { .v = NULL };
	size_t user_quote, user_angle;

	make_list(j, &d->quote, &quote, &user_quote);
	make_list(j, &d->angle, &angle, &user_angle);
	drop_doubles(&quote, user_quote, &angle, user_angle);
	drop_doubles(&angle, user_angle, &angle, user_angle);
	j->path = (struct hg_graph_path){
		.quote = quote.v,
		.n_quote = quote.n,
		.angle = angle.v,
		.n_angle = angle.n,
	};
}

/* ---- the search --------------------------------------------------------- */

static enum hg_scan_reason
walk(struct job *j)
{
	struct hg_scan *s = j->s;
	const struct hg_driver *d = j->answer->driver;
	const struct hg_graph_job job = {
		.cwd = j->cwd,
		.source = j->request->source,
		.files = j->includes.files.v,
		.n_files = j->includes.files.n,
		.predef = d->has_predef ? "stdc-predef.h" : NULL,
		.defines = j->includes.defines.v,
		.n_defines = j->includes.defines.n,
		.trigraphs = j->includes.trigraphs ||
		    hg_macros_defined(&d->known, "__STRICT_ANSI__", 15) ==
			HG_TRUE,
		.more = j->more.v,
		.n_more = j->more.n,
	};
	struct hg_context *ctx;
	enum hg_scan_reason reason;

	add_folders(j);
	make_path(j);
	ctx = hg_graph_context(s->graph, &j->path, &d->known, d->known_id);
	reason = hg_graph_walk(s->graph, ctx, &job, j->in);
	free(j->path.quote);
	free(j->path.angle);
	return reason;
}

/*
 * One try, under the lock. *ret_ask: the driver is to be asked first; *ret_again:
 * what was remembered turned out to be no good, and is forgotten.
 */
static enum hg_scan_reason
try_walk(struct job *j, bool *ret_ask, bool *ret_again)
{
	struct hg_scan *s = j->s;
	enum hg_scan_reason reason;

	hg_tree_begin(s->tree);
	j->cwd = hg_tree_find(
	    s->tree, hg_tree_root(s->tree), j->request->cwd, NULL);
	if (!j->cwd)
		return HG_SCAN_unread;
	j->answer = get_answer(j);
	*ret_ask = !j->answer;
	if (!j->answer || !j->answer->driver)
		return HG_SCAN_driver;
	reason = walk(j);
	*ret_again = hg_tree_is_stale(s->tree);
	if (*ret_again)
		start_over(s);
	return reason;
}

static enum hg_scan_reason
search(struct job *j, uint64_t timeout_ns, int cancel_fd)
{
	enum hg_scan_reason reason = HG_SCAN_driver;

	pthread_mutex_lock(&j->s->lock);
	if (hg_tree_bytes(j->s->tree) + hg_graph_bytes(j->s->graph) >
	    j->s->max_bytes)
		start_over(j->s);
	pthread_mutex_unlock(&j->s->lock);
	for (int i = 0; i < MAX_TRIES; i++) {
		bool ask = false, again = false;

		pthread_mutex_lock(&j->s->lock);
		reason = try_walk(j, &ask, &again);
		pthread_mutex_unlock(&j->s->lock);
		if (!ask && !again)
			return reason;
		hg_inputs_release(j->in);
		if (ask && !ask_driver(j, timeout_ns, cancel_fd))
			return HG_SCAN_driver;
	}
	return reason == HG_SCAN_scanned ? HG_SCAN_unread : reason;
}

/* ---- misses ------------------------------------------------------------- */

static void
command_digest(
    const struct hg_agent_request *r, char ret_hex[HG_DIGEST_HEX_BYTES])
{
	struct hg_key *k = hg_key_new("hg-scan-1");
	struct hg_digest digest;

	hg_key_adds(k, "cwd", r->cwd);
	hg_key_adds(k, "source", r->source);
	hg_key_adds(k, "compiler", r->compiler);
	for (size_t i = 0; i < r->n_preprocess_args; i++)
		hg_key_adds(k, "arg", r->preprocess_args[i]);
	hg_key_done(k, &digest);
	hg_key_free(k);
	hg_digest_hex(&digest, ret_hex);
}

/* How often this command missed; what, is appended. */
static unsigned
recall(struct hg_scan *s, const struct hg_agent_request *request,
    struct hg_strvec *paths)
{
	char hex[HG_DIGEST_HEX_BYTES];
	struct memory *m = NULL;
	unsigned misses = 0;

	pthread_mutex_lock(&s->lock);
	if (s->memories.n > 0) {
		command_digest(request, hex);
		m = hg_hmap_get(&s->memories, hex);
	}
	for (size_t i = 0; m && i < m->paths.n; i++)
		hg_strvec_add(paths, m->paths.v[i]);
	if (m)
		misses = m->misses;
	pthread_mutex_unlock(&s->lock);
	return misses;
}

static bool
is_here(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0;
}

/* The files that the worker's compiler looked for, and that are here. */
static void
list_missed(const struct hg_agent_request *request,
    const struct hg_wire_result *result, struct hg_strvec *ret)
{
	for (size_t i = 0; i < result->n_observed && ret->n < MAX_MISSED; i++) {
		const struct hg_wire_observed *o = &result->observed[i];
		char *path;

		if (o->kind != HG_OBSERVED_ABSENT)
			continue;
		path = hg_path_join(request->cwd, o->path);
		if (is_here(path))
			hg_strvec_add(ret, path);
		free(path);
	}
}

/* Under the lock. */
static struct memory *
get_memory(struct hg_scan *s, const char *command)
{
	struct memory *m = hg_hmap_get(&s->memories, command);

	if (m)
		return m;
	if (s->memories.n >= MAX_MEMORIES)
		hg_hmap_release(&s->memories, memory_free);
	m = hg_xcalloc(1, sizeof(*m));
	hg_hmap_set(&s->memories, command, m);
	return m;
}

void
hg_scan_missed(struct hg_scan *s, const struct hg_agent_request *request,
    const struct hg_wire_result *result, enum hg_scan_reason found)
{
	struct hg_strvec missed = HG_STRVEC_INIT;
	char hex[HG_DIGEST_HEX_BYTES];
	struct memory *m;

	if (found == HG_SCAN_off)
		return;
	list_missed(request, result, &missed);
	if (missed.n > 0) {
		command_digest(request, hex);
		pthread_mutex_lock(&s->lock);
		m = get_memory(s, hex);
		m->misses++;
		for (size_t i = 0; i < missed.n && m->paths.n < MAX_MISSED; i++)
			if (hg_strvec_find(&m->paths, missed.v[i]) < 0)
				hg_strvec_add(&m->paths, missed.v[i]);
		pthread_mutex_unlock(&s->lock);
	}
	hg_strvec_release(&missed);
}

int
hg_scan_add_missed(struct hg_scan *s, const struct hg_agent_request *request,
    struct hg_inputs *in, struct hg_error *err)
{
	struct hg_strvec paths = HG_STRVEC_INIT;
	int rc = 0;

	recall(s, request, &paths);
	for (size_t i = 0; rc == 0 && i < paths.n; i++)
		rc = hg_inputs_add(in, "/", paths.v[i], err);
	hg_strvec_release(&paths);
	return rc;
}

/* ---- all of it ---------------------------------------------------------- */

static enum hg_scan_reason
find(struct job *j, uint64_t timeout_ns, int cancel_fd)
{
	unsigned misses;

	if (!j->s->is_on)
		return HG_SCAN_off;
	misses = recall(j->s, j->request, &j->more);
	/* the preprocessor gets one chance; what it missed too is in more */
	if (misses == 1)
		return HG_SCAN_missed;
	hg_includes_parse(&j->includes, j->request);
	switch (j->includes.trouble) {
	case HG_INCLUDES_LANGUAGE:
		return HG_SCAN_language;
	case HG_INCLUDES_OPTION:
		return HG_SCAN_option;
	case HG_INCLUDES_FINE:
		break;
	}
	/* by macro, or by its parts */
	for (size_t i = 0; i < j->includes.defines.n; i++)
		if (strstr(j->includes.defines.v[i], "__DATE__") ||
		    strstr(j->includes.defines.v[i], "__TIME"))
			return HG_SCAN_time;
	hg_driver_key(j->request, &j->includes, &j->key);
	return search(j, timeout_ns, cancel_fd);
}

enum hg_scan_reason
hg_scan_find(struct hg_scan *s, const struct hg_agent_request *request,
    uint64_t timeout_ns, int cancel_fd, struct hg_inputs *in)
{
	struct job j = {
		.s = s,
		.request = request,
		.key = HG_STRBUF_INIT,
		.in = in,
	};
	enum hg_scan_reason reason = find(&j, timeout_ns, cancel_fd);

	if (reason != HG_SCAN_scanned)
		hg_inputs_release(in);
	atomic_fetch_add(&s->count[reason], 1);
	hg_includes_release(&j.includes);
	hg_strbuf_release(&j.key);
	hg_strvec_release(&j.more);
	return reason;
}
