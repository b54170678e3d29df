/* SPDX-License-Identifier: Apache-2.0 */
/*
 * simworker: one or many workers that do not compile (see simanswer.h), known to
 * a coordinator like real ones. They share one port; each has an address of its
 * own of 127.0.0.0/8, unless there is but one.
 */
#include "config.h"

#include <getopt.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include "lib/base/alloc.h"
#include "lib/base/error.h"
#include "lib/base/parse.h"
#include "lib/base/strbuf.h"
#include "lib/base/time.h"
#include "lib/rpc/rpc.h"
#include "lib/wire/wire.h"
#include "tests/bench/simanswer.h"

#define CALL_TIMEOUT_NS (5 * HG_NS_PER_SEC)
#define RETRY_NS HG_NS_PER_SEC
#define MAX_WORKERS 60000
#define MAX_SLOTS 4096

static const char usage[] =
    "usage: simworker [OPTION...]\n"
    "  --coordinator HOST:PORT  to register with\n"
    "  --listen HOST[:PORT]     where to serve (127.0.0.1, any port)\n"
    "  --workers N              how many to be (1)\n"
    "  --slots N                of each (4)\n"
    "  --sleep-ms MIN[-MAX]     what a compile takes (0)\n"
    "  --object-bytes N         what it makes (20000)\n"
    "  --store DIR              where contents are kept\n"
    "  --like HOST:PORT         real worker whose answers are repeated\n"
    "  --seed N\n";

struct sim {
	/* options */
	const char *coordinator;
	const char *host;
	uint64_t port;
	uint64_t n_workers;
	uint64_t slots;
	struct sim_answer_options answer_options;

	struct hg_rpc_loop *loop;
	struct hg_rpc_server *server;
	struct sim_answers *answers;
	struct sim_worker *workers;
	uint64_t n_joined;
	/* farewells that are not yet answered */
	uint64_t n_leaving;
	bool is_leaving;
	char arch[64];
	sigset_t signals;
	pthread_t signal_thread;
};

struct sim_worker {
	struct sim *sim;
	struct hg_rpc_channel *channel;
	char id[32];
	char address[64];
	bool joined;
	bool was_joined;
	uint64_t interval_ns;
};

/* ---- being known --------------------------------------------------------- */

static void on_time(void *arg);

static void
wait_for(struct sim_worker *w, uint64_t delay_ns)
{
	hg_rpc_timer_start(w->sim->loop, delay_ns, on_time, w);
}

static void
call(struct sim_worker *w, const char *method, struct hg_strbuf *body,
    void (*done)(void *arg, const struct hg_rpc_result *result))
{
	const struct hg_rpc_call_options options = {
		.method = method,
		.body = body->buf,
		.n = body->len,
		.timeout_ns = CALL_TIMEOUT_NS,
	};

	hg_rpc_call_start(w->channel, &options, done, w);
	hg_strbuf_release(body);
}

static void
note_joined(struct sim_worker *w)
{
	struct sim *sim = w->sim;

	w->joined = true;
	if (w->was_joined)
		return;
	w->was_joined = true;
	if (++sim->n_joined < sim->n_workers)
		return;
	printf("joined %llu\n", (unsigned long long)sim->n_joined);
	fflush(stdout);
}

static void
on_handshake(void *arg, const struct hg_rpc_result *result)
{
	struct hg_wire_handshake_reply *m = NULL;
	struct sim_worker *w = arg;
	struct hg_error err;

	if (result->status == HG_RPC_OK)
		m = hg_wire_handshake_reply_unpack(
		    result->body, result->n, &err);
	if (m && m->accepted) {
		w->interval_ns =
		    (m->heartbeat_seconds ? m->heartbeat_seconds : 10) *
		    HG_NS_PER_SEC;
		note_joined(w);
	}
	hg_wire_handshake_reply_free(m);
	if (result->status != HG_RPC_CANCELLED)
		wait_for(w, w->joined ? w->interval_ns : RETRY_NS);
}

static void
shake_hands(struct sim_worker *w)
{
	static char version[] = PACKAGE_VERSION, none[] = "";
	static char gcc[] = "gcc", clang[] = "clang";
	char *compilers[] = { gcc, clang };
	char *arch = w->sim->arch;
	struct hg_strbuf body = HG_STRBUF_INIT;
	const struct hg_wire_handshake m = {
		.worker_id = w->id,
		.address = w->address,
		.protocol = HG_WIRE_PROTOCOL,
		.caps = {
			.architectures = &arch,
			.n_architectures = 1,
			.compilers = compilers,
			.n_compilers = sizeof(compilers) / sizeof(*compilers),
			.cpu_cores = (int32_t)w->sim->slots,
			.memory_bytes = (int64_t)w->sim->slots << 30,
			.slots = (int32_t)w->sim->slots,
			.version = version,
			.hostname = w->id,
			.no_sandbox = none,
		},
	};

	hg_wire_handshake_pack(&m, &body);
	call(w, HG_METHOD_HANDSHAKE, &body, on_handshake);
}

static void
on_beat(void *arg, const struct hg_rpc_result *result)
{
	struct sim_worker *w = arg;

	w->joined = result->status == HG_RPC_OK;
	if (result->status != HG_RPC_CANCELLED)
		wait_for(w, w->joined ? w->interval_ns : RETRY_NS);
}

static void
beat(struct sim_worker *w,
    void (*done)(void *arg, const struct hg_rpc_result *result))
{
	struct hg_strbuf body = HG_STRBUF_INIT;
	const struct hg_wire_health m = {
		.worker_id = w->id,
		.active_tasks = (int32_t)(sim_answers_active(w->sim->answers) /
					  w->sim->n_workers),
		.memory_free_bytes = (int64_t)w->sim->slots << 30,
		.draining = w->sim->is_leaving,
	};

	hg_wire_health_pack(&m, &body);
	call(w, HG_METHOD_HEALTH, &body, done);
}

static void
on_time(void *arg)
{
	struct sim_worker *w = arg;

	if (w->sim->is_leaving)
		return;
	if (w->joined)
		beat(w, on_beat);
	else
		shake_hands(w);
}

/* Spread over a second, as workers are that were not started at once. */
static int
start_workers(struct sim *sim, int port, struct hg_error *err)
{
	const struct hg_rpc_channel_options to = { .target = sim->coordinator };

	sim->workers = hg_xcalloc(sim->n_workers, sizeof(*sim->workers));
	for (uint64_t i = 0; i < sim->n_workers; i++) {
		struct sim_worker *w = &sim->workers[i];
		unsigned n = (unsigned)i + 1;

		w->sim = sim;
		snprintf(w->id, sizeof(w->id), "sim-%d-%u", port, n);
		if (sim->n_workers == 1)
			snprintf(w->address, sizeof(w->address), "%s:%d",
			    sim->host, port);
		else
			snprintf(w->address, sizeof(w->address),
			    "127.%u.%u.%u:%d", 1 + n / 62500, n / 250 % 250,
			    1 + n % 250, port);
		w->channel = hg_rpc_channel_new(sim->loop, &to, err);
		if (!w->channel)
			return -(int)err->code;
		wait_for(w, i * HG_NS_PER_SEC / sim->n_workers);
	}
	return 0;
}

/* ---- serving ------------------------------------------------------------- */

static void
on_compile(void *ctx, struct hg_rpc_request *req)
{
	struct sim *sim = ctx;

	sim_answer(sim->answers, req);
}

static void
on_health(void *ctx, struct hg_rpc_request *req)
{
	struct sim *sim = ctx;
	struct hg_strbuf body = HG_STRBUF_INIT;
	char ok[] = "ok";
	const struct hg_wire_health_reply m = {
		.healthy = true,
		.status = ok,
		.active_tasks = (int32_t)sim_answers_active(sim->answers),
		.slots = (int32_t)sim->slots,
	};

	hg_wire_health_reply_pack(&m, &body);
	hg_rpc_reply(req, body.buf, body.len);
	hg_strbuf_release(&body);
}

static const struct hg_rpc_method methods[] = {
	{ HG_METHOD_COMPILE, on_compile },
	{ HG_METHOD_HEALTH, on_health },
};

static void
on_served(void *arg)
{
	struct sim *sim = arg;

	hg_rpc_loop_stop(sim->loop);
}

static void
on_farewell(void *arg, const struct hg_rpc_result *result)
{
	struct sim_worker *w = arg;
	struct sim *sim = w->sim;

	(void)result;
	if (--sim->n_leaving == 0)
		hg_rpc_server_shutdown(sim->server, 0, on_served, sim);
}

static void
leave(void *arg)
{
	struct sim *sim = arg;

	sim->is_leaving = true;
	for (uint64_t i = 0; sim->workers && i < sim->n_workers; i++) {
		if (!sim->workers[i].joined)
			continue;
		sim->n_leaving++;
		beat(&sim->workers[i], on_farewell);
	}
	if (sim->n_leaving == 0)
		hg_rpc_server_shutdown(sim->server, 0, on_served, sim);
}

static void *
wait_for_signal(void *arg)
{
	struct sim *sim = arg;
	int sig;

	sigwait(&sim->signals, &sig);
	hg_rpc_loop_post(sim->loop, leave, sim);
	return NULL;
}

static int
start(struct sim *sim, struct hg_error *err)
{
	/* many workers have an address each */
	const char *host = sim->n_workers > 1 ? "0.0.0.0" : sim->host;
	struct hg_strbuf address = HG_STRBUF_INIT;
	struct hg_rpc_server_options options = { NULL, 0 };
	int port = 0;

	sim->loop = hg_rpc_loop_new(err);
	if (!sim->loop)
		return -(int)err->code;
	sim->answers =
	    sim_answers_new(sim->loop, &sim->answer_options, err);
	if (!sim->answers)
		return -(int)err->code;
	hg_strbuf_addf(
	    &address, "%s:%llu", host, (unsigned long long)sim->port);
	options.address = address.buf;
	sim->server = hg_rpc_server_new(sim->loop, &options, methods,
	    sizeof(methods) / sizeof(*methods), sim, &port, err);
	hg_strbuf_release(&address);
	if (!sim->server)
		return -(int)err->code;
	printf("ready grpc=%s:%d\n", sim->host, port);
	fflush(stdout);
	return sim->coordinator ? start_workers(sim, port, err) : 0;
}

static void
end(struct sim *sim)
{
	hg_rpc_server_free(sim->server);
	for (uint64_t i = 0; sim->workers && i < sim->n_workers; i++)
		if (sim->workers[i].channel)
			hg_rpc_channel_free(sim->workers[i].channel);
	hg_rpc_loop_free(sim->loop);
	sim_answers_free(sim->answers);
	free(sim->workers);
}

/* ---- options ------------------------------------------------------------- */

static int
parse_sleep(struct sim_answer_options *o, char *text, struct hg_error *err)
{
	char *to = strchr(text, '-');
	uint64_t min = 0, max = 0;
	int rc;

	if (to)
		*to++ = '\0';
	rc = hg_parse_u64(text, 0, 3600000, &min, err);
	if (rc == 0)
		rc = hg_parse_u64(to ? to : text, min, 3600000, &max, err);
	o->min_sleep_ns = min * HG_NS_PER_MS;
	o->max_sleep_ns = max * HG_NS_PER_MS;
	return rc;
}

static int
parse_listen(struct sim *sim, char *text, struct hg_error *err)
{
	char *port = strrchr(text, ':');

	sim->host = text;
	if (!port)
		return 0;
	*port++ = '\0';
	return hg_parse_u64(port, 0, 65535, &sim->port, err);
}

static int
take_option(struct sim *sim, int c, char *value, struct hg_error *err)
{
	uint64_t n = 0;
	int rc = 0;

	switch (c) {
	case 'c':
		sim->coordinator = value;
		break;
	case 'h':
		return parse_listen(sim, value, err);
	case 'k':
		return hg_parse_u64(
		    value, 1, MAX_WORKERS, &sim->n_workers, err);
	case 's':
		return hg_parse_u64(value, 1, MAX_SLOTS, &sim->slots, err);
	case 't':
		return parse_sleep(&sim->answer_options, value, err);
	case 'o':
		rc = hg_parse_u64(value, 0, 100000000, &n, err);
		sim->answer_options.object_bytes = (size_t)n;
		break;
	case 'd':
		sim->answer_options.store_dir = value;
		break;
	case 'l':
		sim->answer_options.like = value;
		break;
	case 'r':
		return hg_parse_u64(value, 0, UINT64_MAX,
		    &sim->answer_options.seed, err);
	default:
		return hg_fail(err, HG_INVALID, "%s", usage);
	}
	return rc;
}

static int
parse_options(
    struct sim *sim, int argc, char **argv, struct hg_error *err)
{
	static const struct option options[] = {
		{ "coordinator", required_argument, NULL, 'c' },
		{ "listen", required_argument, NULL, 'h' },
		{ "workers", required_argument, NULL, 'k' },
		{ "slots", required_argument, NULL, 's' },
		{ "sleep-ms", required_argument, NULL, 't' },
		{ "object-bytes", required_argument, NULL, 'o' },
		{ "store", required_argument, NULL, 'd' },
		{ "like", required_argument, NULL, 'l' },
		{ "seed", required_argument, NULL, 'r' },
		{ NULL, 0, NULL, 0 },
	};
	int c, rc = 0;

	while (rc == 0 &&
	    (c = getopt_long(argc, argv, "", options, NULL)) != -1)
		rc = take_option(sim, c, optarg, err);
	if (rc == 0 && optind < argc)
		rc = hg_fail(err, HG_INVALID, "%s", usage);
	return rc;
}

int
main(int argc, char **argv)
{
	struct sim sim = {
		.host = "127.0.0.1",
		.n_workers = 1,
		.slots = 4,
		.answer_options = { .object_bytes = 20000 },
	};
	struct hg_error err = { .text = "" };
	struct utsname host;
	int rc = parse_options(&sim, argc, argv, &err);

	uname(&host);
	snprintf(sim.arch, sizeof(sim.arch), "%.63s", host.machine);
	sigemptyset(&sim.signals);
	sigaddset(&sim.signals, SIGTERM);
	sigaddset(&sim.signals, SIGINT);
	pthread_sigmask(SIG_BLOCK, &sim.signals, NULL);
	if (rc == 0)
		rc = start(&sim, &err);
	if (rc == 0 &&
	    pthread_create(
		&sim.signal_thread, NULL, wait_for_signal, &sim) == 0) {
		hg_rpc_loop_run(sim.loop);
		pthread_join(sim.signal_thread, NULL);
	}
	if (rc)
		fprintf(stderr, "simworker: %s\n", err.text);
	end(&sim);
	return rc ? EXIT_FAILURE : EXIT_SUCCESS;
}
