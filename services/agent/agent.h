/* SPDX-License-Identifier: Apache-2.0 */
/* What all parts of the agent share. */
#ifndef HG_AGENT_AGENT_H
#define HG_AGENT_AGENT_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>

#include "lib/config/hg_config.h"

struct hg_coords;
struct hg_contents;
struct hg_known;
struct hg_natives;
struct hg_scan;
struct hg_search;
struct hg_toolchains;
struct hg_toolsets;

struct hg_agent {
	struct hg_config config;
	struct hg_coords *coords;
	struct hg_contents *contents;
	struct hg_known *known;
	struct hg_search *search;
	struct hg_scan *scan;
	struct hg_toolchains *toolchains;
	struct hg_toolsets *toolsets;
	struct hg_natives *natives;
	/* whoever sends much holds it */
	pthread_mutex_t upload;
	uint64_t started_ns;
	/* an eventfd: the main thread has something to look at */
	int wake_fd;
	/* a launcher asked the agent to leave */
	atomic_bool is_stopping;
	atomic_uint active;
	atomic_ullong compiles;
	atomic_ullong remote;
	atomic_ullong local;
};

#endif
