/* SPDX-License-Identifier: Apache-2.0 */
/* Clocks. */
#include "config.h"

#include <time.h>

#include "lib/base/time.h"

static uint64_t
read_clock(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return (uint64_t)ts.tv_sec * HG_NS_PER_SEC + (uint64_t)ts.tv_nsec;
}

uint64_t
hg_now_ns(void)
{
	return read_clock(CLOCK_MONOTONIC);
}

uint64_t
hg_wall_ns(void)
{
	return read_clock(CLOCK_REALTIME);
}

void
hg_rfc3339(uint64_t wall_ns, char ret[HG_RFC3339_BYTES])
{
	time_t t = (time_t)(wall_ns / HG_NS_PER_SEC);
	struct tm tm;

	gmtime_r(&t, &tm);
	strftime(ret, HG_RFC3339_BYTES, "%Y-%m-%dT%H:%M:%SZ", &tm);
}
