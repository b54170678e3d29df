/* SPDX-License-Identifier: Apache-2.0 */
/*
 * loadgen: compiles sent straight to a coordinator, as agents would send them,
 * each with a source of its own. Either a number of them is always under way
 * (--concurrency), or they are sent at a rate (--rate) whether the last ones
 * were answered or not; then waiting counts from the time that a compile was due.
 *
 * Prints lines "name value" in units that the names tell. Overhead is latency
 * less the time that the worker says it took.
 */
#include "config.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/utsname.h>

#include "lib/base/alloc.h"
#include "lib/base/error.h"
#include "lib/base/parse.h"
#include "lib/base/strbuf.h"
#include "lib/base/time.h"
#include "lib/rpc/rpc.h"
#include "lib/wire/wire.h"

#define MAX_CONNECTIONS 4096
#define MAX_REQUESTS 10000000
#define N_STATUS 17

static const char usage[] =
    "usage: loadgen --coordinator HOST:PORT [OPTION...]\n"
    "  --connections N   (1)\n"
    "  --concurrency N   compiles always under way (16)\n"
    "  --rate N          a second, instead\n"
    "  --requests N      in all (1000)\n"
    "  --bytes N         of the source (50000)\n"
    "  --timeout-ms N    of each (60000)\n"
    "  --seed N\n";

struct load {
	/* options */
	const char *coordinator;
	uint64_t n_connections;
	uint64_t concurrency;
	uint64_t rate;
	uint64_t n_requests;
	uint64_t n_bytes;
	uint64_t timeout_ms;
	uint64_t seed;

	struct hg_rpc_loop *loop;
	struct hg_rpc_channel **channels;
	char *source;
	struct utsname host;
	uint64_t n_started;
	uint64_t n_ended;
	uint64_t started_ns;
	uint64_t ended_ns;
	uint64_t n_of_status[N_STATUS];
	uint64_t n_infra;
	/* of those that were answered, in ns */
	uint64_t *latency;
	uint64_t *overhead;
	uint64_t n_answered;
};

struct request {
	struct load *load;
	uint64_t due_ns;
};

static void on_answer(void *arg, const struct hg_rpc_result *result);

/* Each source begins with its number, so that none is like another. */
static void
send_one(struct load *l, uint64_t due_ns)
{
	static char gcc[] = "gcc", os[] = "linux", file[] = "load.c";
	static char dash_c[] = "-c", dash_o2[] = "-O2";
	char *args[] = { dash_o2, dash_c, file };
	struct request *r = hg_xcalloc(1, sizeof(*r));
	struct hg_strbuf body = HG_STRBUF_INIT;
	const struct hg_wire_compile m = {
		.source_file = file,
		.source = { l->source, l->n_bytes },
		.compiler = gcc,
		.args = args,
		.n_args = sizeof(args) / sizeof(*args),
		.target_arch = l->host.machine,
		.target_os = os,
	};
	struct hg_rpc_call_options options = {
		.method = HG_METHOD_COMPILE,
		.timeout_ns = l->timeout_ms * HG_NS_PER_MS,
		.wait_for_ready = true,
	};

	snprintf(l->source, 32, "/* %llu.%llu", (unsigned long long)l->seed,
	    (unsigned long long)l->n_started);
	hg_wire_compile_pack(&m, &body);
	r->load = l;
	r->due_ns = due_ns;
	options.body = body.buf;
	options.n = body.len;
	hg_rpc_call_start(l->channels[l->n_started % l->n_connections],
	    &options, on_answer, r);
	l->n_started++;
	hg_strbuf_release(&body);
}

static void
note_answer(struct load *l, uint64_t took_ns, const struct hg_rpc_result *rpc)
{
	struct hg_error err;
	struct hg_wire_result *r =
	    hg_wire_result_unpack(rpc->body, rpc->n, &err);
	uint64_t worked_ns = r ? r->cpu_us * 1000 : 0;

	if (!r || *r->infra_error)
		l->n_infra++;
	l->latency[l->n_answered] = took_ns;
	l->overhead[l->n_answered++] =
	    took_ns > worked_ns ? took_ns - worked_ns : 0;
	hg_wire_result_free(r);
}

static void
on_answer(void *arg, const struct hg_rpc_result *result)
{
	struct request *r = arg;
	struct load *l = r->load;
	uint64_t now_ns = hg_now_ns();
	unsigned status = (unsigned)result->status;

	l->n_of_status[status < N_STATUS ? status : HG_RPC_UNKNOWN]++;
	if (result->status == HG_RPC_OK)
		note_answer(l, now_ns - r->due_ns, result);
	free(r);
	l->ended_ns = now_ns;
	if (++l->n_ended == l->n_requests)
		hg_rpc_loop_stop(l->loop);
	else if (!l->rate && l->n_started < l->n_requests)
		send_one(l, now_ns);
}

/* All that are due, and then again in a moment. */
static void
on_tick(void *arg)
{
	struct load *l = arg;
	uint64_t now_ns = hg_now_ns();

	while (l->n_started < l->n_requests) {
		uint64_t due_ns = l->started_ns +
		    l->n_started * HG_NS_PER_SEC / l->rate;

		if (due_ns > now_ns) {
			hg_rpc_timer_start(
			    l->loop, due_ns - now_ns, on_tick, l);
			break;
		}
		send_one(l, due_ns);
	}
}

static int
run(struct load *l, struct hg_error *err)
{
	const struct hg_rpc_channel_options to = { .target = l->coordinator };

	l->loop = hg_rpc_loop_new(err);
	if (!l->loop)
		return -(int)err->code;
	l->channels = hg_xcalloc(l->n_connections, sizeof(*l->channels));
	for (uint64_t i = 0; i < l->n_connections; i++) {
		l->channels[i] = hg_rpc_channel_new(l->loop, &to, err);
		if (!l->channels[i])
			return -(int)err->code;
	}
	l->started_ns = hg_now_ns();
	if (l->rate)
		on_tick(l);
	for (uint64_t i = 0; !l->rate && i < l->concurrency; i++)
		if (l->n_started < l->n_requests)
			send_one(l, l->started_ns);
	hg_rpc_loop_run(l->loop);
	return 0;
}

/* ---- the report ---------------------------------------------------------- */

static int
by_size(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static void
print_times(const char *what, uint64_t *v, uint64_t n)
{
	static const unsigned pct[] = { 50, 90, 99, 100 };

	qsort(v, n, sizeof(*v), by_size);
	for (size_t i = 0; n > 0 && i < sizeof(pct) / sizeof(*pct); i++)
		printf("%s_p%u_ms %.3f\n", what, pct[i],
		    (double)v[(n - 1) * pct[i] / 100] / HG_NS_PER_MS);
}

static void
print_report(struct load *l)
{
	double seconds = (double)(l->ended_ns - l->started_ns) / HG_NS_PER_SEC;
	struct rusage ru;

	getrusage(RUSAGE_SELF, &ru);
	printf("requests %llu\nseconds %.3f\nper_second %.1f\n",
	    (unsigned long long)l->n_ended, seconds,
	    (double)l->n_answered / seconds);
	print_times("latency", l->latency, l->n_answered);
	print_times("overhead", l->overhead, l->n_answered);
	for (int i = 0; i < N_STATUS; i++)
		if (l->n_of_status[i])
			printf("status_%d %llu\n", i,
			    (unsigned long long)l->n_of_status[i]);
	printf("infra_errors %llu\n", (unsigned long long)l->n_infra);
	printf("own_cpu_ms %ld\n",
	    (ru.ru_utime.tv_sec + ru.ru_stime.tv_sec) * 1000 +
		(ru.ru_utime.tv_usec + ru.ru_stime.tv_usec) / 1000);
}

static void
end(struct load *l)
{
	for (uint64_t i = 0; l->channels && i < l->n_connections; i++)
		if (l->channels[i])
			hg_rpc_channel_free(l->channels[i]);
	hg_rpc_loop_free(l->loop);
	free(l->channels);
	free(l->source);
	free(l->latency);
	free(l->overhead);
}

/* ---- options ------------------------------------------------------------- */

static int
take_option(struct load *l, int c, const char *value, struct hg_error *err)
{
	switch (c) {
	case 'c':
		l->coordinator = value;
		return 0;
	case 'n':
		return hg_parse_u64(
		    value, 1, MAX_CONNECTIONS, &l->n_connections, err);
	case 'p':
		return hg_parse_u64(
		    value, 1, MAX_REQUESTS, &l->concurrency, err);
	case 'r':
		return hg_parse_u64(value, 0, 1000000, &l->rate, err);
	case 'q':
		return hg_parse_u64(
		    value, 1, MAX_REQUESTS, &l->n_requests, err);
	case 'b':
		return hg_parse_u64(value, 64, 50000000, &l->n_bytes, err);
	case 't':
		return hg_parse_u64(value, 1, 3600000, &l->timeout_ms, err);
	case 's':
		return hg_parse_u64(value, 0, UINT64_MAX, &l->seed, err);
	default:
		return hg_fail(err, HG_INVALID, "%s", usage);
	}
}

static int
parse_options(struct load *l, int argc, char **argv, struct hg_error *err)
{
	static const struct option options[] = {
		{ "coordinator", required_argument, NULL, 'c' },
		{ "connections", required_argument, NULL, 'n' },
		{ "concurrency", required_argument, NULL, 'p' },
		{ "rate", required_argument, NULL, 'r' },
		{ "requests", required_argument, NULL, 'q' },
		{ "bytes", required_argument, NULL, 'b' },
		{ "timeout-ms", required_argument, NULL, 't' },
		{ "seed", required_argument, NULL, 's' },
		{ NULL, 0, NULL, 0 },
	};
	int c, rc = 0;

	while (rc == 0 &&
	    (c = getopt_long(argc, argv, "", options, NULL)) != -1)
		rc = take_option(l, c, optarg, err);
	if (rc == 0 && (optind < argc || !l->coordinator))
		rc = hg_fail(err, HG_INVALID, "%s", usage);
	return rc;
}

/* A source that compresses about as well as text does. */
static char *
make_source(uint64_t n, uint64_t random)
{
	char *p = hg_xmalloc(n + 32);

	for (uint64_t i = 0; i < n; i++) {
		random = random * 6364136223846793005u + 1442695040888963407u;
		p[i] = (char)(' ' + (random >> 58));
	}
	return p;
}

int
main(int argc, char **argv)
{
	struct load l = {
		.n_connections = 1,
		.concurrency = 16,
		.n_requests = 1000,
		.n_bytes = 50000,
		.timeout_ms = 60000,
	};
	struct hg_error err = { .text = "" };
	int rc = parse_options(&l, argc, argv, &err);

	uname(&l.host);
	if (rc == 0) {
		l.source = make_source(l.n_bytes, l.seed);
		l.latency = hg_xcalloc(l.n_requests, sizeof(*l.latency));
		l.overhead = hg_xcalloc(l.n_requests, sizeof(*l.overhead));
		rc = run(&l, &err);
	}
	if (rc == 0)
		print_report(&l);
	else
		fprintf(stderr, "loadgen: %s\n", err.text);
	end(&l);
	return rc ? EXIT_FAILURE : EXIT_SUCCESS;
}
