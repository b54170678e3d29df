/* SPDX-License-Identifier: Apache-2.0 */
/*
 * replay JOBS FILE [WORD...]: runs recorded commands as a build would, JOBS at a
 * time, and prints what that took. No shell and no build tool comes between, so
 * that this is the cost of the commands.
 *
 * Each line of FILE is a folder, then the words of a command, with tabs between;
 * the WORDs are put in front of each. Prints wall and CPU time (of all commands
 * and their children), tab separated, in microseconds. A command that fails ends
 * it.
 */
#include "config.h"

#include <errno.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/error.h"
#include "lib/base/fd.h"
#include "lib/base/parse.h"
#include "lib/base/strbuf.h"
#include "lib/base/strvec.h"
#include "lib/base/time.h"

#define MAX_JOBS 1024
#define MAX_FILE_BYTES ((size_t)16 << 20)

/* line is cut up in place. 0, or -1 when it could not be started */
static int
start(char *line, char *const *front, size_t front_n)
{
	struct hg_strvec words = HG_STRVEC_INIT;
	posix_spawn_file_actions_t actions;
	char *rest = NULL, *dir = strtok_r(line, "\t", &rest);
	int rc = -1;
	pid_t pid;

	posix_spawn_file_actions_init(&actions);
	for (size_t i = 0; i < front_n; i++)
		hg_strvec_add(&words, front[i]);
	for (char *w; (w = strtok_r(NULL, "\t", &rest));)
		hg_strvec_add(&words, w);
	if (dir && words.n > front_n &&
	    posix_spawn_file_actions_addchdir_np(&actions, dir) == 0 &&
	    posix_spawnp(
		&pid, words.v[0], &actions, NULL, words.v, environ) == 0)
		rc = 0;
	posix_spawn_file_actions_destroy(&actions);
	hg_strvec_release(&words);
	return rc;
}

static int
wait_for_one(void)
{
	int status;

	while (wait(&status) < 0)
		if (errno != EINTR)
			return -1;
	return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -1;
}

static int
run_all(char *text, uint64_t jobs, char *const *front, size_t front_n)
{
	char *rest = NULL, *line = strtok_r(text, "\n", &rest);
	uint64_t running = 0;
	int rc = 0;

	while ((line && rc == 0) || running > 0) {
		if (line && rc == 0 && running < jobs) {
			rc = start(line, front, front_n);
			running += rc == 0;
			line = strtok_r(NULL, "\n", &rest);
		} else {
			if (wait_for_one() < 0)
				rc = -1;
			running--;
		}
	}
	return rc;
}

static uint64_t
us_of(const struct timeval *t)
{
	return (uint64_t)t->tv_sec * 1000000 + (uint64_t)t->tv_usec;
}

int
main(int argc, char **argv)
{
	struct hg_strbuf text = HG_STRBUF_INIT;
	struct hg_error err = { 0 };
	struct rusage ru;
	uint64_t jobs, began;
	int rc;

	if (argc < 3 || hg_parse_u64(argv[1], 1, MAX_JOBS, &jobs, &err) < 0) {
		fprintf(stderr, "usage: replay JOBS FILE [WORD...]\n");
		return EXIT_FAILURE;
	}
	if (hg_read_file(argv[2], MAX_FILE_BYTES, &text, &err) < 0) {
		fprintf(stderr, "replay: %s\n", err.text);
		return EXIT_FAILURE;
	}
	began = hg_now_ns();
	rc = run_all(text.buf, jobs, argv + 3, (size_t)argc - 3);
	if (rc == 0 && getrusage(RUSAGE_CHILDREN, &ru) == 0)
		printf("%llu\t%llu\n",
		    (unsigned long long)((hg_now_ns() - began) / 1000),
		    (unsigned long long)(us_of(&ru.ru_utime) +
			us_of(&ru.ru_stime)));
	hg_strbuf_release(&text);
	return rc == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
