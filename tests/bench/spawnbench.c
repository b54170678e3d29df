/* SPDX-License-Identifier: Apache-2.0 */
/*
 * spawnbench ROUNDS FILE: what starting programs costs, from before the spawn
 * to after the wait, interleaved so that all meet the same noise.
 *
 * Each line of FILE is a case: a name, then the words of a command, with tabs
 * between. Words NAME=value before the program go to its environment; %n in a
 * word becomes the number of the round. Every round runs every case once, each
 * time beginning with another; the first round warms up and is not counted.
 *
 * Prints a line per case, tab separated: name, median, 10th and 90th percentile
 * of the wall time, median of the CPU time (its children's included), all in
 * microseconds; the peak memory in KiB (never less than this program's own); and
 * the medians of what it took more than the first case in the same round, of
 * wall and CPU time. A command that fails ends the benchmark.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/alloc.h"
#include "lib/base/error.h"
#include "lib/base/fd.h"
#include "lib/base/parse.h"
#include "lib/base/strbuf.h"
#include "lib/base/strvec.h"
#include "lib/base/time.h"

#define MAX_ROUNDS 100000
#define MAX_CASES 64

struct bench_case {
	char *name;
	/* environment words, then the command from words.v[env_n] on */
	struct hg_strvec words;
	size_t env_n;
	double *wall_us;
	double *cpu_us;
	long peak_kib;
};

/* What one run took. */
struct sample {
	double wall_us;
	double cpu_us;
	long peak_kib;
};

static bool
is_assignment(const char *word)
{
	const char *eq = strchr(word, '=');

	return eq && !memchr(word, '/', (size_t)(eq - word));
}

/* line is cut up in place. */
static int
parse_case(char *line, size_t rounds, struct bench_case *ret)
{
	char *rest = NULL;
	char *name = strtok_r(line, "\t", &rest);

	*ret = (struct bench_case){ .words = HG_STRVEC_INIT };
	if (!name)
		return -1;
	ret->name = hg_xstrdup(name);
	for (char *w; (w = strtok_r(NULL, "\t", &rest));)
		hg_strvec_add(&ret->words, w);
	while (ret->env_n < ret->words.n &&
	    is_assignment(ret->words.v[ret->env_n]))
		ret->env_n++;
	ret->wall_us = hg_xcalloc(rounds, sizeof(double));
	ret->cpu_us = hg_xcalloc(rounds, sizeof(double));
	return ret->env_n < ret->words.n ? 0 : -1;
}

static void
case_release(struct bench_case *c)
{
	free(c->name);
	hg_strvec_release(&c->words);
	free(c->wall_us);
	free(c->cpu_us);
}

/* text with each %n replaced */
static void
add_expanded(struct hg_strvec *sv, const char *text, size_t round)
{
	struct hg_strbuf sb = HG_STRBUF_INIT;

	for (; *text; text++) {
		if (text[0] == '%' && text[1] == 'n') {
			hg_strbuf_addf(&sb, "%zu", round);
			text++;
		} else {
			hg_strbuf_addc(&sb, *text);
		}
	}
	hg_strvec_add(sv, sb.buf);
	hg_strbuf_release(&sb);
}

static double
cpu_us_of(const struct rusage *ru)
{
	return (double)(ru->ru_utime.tv_sec + ru->ru_stime.tv_sec) * 1e6 +
	    (double)(ru->ru_utime.tv_usec + ru->ru_stime.tv_usec);
}

/* 0 and the times, or -1 when it could not be run or failed */
static int
run_once(char **argv, char **env, const posix_spawn_file_actions_t *quiet,
    struct sample *ret)
{
	uint64_t start = hg_now_ns();
	struct rusage ru;
	int status;
	pid_t pid;

	if (posix_spawnp(&pid, argv[0], quiet, NULL, argv, env) != 0)
		return -1;
	while (wait4(pid, &status, 0, &ru) < 0)
		if (errno != EINTR)
			return -1;
	ret->wall_us = (double)(hg_now_ns() - start) / 1e3;
	ret->cpu_us = cpu_us_of(&ru);
	ret->peak_kib = ru.ru_maxrss;
	return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -1;
}

/* round 0 warms up; the others are kept at round - 1 */
static int
run_case(struct bench_case *c, size_t round,
    const posix_spawn_file_actions_t *quiet)
{
	struct hg_strvec words = HG_STRVEC_INIT, env = HG_STRVEC_INIT;
	struct sample took;
	int rc;

	for (size_t i = 0; i < c->env_n; i++)
		add_expanded(&env, c->words.v[i], round);
	hg_strvec_add_all(&env, (const char *const *)environ);
	for (size_t i = c->env_n; i < c->words.n; i++)
		add_expanded(&words, c->words.v[i], round);
	rc = run_once(words.v, env.v, quiet, &took);
	if (rc == 0 && round > 0) {
		c->wall_us[round - 1] = took.wall_us;
		c->cpu_us[round - 1] = took.cpu_us;
		if (took.peak_kib > c->peak_kib)
			c->peak_kib = took.peak_kib;
	}
	hg_strvec_release(&env);
	hg_strvec_release(&words);
	return rc;
}

static int
compare(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

/* The median of v - base; scratch has room for all. */
static double
median_more(
    const double *v, const double *base, size_t rounds, double *scratch)
{
	for (size_t i = 0; i < rounds; i++)
		scratch[i] = v[i] - base[i];
	qsort(scratch, rounds, sizeof(double), compare);
	return scratch[rounds / 2];
}

/* Rounds are in order until all cases are printed. */
static void
print_case(
    const struct bench_case *c, const struct bench_case *base, size_t rounds)
{
	double *v = hg_xcalloc(rounds, sizeof(double));
	double wall = median_more(c->wall_us, base->wall_us, rounds, v);
	double cpu = median_more(c->cpu_us, base->cpu_us, rounds, v);

	memcpy(v, c->wall_us, rounds * sizeof(double));
	qsort(v, rounds, sizeof(double), compare);
	printf("%s\t%.0f\t%.0f\t%.0f", c->name, v[rounds / 2],
	    v[rounds / 10], v[rounds * 9 / 10]);
	memcpy(v, c->cpu_us, rounds * sizeof(double));
	qsort(v, rounds, sizeof(double), compare);
	printf("\t%.0f\t%ld\t%.0f\t%.0f\n", v[rounds / 2], c->peak_kib, wall,
	    cpu);
	free(v);
}

static int
run_all(struct bench_case *cases, size_t n, size_t rounds)
{
	posix_spawn_file_actions_t quiet;
	int rc = 0;

	posix_spawn_file_actions_init(&quiet);
	posix_spawn_file_actions_addopen(&quiet, 0, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_addopen(&quiet, 1, "/dev/null", O_WRONLY, 0);
	for (size_t r = 0; r <= rounds && rc == 0; r++) {
		for (size_t i = 0; i < n && rc == 0; i++) {
			struct bench_case *c = &cases[(i + r) % n];

			rc = run_case(c, r, &quiet);
			if (rc != 0)
				fprintf(stderr, "spawnbench: \"%s\" failed\n",
				    c->name);
		}
	}
	posix_spawn_file_actions_destroy(&quiet);
	return rc;
}

int
main(int argc, char **argv)
{
	struct bench_case cases[MAX_CASES];
	struct hg_strbuf text = HG_STRBUF_INIT;
	struct hg_error err = { 0 };
	char *rest = NULL;
	uint64_t rounds;
	size_t n = 0;
	int rc = -1;

	if (argc != 3 ||
	    hg_parse_u64(argv[1], 1, MAX_ROUNDS, &rounds, &err) < 0) {
		fprintf(stderr, "usage: spawnbench ROUNDS FILE\n");
		return EXIT_FAILURE;
	}
	if (hg_read_file(argv[2], 1 << 20, &text, &err) < 0) {
		fprintf(stderr, "spawnbench: %s\n", err.text);
		return EXIT_FAILURE;
	}
	for (char *line = strtok_r(text.buf, "\n", &rest);
	     line && n < MAX_CASES; line = strtok_r(NULL, "\n", &rest)) {
		if (parse_case(line, rounds, &cases[n++]) < 0) {
			fprintf(stderr, "spawnbench: a case has no command\n");
			goto out;
		}
	}
	rc = n > 0 ? run_all(cases, n, rounds) : -1;
	for (size_t i = 0; i < n && rc == 0; i++)
		print_case(&cases[i], &cases[0], rounds);
out:
	for (size_t i = 0; i < n; i++)
		case_release(&cases[i]);
	hg_strbuf_release(&text);
	return rc == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
