/* SPDX-License-Identifier: Apache-2.0 */
/* Chance for scheduling: fast and repeatable from a seed; not for secrets. */
#ifndef HG_COORDINATOR_RANDOM_H
#define HG_COORDINATOR_RANDOM_H

#include <stdint.h>

struct hg_random {
	uint64_t state;
};

/* A hg_random_fn whose ctx is a struct hg_random. */
uint64_t hg_random_next(void *random);
/* A seed from the system. */
uint64_t hg_random_seed(void);

#endif
