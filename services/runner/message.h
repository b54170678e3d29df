/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a worker and its hg-runner in a container say to each other, over one
 * stream socket of one machine. The runner connects, says hello and hands over a
 * descriptor of the container's root folder; then each call is answered before
 * the next one. A hangup of either side ends the container.
 */
#ifndef HG_RUNNER_MESSAGE_H
#define HG_RUNNER_MESSAGE_H

#include <stdint.h>

#define HG_RUNNER_HELLO UINT32_C(0x48475231)
#define HG_RUNNER_CALL UINT32_C(0x48475243)
#define HG_RUNNER_REPLY UINT32_C(0x48475241)

/* Bounds of one call. */
#define HG_RUNNER_MAX_WORDS 65536
#define HG_RUNNER_MAX_BYTES (16 << 20)

/* Descriptors with these numbers can be kept for the program. */
#define HG_RUNNER_MAX_KEEP 4000

/* With the root folder's descriptor. */
struct hg_runner_hello {
	uint32_t magic;
};

/*
 * With the descriptors of stdout and stderr, and of keep_fd when that is not
 * negative. Then follow, each with its NUL: the folder, the arguments, the
 * environment.
 */
struct hg_runner_call {
	uint32_t magic;
	uint32_t bytes;
	uint32_t n_argv;
	uint32_t n_env;
	uint32_t umask;
	/* the number it has in the program */
	int32_t keep_fd;
};

struct hg_runner_reply {
	uint32_t magic;
	/* errno when the program could not be started, and then no more */
	int32_t error;
	/* as wait() tells it */
	int32_t status;
	uint32_t unused;
	uint64_t cpu_us;
	uint64_t peak_rss_kib;
};

#endif
