/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The options of the coordinator with the bounds that they have here, so that a
 * value which makes no sense ends the program with a sentence at its start.
 */
#include "config.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "lib/base/alloc.h"
#include "lib/base/error.h"
#include "lib/base/limits.h"
#include "lib/config/hg_config.h"
#include "services/coordinator/settings.h"

/* A whole number of an option, within bounds. */
struct bounded {
	const char *name;
	int64_t value;
	int64_t min;
	int64_t max;
};

static int
check_bounds(const struct bounded *v, size_t n, struct hg_error *err)
{
	for (size_t i = 0; i < n; i++)
		if (v[i].value < v[i].min || v[i].value > v[i].max)
			return hg_fail(err, HG_INVALID,
			    "%s is %lld; it must be from %lld to %lld",
			    v[i].name, (long long)v[i].value,
			    (long long)v[i].min, (long long)v[i].max);
	return 0;
}

static int
check_numbers(const struct hg_config *cfg, struct hg_error *err)
{
	const struct bounded v[] = {
		{ "coordinator.grpc_port", cfg->coordinator_grpc_port, 0,
		    65535 },
		{ "coordinator.queue_limit", cfg->coordinator_queue_limit, 0,
		    10000000 },
		{ "resilience.request_threshold",
		    cfg->resilience_request_threshold, 1,
		    HG_BREAKER_MAX_THRESHOLD },
		{ "resilience.max_retries", cfg->resilience_max_retries, 0,
		    HG_MAX_ATTEMPTS - 1 },
	};

	if (cfg->coordinator_max_message < 1024 ||
	    cfg->coordinator_max_message > HG_MAX_FILE_BYTES)
		return hg_fail(err, HG_INVALID,
		    "coordinator.max_message must be from 1KiB to 1GiB");
	if (cfg->coordinator_heartbeat_ttl == 0)
		return hg_fail(
		    err, HG_INVALID, "coordinator.heartbeat_ttl must not be 0");
	return check_bounds(v, sizeof(v) / sizeof(*v), err);
}

static bool
is_loopback(const char *host)
{
	struct in_addr v4;
	struct in6_addr v6;

	if (strcasecmp(host, "localhost") == 0)
		return true;
	if (inet_pton(AF_INET, host, &v4) == 1)
		return (ntohl(v4.s_addr) >> 24) == 127;
	if (inet_pton(AF_INET6, host, &v6) == 1)
		return IN6_IS_ADDR_LOOPBACK(&v6);
	return false;
}

/* "::1" and "[::1]" are one address; gRPC wants the second. */
static int
read_host(struct hg_coord_settings *s, const struct hg_config *cfg,
    struct hg_error *err)
{
	const char *text = cfg->coordinator_listen;
	size_t n = strlen(text);
	char *host;

	if (n == 0)
		return hg_fail(
		    err, HG_INVALID, "coordinator.listen must not be empty");
	if (n > 2 && text[0] == '[' && text[n - 1] == ']')
		host = hg_xstrndup(text + 1, n - 2);
	else
		host = hg_xstrdup(text);
	s->host =
	    strchr(host, ':') ? hg_xasprintf("[%s]", host) : hg_xstrdup(host);
	if (is_loopback(host) || cfg->coordinator_insecure) {
		free(host);
		return 0;
	}
	hg_fail(err, HG_DENIED,
	    "coordinator.listen is %.100s, which other machines can reach, and "
	    "nothing here asks them who they are; use --insecure if your "
	    "network may do that, or listen on 127.0.0.1",
	    text);
	free(host);
	return -HG_DENIED;
}

static size_t
to_size(uint64_t n)
{
	return n > SIZE_MAX ? SIZE_MAX : (size_t)n;
}

int
hg_coord_settings_read(struct hg_coord_settings *s, const struct hg_config *cfg,
    struct hg_error *err)
{
	int rc;

	*s = (struct hg_coord_settings){
		.port = (unsigned)cfg->coordinator_grpc_port,
		.heartbeat_ttl_ns = cfg->coordinator_heartbeat_ttl,
		.queue_limit = (size_t)cfg->coordinator_queue_limit,
		.queue_bytes = to_size(cfg->coordinator_queue_memory),
		.store_dir = hg_config_store_dir(
		    cfg->coordinator_store_dir, "coordinator"),
		.store_bytes = cfg->coordinator_store_size,
		.cache_bytes = to_size(cfg->coordinator_cache_size),
		.max_message_bytes = to_size(cfg->coordinator_max_message),
		.drain_ns = cfg->coordinator_drain_timeout,
		.compile_ns = cfg->launcher_timeout,
		.weights = {
			.native_arch_match = cfg->scheduler_native_arch_match,
			.cross_compile_capable =
			    cfg->scheduler_cross_compile_capable,
			.per_cpu_core = cfg->scheduler_per_cpu_core,
			.per_gb_ram = cfg->scheduler_per_gb_ram,
			.per_active_task = cfg->scheduler_per_active_task,
			.per_ms_latency = cfg->scheduler_per_ms_latency,
			.lan_source = cfg->scheduler_lan_source,
		},
		.breaker = {
			.threshold =
			    (unsigned)cfg->resilience_request_threshold,
			.failure_rate = cfg->resilience_failure_rate,
			.open_ns = cfg->resilience_open_timeout,
		},
		.retry = {
			.max_retries = (unsigned)cfg->resilience_max_retries,
			.initial_ns = cfg->resilience_initial_interval,
			.max_ns = cfg->resilience_max_interval,
		},
	};
	rc = check_numbers(cfg, err);
	return rc ? rc : read_host(s, cfg, err);
}

void
hg_coord_settings_release(struct hg_coord_settings *s)
{
	free(s->host);
	free(s->store_dir);
	s->host = NULL;
	s->store_dir = NULL;
}
