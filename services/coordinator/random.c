/* SPDX-License-Identifier: Apache-2.0 */
/* The splitmix64 generator. */
#include "config.h"

#include <sys/random.h>
#include <sys/types.h>

#include "lib/base/time.h"
#include "services/coordinator/random.h"

uint64_t
hg_random_next(void *random)
{
	struct hg_random *r = random;
	uint64_t z;

	r->state += UINT64_C(0x9e3779b97f4a7c15);
	z = r->state;
	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

uint64_t
hg_random_seed(void)
{
	uint64_t seed;

	if (getrandom(&seed, sizeof(seed), 0) != (ssize_t)sizeof(seed))
		seed = hg_now_ns() ^ hg_wall_ns();
	return seed;
}
