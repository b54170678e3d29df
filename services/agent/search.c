/* SPDX-License-Identifier: Apache-2.0 */
/* One observed run of the preprocessor, and the slots that bound how many. */
#include "config.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lib/base/alloc.h"
#include "lib/base/error.h"
#include "lib/base/path.h"
#include "lib/base/strvec.h"
#include "lib/base/time.h"
#include "lib/observe/observe.h"
#include "lib/proc/proc.h"
#include "lib/wire/agent_msg.h"
#include "services/agent/request.h"
#include "services/agent/search.h"

/* How soon one who waits for a slot notices that its launcher has left. */
#define LOOK_NS (100 * HG_NS_PER_MS)

/* The preprocessed text goes to /dev/null; messages are thrown away. */
#define MAX_MESSAGES ((size_t)16 << 10)

struct hg_search {
	char *so_path;
	pthread_mutex_t lock;
	pthread_cond_t freed;
	/* free slots, under the lock */
	unsigned slots;
};

struct hg_search *
hg_search_new(const char *so_path, unsigned slots)
{
	struct hg_search *s = hg_xcalloc(1, sizeof(*s));
	pthread_condattr_t attr;

	s->so_path = hg_xstrdup(so_path);
	s->slots = slots;
	pthread_mutex_init(&s->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&s->freed, &attr);
	pthread_condattr_destroy(&attr);
	return s;
}

void
hg_search_free(struct hg_search *s)
{
	if (!s)
		return;
	pthread_cond_destroy(&s->freed);
	pthread_mutex_destroy(&s->lock);
	free(s->so_path);
	free(s);
}

static bool
has_left(int cancel_fd)
{
	struct pollfd p = { .fd = cancel_fd, .events = POLLIN };

	return poll(&p, 1, 0) > 0;
}

static void
wait_a_little(struct hg_search *s)
{
	uint64_t until = hg_now_ns() + LOOK_NS;
	struct timespec t = {
		.tv_sec = (time_t)(until / HG_NS_PER_SEC),
		.tv_nsec = (long)(until % HG_NS_PER_SEC),
	};

	pthread_cond_timedwait(&s->freed, &s->lock, &t);
}

static int
take_slot(
    struct hg_search *s, uint64_t give_up, int cancel_fd, struct hg_error *err)
{
	int rc = 0;

	pthread_mutex_lock(&s->lock);
	while (rc == 0 && s->slots == 0) {
		wait_a_little(s);
		if (has_left(cancel_fd))
			rc =
			    hg_fail(err, HG_CANCELLED, "the launcher has left");
		else if (hg_now_ns() >= give_up)
			rc = hg_fail(err, HG_TIMEOUT,
			    "this machine is too busy to preprocess");
	}
	if (rc == 0)
		s->slots--;
	pthread_mutex_unlock(&s->lock);
	return rc;
}

static void
give_slot(struct hg_search *s)
{
	pthread_mutex_lock(&s->lock);
	s->slots++;
	pthread_cond_signal(&s->freed);
	pthread_mutex_unlock(&s->lock);
}

static int
check_end(const struct hg_proc_result *r, struct hg_error *err)
{
	switch (r->end) {
	case HG_PROC_CANCELLED:
		return hg_fail(err, HG_CANCELLED, "the launcher has left");
	case HG_PROC_TIMED_OUT:
		return hg_fail(err, HG_TIMEOUT, "preprocessing took too long");
	case HG_PROC_SIGNALLED:
		return hg_fail(err, HG_INVALID,
		    "the preprocessor was ended by signal %d", r->signal);
	case HG_PROC_EXITED:
		break;
	}
	if (r->status != 0)
		return hg_fail(err, HG_INVALID,
		    "the preprocessor ended with status %d", r->status);
	return 0;
}

/* The environment of a worker's compiler, as far as it decides what is read. */
static void
add_environment(const struct hg_agent_request *request,
    const struct hg_search_command *command, struct hg_strvec *env)
{
	const char *path = hg_request_env(request, "PATH");

	/* the first of a name counts */
	hg_strvec_addf(env, "HG_DISABLE=1");
	if (command->more_env)
		hg_strvec_add(env, command->more_env);
	/* else drivers look for what they find through other folders of it */
	if (path) {
		char *list = hg_request_worker_path(NULL, path);

		hg_strvec_addf(env, "PATH=%s", list);
		free(list);
	}
	for (size_t i = 0; i < request->n_env; i++)
		if (strncmp(request->env[i], "PATH=", 5) != 0)
			hg_strvec_add(env, request->env[i]);
}

/* Runs the command in the request's folder under the eyes of o. */
static int
run_observed(const struct hg_observe *o, const struct hg_agent_request *request,
    const struct hg_search_command *command, uint64_t timeout_ns, int cancel_fd,
    struct hg_proc_result *ret_result, struct hg_error *err)
{
	struct hg_proc_spec spec = HG_PROC_SPEC_INIT;
	struct hg_strvec argv = HG_STRVEC_INIT;
	struct hg_strvec plain = HG_STRVEC_INIT, env = HG_STRVEC_INIT;
	int rc;

	hg_strvec_add(&argv, request->compiler);
	for (size_t i = 0; i < command->n_args; i++)
		hg_strvec_add(&argv, command->args[i]);
	add_environment(request, command, &plain);
	hg_observe_env(o, (const char *const *)plain.v, &env);
	spec.argv = (const char *const *)argv.v;
	spec.envp = (const char *const *)env.v;
	spec.cwd = command->cwd ? command->cwd : request->cwd;
	spec.timeout_ns = timeout_ns;
	spec.pass_fd = hg_observe_fd(o);
	spec.cancel_fd = cancel_fd;
	spec.max_capture_bytes = command->max_capture_bytes;
	rc = hg_proc_run(&spec, ret_result, err);
	if (rc == 0)
		rc = check_end(ret_result, err);
	hg_strvec_release(&argv);
	hg_strvec_release(&plain);
	hg_strvec_release(&env);
	return rc;
}

int
hg_search_ask(struct hg_search *s, const struct hg_agent_request *request,
    const struct hg_search_command *command, uint64_t timeout_ns, int cancel_fd,
    struct hg_observed_list *ret, struct hg_proc_result *ret_result,
    struct hg_error *err)
{
	struct hg_observe *o = NULL;
	int rc;

	*ret_result = (struct hg_proc_result){ .out = HG_STRBUF_INIT,
		.err = HG_STRBUF_INIT };
	rc = take_slot(s, hg_now_ns() + timeout_ns, cancel_fd, err);
	if (rc)
		return rc;
	o = hg_observe_new(s->so_path, err);
	if (o) {
		char *program = hg_path_join(request->cwd, request->compiler);

		hg_observe_set_cwd(
		    o, command->cwd ? command->cwd : request->cwd);
		hg_observe_set_program(o, program);
		free(program);
		rc = run_observed(o, request, command, timeout_ns, cancel_fd,
		    ret_result, err);
	} else {
		rc = -HG_UNSUPPORTED;
	}
	give_slot(s);
	if (rc == 0)
		rc = hg_observe_collect(o, ret, err);
	hg_observe_free(o);
	return rc;
}

int
hg_search_run(struct hg_search *s, const struct hg_agent_request *request,
    uint64_t timeout_ns, int cancel_fd, struct hg_observed_list *ret,
    struct hg_error *err)
{
	const struct hg_search_command command = {
		.args = (const char *const *)request->preprocess_args,
		.n_args = request->n_preprocess_args,
		.max_capture_bytes = MAX_MESSAGES,
	};
	struct hg_proc_result result;
	int rc = hg_search_ask(
	    s, request, &command, timeout_ns, cancel_fd, ret, &result, err);

	hg_proc_result_release(&result);
	return rc;
}
