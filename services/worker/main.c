/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hg-worker: does compiles for a coordinator. Signals are blocked before any
 * thread starts, and one thread waits for them.
 */
#include "config.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "lib/base/error.h"
#include "lib/base/log.h"
#include "lib/base/strbuf.h"
#include "lib/config/hg_config.h"
#include "services/worker/worker.h"

static const char usage[] =
    "usage: hg-worker serve [options]\n"
    "       hg-worker version\n"
    "\n"
    "Runs compiles for a coordinator, or for anybody who calls it directly.\n"
    "\n";

static int
complain(const struct hg_error *err)
{
	fprintf(stderr, "hg-worker: %s\n", err->text);
	return hg_code_exit(err->code);
}

static int
print_help(void)
{
	struct hg_strbuf out = HG_STRBUF_INIT;

	hg_strbuf_adds(&out, usage);
	hg_config_help('W', &out);
	fputs(out.buf, stdout);
	hg_strbuf_release(&out);
	return fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

static int
print_version(void)
{
	puts("hg-worker " PACKAGE_VERSION);
	return fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

static bool
has_word(int argc, char **argv, const char *word)
{
	for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++)
		if (strcmp(argv[i], word) == 0)
			return true;
	return false;
}

/* ---- settings ---------------------------------------------------------- */

static bool
is_loopback(const char *host)
{
	struct in6_addr six;
	struct in_addr four;

	if (inet_pton(AF_INET, host, &four) == 1)
		return (ntohl(four.s_addr) >> 24) == 127;
	if (inet_pton(AF_INET6, host, &six) == 1)
		return IN6_IS_ADDR_LOOPBACK(&six);
	return strcmp(host, "localhost") == 0 || strcmp(host, "[::1]") == 0;
}

static int
check_settings(const struct hg_config *cfg, struct hg_error *err)
{
	enum hg_log_level level;

	if (hg_log_level_parse(cfg->log_level, &level))
		return hg_fail(err, HG_INVALID,
		    "log level %s is none of err, warning, notice, info, debug",
		    cfg->log_level);
	hg_log_open(level);
	if (!is_loopback(cfg->worker_listen) && !cfg->worker_insecure)
		return hg_fail(err, HG_DENIED,
		    "%s can be reached by others, and callers are not "
		    "authenticated: listen on 127.0.0.1, or say --insecure",
		    cfg->worker_listen);
	if (cfg->worker_queue_limit < 0 || cfg->worker_max_parallel < 0 ||
	    cfg->worker_max_processes < 0)
		return hg_fail(err, HG_INVALID,
		    "worker.queue_limit, worker.max_parallel and "
		    "worker.max_processes cannot be negative");
	return 0;
}

static int
read_settings(
    struct hg_config *cfg, int argc, char **argv, struct hg_error *err)
{
	int used = 0;
	int rc = hg_config_load(cfg, (const char *const *)environ, err);

	if (rc == 0)
		rc = hg_config_flags(cfg, 'W', argc, argv, &used, err);
	if (rc == 0 && used < argc)
		rc = hg_fail(err, HG_INVALID,
		    "%s is not expected (see hg-worker --help)", argv[used]);
	return rc ? rc : check_settings(cfg, err);
}

/* ---- serving ----------------------------------------------------------- */

struct signals {
	sigset_t set;
	pthread_t thread;
	struct hg_worker *worker;
};

/* SIGUSR1 is our own, and means that there is nothing to wait for any more. */
static void *
wait_for_signals(void *arg)
{
	struct signals *s = arg;
	int sig;

	while (sigwait(&s->set, &sig) == 0 && sig != SIGUSR1)
		hg_worker_drain(s->worker);
	return NULL;
}

static void
block_signals(struct signals *s)
{
	sigset_t pipe_only;

	sigemptyset(&s->set);
	sigaddset(&s->set, SIGTERM);
	sigaddset(&s->set, SIGINT);
	sigaddset(&s->set, SIGUSR1);
	pthread_sigmask(SIG_BLOCK, &s->set, NULL);
	sigemptyset(&pipe_only);
	sigaddset(&pipe_only, SIGPIPE);
	pthread_sigmask(SIG_BLOCK, &pipe_only, NULL);
}

/* Each slot has about ten descriptors open, and the usual limit is 1024. */
static void
raise_descriptor_limit(void)
{
	struct rlimit r;

	if (getrlimit(RLIMIT_NOFILE, &r) < 0)
		return;
	r.rlim_cur = r.rlim_max;
	/* without it many slots may get busy, and say so */
	(void)setrlimit(RLIMIT_NOFILE, &r);
}

static int
serve(const struct hg_config *cfg, struct hg_error *err)
{
	struct signals signals;

	block_signals(&signals);
	raise_descriptor_limit();
	signals.worker = hg_worker_new(cfg, err);
	if (!signals.worker)
		return -(int)err->code;
	if (pthread_create(
		&signals.thread, NULL, wait_for_signals, &signals) != 0) {
		hg_worker_free(signals.worker);
		return hg_fail(err, HG_EXHAUSTED, "cannot start a thread");
	}
	printf("ready grpc=%s id=%s\n", hg_worker_listening(signals.worker),
	    signals.worker->id);
	fflush(stdout);
	hg_worker_run(signals.worker);
	pthread_kill(signals.thread, SIGUSR1);
	pthread_join(signals.thread, NULL);
	hg_worker_free(signals.worker);
	return 0;
}

int
main(int argc, char **argv)
{
	struct hg_error err = { .code = HG_OK };
	struct hg_config cfg;
	int rc;

	if (has_word(argc, argv, "--help"))
		return print_help();
	if (has_word(argc, argv, "--version") ||
	    (argc == 2 && strcmp(argv[1], "version") == 0))
		return print_version();
	if (argc < 2 || strcmp(argv[1], "serve") != 0) {
		hg_fail(&err, HG_INVALID, "%s (see hg-worker --help)",
		    argc < 2 ? "a command is missing" : "unknown command");
		return complain(&err);
	}
	hg_config_init(&cfg);
	rc = read_settings(&cfg, argc - 2, argv + 2, &err);
	if (rc == 0)
		rc = serve(&cfg, &err);
	hg_config_release(&cfg);
	return rc ? complain(&err) : EXIT_SUCCESS;
}
