/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hg-coord: the command line, signals, and the line that says that it serves.
 *
 * Signals are blocked before gRPC starts its threads; one thread waits for them
 * and posts to the loop.
 */
#include "config.h"

#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/error.h"
#include "lib/base/log.h"
#include "lib/base/strbuf.h"
#include "lib/config/hg_config.h"
#include "services/coordinator/coordinator.h"
#include "services/coordinator/settings.h"

/* The letter of the coordinator in lib/config/options.def. */
#define PROGRAM 'C'

static void
print_help(void)
{
	struct hg_strbuf flags = HG_STRBUF_INIT;

	hg_config_help(PROGRAM, &flags);
	printf("usage: hg-coord serve [FLAG...]\n"
	       "       hg-coord version\n"
	       "\n"
	       "The coordinator of a Hybrid-Grid cluster: workers register "
	       "with it, and it gives\n"
	       "each compile to one of them. Runs in the foreground; prints "
	       "\"ready grpc=HOST:PORT\"\n"
	       "when it serves; finishes the compiles under way on SIGTERM.\n"
	       "\n"
	       "Flags of serve:\n%s",
	    flags.buf);
	hg_strbuf_release(&flags);
}

static void
print_version(void)
{
	printf("hg-coord %s\n", PACKAGE_VERSION);
}

static int
complain(const struct hg_error *err)
{
	fprintf(stderr, "hg-coord: %s\n", err->text);
	return hg_code_exit(err->code);
}

static int
read_config(struct hg_config *cfg, int argc, char **argv, struct hg_error *err)
{
	enum hg_log_level level;
	int used = 0, rc;

	rc = hg_config_load(cfg, (const char *const *)environ, err);
	if (rc == 0)
		rc = hg_config_flags(cfg, PROGRAM, argc, argv, &used, err);
	if (rc)
		return rc;
	if (used < argc)
		return hg_fail(err, HG_INVALID,
		    "'%.100s' is not a flag; see hg-coord --help", argv[used]);
	if (hg_log_level_parse(cfg->log_level, &level) < 0)
		return hg_fail(err, HG_INVALID,
		    "log.level is '%.100s'; it must be err, warning, notice, "
		    "info or debug",
		    cfg->log_level);
	hg_log_open(level);
	return 0;
}

struct signals {
	pthread_t thread;
	sigset_t set;
	struct hg_coord *coord;
};

/* SIGUSR1 is our own: the loop has ended. */
static void *
wait_for_signals(void *arg)
{
	struct signals *s = arg;
	int sig;

	while (sigwait(&s->set, &sig) == 0 && sig != SIGUSR1)
		hg_coord_drain(s->coord);
	return NULL;
}

static void
block_signals(struct signals *s)
{
	sigset_t all;

	sigemptyset(&s->set);
	sigaddset(&s->set, SIGTERM);
	sigaddset(&s->set, SIGINT);
	sigaddset(&s->set, SIGUSR1);
	/* a reader of our output that went away is not our end */
	all = s->set;
	sigaddset(&all, SIGPIPE);
	pthread_sigmask(SIG_BLOCK, &all, NULL);
}

static int
run(const struct hg_coord_settings *settings, struct hg_error *err)
{
	struct signals signals = { 0 };
	int rc;

	block_signals(&signals);
	signals.coord = hg_coord_new(settings, err);
	if (!signals.coord)
		return -(int)err->code;
	rc = pthread_create(&signals.thread, NULL, wait_for_signals, &signals);
	if (rc) {
		hg_coord_drain(signals.coord);
		hg_coord_run(signals.coord);
		hg_coord_free(signals.coord);
		return hg_fail(
		    err, HG_INTERNAL, "starting a thread: %s", strerror(rc));
	}
	printf("ready grpc=%s:%d\n", settings->host, signals.coord->port);
	fflush(stdout);
	hg_coord_run(signals.coord);
	pthread_kill(signals.thread, SIGUSR1);
	pthread_join(signals.thread, NULL);
	hg_coord_free(signals.coord);
	return 0;
}

static int
serve(int argc, char **argv)
{
	struct hg_coord_settings settings = { 0 };
	struct hg_config cfg;
	struct hg_error err;
	int rc;

	hg_config_init(&cfg);
	rc = read_config(&cfg, argc, argv, &err);
	if (rc == 0)
		rc = hg_coord_settings_read(&settings, &cfg, &err);
	if (rc == 0)
		rc = run(&settings, &err);
	hg_coord_settings_release(&settings);
	hg_config_release(&cfg);
	return rc ? complain(&err) : EXIT_SUCCESS;
}

static bool
has_word(int argc, char **argv, const char *word)
{
	for (int i = 1; i < argc; i++)
		if (strcmp(argv[i], word) == 0)
			return true;
	return false;
}

int
main(int argc, char **argv)
{
	if (has_word(argc, argv, "--help")) {
		print_help();
	} else if (has_word(argc, argv, "--version") ||
		   (argc == 2 && strcmp(argv[1], "version") == 0)) {
		print_version();
	} else if (argc >= 2 && strcmp(argv[1], "serve") == 0) {
		return serve(argc - 2, argv + 2);
	} else {
		fprintf(stderr, "hg-coord: no command given; see hg-coord "
				"--help\n");
		return hg_code_exit(HG_INVALID);
	}
	return fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
