/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a simulated worker answers Compile: as a real one would, but for the
 * compiler, in whose place it waits. Only on the loop's thread.
 */
#ifndef HG_TESTS_BENCH_SIMANSWER_H
#define HG_TESTS_BENCH_SIMANSWER_H

#include <stddef.h>
#include <stdint.h>

struct hg_error;
struct hg_rpc_loop;
struct hg_rpc_request;
struct sim_answers;

struct sim_answer_options {
	/* where contents are kept; NULL: requests bring all they need */
	const char *store_dir;
	/* a compile takes as long, at random between these */
	uint64_t min_sleep_ns;
	uint64_t max_sleep_ns;
	uint64_t seed;
	/* size of objects */
	size_t object_bytes;
	/* host:port of a real worker, whose first answer is given ever after to
	 * the same inputs and outputs; NULL: answers are made up */
	const char *like;
};

/* NULL and err when the folder or the address is of no use. */
struct sim_answers *sim_answers_new(struct hg_rpc_loop *loop,
    const struct sim_answer_options *options, struct hg_error *err);
/* When all requests have been answered and the loop is free of their timers. */
void sim_answers_free(struct sim_answers *a);

/* Answers, some time later. */
void sim_answer(struct sim_answers *a, struct hg_rpc_request *req);

/* Compiles that run now, and those that ended. */
unsigned sim_answers_active(const struct sim_answers *a);
uint64_t sim_answers_total(const struct sim_answers *a);

#endif
