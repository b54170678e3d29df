/* SPDX-License-Identifier: Apache-2.0 */
/* What the configuration says to the coordinator, checked. */
#ifndef HG_COORDINATOR_SETTINGS_H
#define HG_COORDINATOR_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "services/coordinator/breaker.h"
#include "services/coordinator/retry.h"
#include "services/coordinator/scheduler.h"

struct hg_config;
struct hg_error;

struct hg_coord_settings {
	/* "127.0.0.1", "[::1]": as it stands before the port; owned */
	char *host;
	unsigned port;
	uint64_t heartbeat_ttl_ns;
	size_t queue_limit;
	size_t queue_bytes;
	size_t cache_bytes;
	/* where clients' contents are kept; owned; 0: no limit */
	char *store_dir;
	uint64_t store_bytes;
	size_t max_message_bytes;
	uint64_t drain_ns;
	/* for a compile whose caller set no deadline */
	uint64_t compile_ns;
	struct hg_weights weights;
	struct hg_breaker_policy breaker;
	struct hg_retry_policy retry;
};

/*
 * -HG_INVALID with a sentence that names the option, or -HG_DENIED for an
 * address that is not loopback's without coordinator.insecure. Release also
 * after an error.
 */
int hg_coord_settings_read(struct hg_coord_settings *s,
    const struct hg_config *cfg, struct hg_error *err);
void hg_coord_settings_release(struct hg_coord_settings *s);

#endif
