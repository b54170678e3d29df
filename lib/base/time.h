/* SPDX-License-Identifier: Apache-2.0 */
/* Clocks. Intervals use the monotonic one; wall time is for people and files. */
#ifndef HG_BASE_TIME_H
#define HG_BASE_TIME_H

#include <stddef.h>
#include <stdint.h>

#define HG_NS_PER_SEC UINT64_C(1000000000)
#define HG_NS_PER_MS UINT64_C(1000000)

/* CLOCK_MONOTONIC in nanoseconds. */
uint64_t hg_now_ns(void);
/* CLOCK_REALTIME in nanoseconds since 1970. */
uint64_t hg_wall_ns(void);

/* "2026-01-17T10:30:00Z" and its NUL. */
#define HG_RFC3339_BYTES 32
void hg_rfc3339(uint64_t wall_ns, char ret[HG_RFC3339_BYTES]);

#endif
