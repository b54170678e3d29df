/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Being known to one coordinator. There is always exactly one thing pending: a
 * call or a timer. What comes next follows from what is known: not joined, shake
 * hands; joined, beat.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "lib/base/alloc.h"
#include "lib/base/error.h"
#include "lib/base/log.h"
#include "lib/base/strbuf.h"
#include "lib/base/time.h"
#include "lib/rpc/rpc.h"
#include "lib/wire/wire.h"
#include "services/worker/registration.h"
#include "services/worker/worker.h"

/* Answers that take longer mean that the coordinator is away. */
#define CALL_TIMEOUT_NS (5 * HG_NS_PER_SEC)

/* Between attempts to shake hands; a fifth is random, to spread a crowd. */
#define RETRY_NS HG_NS_PER_SEC

#define KEEPALIVE_NS (30 * HG_NS_PER_SEC)

/* A coordinator that is not there must not hold up our end. */
#define FAREWELL_TIMEOUT_NS HG_NS_PER_SEC

#define MAX_ANSWER_BYTES ((size_t)1 << 20)

struct hg_registration {
	struct hg_worker *worker;
	char *target;
	struct hg_rpc_channel *channel;
	struct hg_rpc_timer *timer;
	/* known under this name; only while joined */
	char *assigned_id;
	/* of the coordinator we shook hands with */
	char *epoch;
	uint64_t interval_ns;
	bool joined;
	/* what we said of Docker when we joined */
	bool docker;
	bool stopped;
	/* trouble was logged, and is not again until it is over */
	bool told;
};

static void next_step(struct hg_registration *r, uint64_t delay_ns);

static uint64_t
retry_delay(void)
{
	uint32_t random = 0;

	if (getrandom(&random, sizeof(random), GRND_NONBLOCK) < 0)
		random = (uint32_t)hg_now_ns();
	return RETRY_NS - RETRY_NS / 10 + random % (RETRY_NS / 5);
}

static void
set(char **field, const char *text)
{
	free(*field);
	*field = hg_xstrdup(text);
}

static void
start_call(struct hg_registration *r, const char *method,
    const struct hg_strbuf *body, uint64_t timeout_ns,
    void (*done)(void *arg, const struct hg_rpc_result *result))
{
	const struct hg_rpc_call_options options = {
		.method = method,
		.body = body->buf,
		.n = body->len,
		.timeout_ns = timeout_ns,
	};

	hg_rpc_call_start(r->channel, &options, done, r);
}

static void
lose(struct hg_registration *r, const char *why)
{
	if (!r->told)
		hg_log(HG_LOG_WARNING, "not known to the coordinator; retrying",
		    "coordinator=%s reason=\"%s\"", r->target, why);
	r->told = true;
	r->joined = false;
}

/* ---- handshake --------------------------------------------------------- */

/* The shorter of what we were told to do here and what the coordinator wants. */
static uint64_t
heartbeat_interval(
    const struct hg_registration *r, const struct hg_wire_handshake_reply *m)
{
	uint64_t ours = r->worker->cfg->worker_heartbeat;
	uint64_t theirs = m->heartbeat_seconds * HG_NS_PER_SEC;

	if (ours == 0)
		ours = 10 * HG_NS_PER_SEC;
	return theirs > 0 && theirs < ours ? theirs : ours;
}

static void
join(struct hg_registration *r, const struct hg_wire_handshake_reply *m)
{
	set(&r->assigned_id,
	    *m->assigned_id ? m->assigned_id : r->worker->id);
	set(&r->epoch, m->epoch);
	r->interval_ns = heartbeat_interval(r, m);
	r->joined = true;
	r->told = false;
	hg_log(HG_LOG_NOTICE, "joined", "coordinator=%s worker=%s", r->target,
	    r->assigned_id);
}

static void
on_handshake(void *arg, const struct hg_rpc_result *result)
{
	struct hg_registration *r = arg;
	struct hg_wire_handshake_reply *m = NULL;
	struct hg_error err = { .text = "" };

	if (r->stopped)
		return;
	if (result->status == HG_RPC_OK)
		m = hg_wire_handshake_reply_unpack(
		    result->body, result->n, &err);
	if (m && m->accepted)
		join(r, m);
	else if (m)
		lose(r, m->message);
	else
		lose(r, result->status == HG_RPC_OK ? err.text
						    : result->message);
	hg_wire_handshake_reply_free(m);
	next_step(r, r->joined ? r->interval_ns : retry_delay());
}

static void
shake_hands(struct hg_registration *r)
{
	struct hg_worker *w = r->worker;
	struct hg_strbuf body = HG_STRBUF_INIT;
	struct hg_wire_worker self;
	struct hg_wire_handshake m;

	hg_worker_describe(w, &self);
	r->docker = self.caps.docker_available;
	m = (struct hg_wire_handshake){
		.worker_id = w->id,
		.caps = self.caps,
		.address = w->address,
		.protocol = HG_WIRE_PROTOCOL,
	};
	hg_wire_handshake_pack(&m, &body);
	start_call(
	    r, HG_METHOD_HANDSHAKE, &body, CALL_TIMEOUT_NS, on_handshake);
	hg_strbuf_release(&body);
}

/* ---- heartbeat --------------------------------------------------------- */

static bool
is_another(const struct hg_registration *r, const char *epoch)
{
	return *epoch && *r->epoch && strcmp(epoch, r->epoch) != 0;
}

static void
on_beat(void *arg, const struct hg_rpc_result *result)
{
	struct hg_registration *r = arg;
	struct hg_wire_health_reply *m = NULL;
	struct hg_error err = { .text = "" };

	if (r->stopped)
		return;
	if (result->status == HG_RPC_OK) {
		m = hg_wire_health_reply_unpack(result->body, result->n, &err);
		if (!m)
			lose(r, err.text);
		else if (is_another(r, m->epoch))
			lose(r, "the coordinator was restarted");
	} else {
		lose(r, result->message);
	}
	hg_wire_health_reply_free(m);
	/* capabilities are told when shaking hands */
	if (r->joined && r->docker != hg_executor_has_docker(r->worker->executor))
		r->joined = false;
	if (r->joined)
		next_step(r, r->interval_ns);
	/* it answers, and only has to be told again */
	else if (result->status == HG_RPC_OK ||
	    result->status == HG_RPC_NOT_FOUND)
		next_step(r, 0);
	else
		next_step(r, retry_delay());
}

static void
beat(struct hg_registration *r, uint64_t timeout_ns,
    void (*done)(void *arg, const struct hg_rpc_result *result))
{
	struct hg_strbuf body = HG_STRBUF_INIT;
	struct hg_wire_health m = {
		.worker_id = r->assigned_id,
		.active_tasks = (int32_t)hg_worker_active(r->worker),
		.memory_free_bytes = (int64_t)hg_capability_memory_free(
		    &hg_capability_system_roots),
		.draining = r->worker->draining,
	};

	if (getloadavg(&m.load, 1) < 1)
		m.load = 0;
	hg_wire_health_pack(&m, &body);
	start_call(r, HG_METHOD_HEALTH, &body, timeout_ns, done);
	hg_strbuf_release(&body);
}

/* ---- the course of things ---------------------------------------------- */

static void
on_time(void *arg)
{
	struct hg_registration *r = arg;

	r->timer = NULL;
	if (r->joined)
		beat(r, CALL_TIMEOUT_NS, on_beat);
	else
		shake_hands(r);
}

static void
next_step(struct hg_registration *r, uint64_t delay_ns)
{
	r->timer = hg_rpc_timer_start(
	    r->worker->loop, delay_ns, on_time, r);
}

struct hg_registration *
hg_registration_new(
    struct hg_worker *w, const char *target, struct hg_error *err)
{
	struct hg_registration *r = hg_xcalloc(1, sizeof(*r));
	const struct hg_rpc_channel_options options = {
		.target = target,
		.max_message_bytes = MAX_ANSWER_BYTES,
		.keepalive_ns = KEEPALIVE_NS,
	};

	r->worker = w;
	r->target = hg_xstrdup(target);
	r->channel = hg_rpc_channel_new(w->loop, &options, err);
	if (!r->channel) {
		hg_registration_free(r);
		return NULL;
	}
	next_step(r, 0);
	return r;
}

static void
on_farewell(void *arg, const struct hg_rpc_result *result)
{
	struct hg_registration *r = arg;

	(void)result;
	hg_worker_has_left(r->worker);
}

bool
hg_registration_leave(struct hg_registration *r)
{
	r->stopped = true;
	if (r->timer)
		hg_rpc_timer_stop(r->timer);
	r->timer = NULL;
	if (!r->joined)
		return false;
	r->joined = false;
	beat(r, FAREWELL_TIMEOUT_NS, on_farewell);
	return true;
}

void
hg_registration_stop(struct hg_registration *r)
{
	r->stopped = true;
	if (r->timer)
		hg_rpc_timer_stop(r->timer);
	r->timer = NULL;
	if (r->channel)
		hg_rpc_channel_free(r->channel);
	r->channel = NULL;
}

void
hg_registration_free(struct hg_registration *r)
{
	if (!r)
		return;
	free(r->target);
	free(r->assigned_id);
	free(r->epoch);
	free(r);
}
