/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses and names from outside, and settings from the configuration. */
#include "config.h"

#include <string.h>

#include "lib/base/alloc.h"
#include "lib/base/error.h"
#include "lib/config/hg_config.h"
#include "services/coordinator/address.h"
#include "services/coordinator/settings.h"
#include "tests/lib/unit.h"

START_TEST(addresses_have_host_and_port)
{
	static const char *const good[] = { "h:1", "10.0.0.7:50052",
		"[::1]:65535", "a-b.example_1:80" };
	static const char *const bad[] = { "", "h", "h:", ":1", "h:0",
		"h:65536", "h:1x", "::1", "::1:80", "[::1]", "[]:1", "[x]:1",
		"a b:1", "a/b:1", "unix:/x", "h:-1", "h: 1" };

	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++)
		ck_assert_msg(hg_address_is_valid(good[i]), "%s", good[i]);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		ck_assert_msg(!hg_address_is_valid(bad[i]), "%s", bad[i]);
}
END_TEST

START_TEST(peers_have_addresses)
{
	static const struct {
		const char *peer;
		const char *want;
	} rows[] = {
		{ "ipv4:1.2.3.4:999", "1.2.3.4:5" },
		{ "ipv6:[::1]:999", "[::1]:5" },
		{ "ipv6:%5Bfe80::1%5D:999", "[fe80::1]:5" },
		{ "unix:/run/x", NULL },
		{ "ipv4:", NULL },
		{ "ipv4:1.2.3.4", NULL },
		{ "", NULL },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		char *address = hg_address_of_peer(rows[i].peer, 5);

		ck_assert_pstr_eq(address, rows[i].want);
		free(address);
	}
}
END_TEST

START_TEST(ids_are_printable_and_short)
{
	char id[200];

	ck_assert(hg_worker_id_is_valid("worker-1"));
	ck_assert(hg_worker_id_is_valid("127.0.0.1:50052"));
	ck_assert(!hg_worker_id_is_valid(""));
	ck_assert(!hg_worker_id_is_valid("a b"));
	ck_assert(!hg_worker_id_is_valid("a\nb"));
	ck_assert(!hg_worker_id_is_valid("a\"b"));
	ck_assert(!hg_worker_id_is_valid("w\303\266"));
	memset(id, 'x', sizeof(id));
	id[128] = '\0';
	ck_assert(hg_worker_id_is_valid(id));
	id[128] = 'x';
	id[129] = '\0';
	ck_assert(!hg_worker_id_is_valid(id));
}
END_TEST

static int
read_with(enum hg_option_id id, const char *value, char **ret_host,
    struct hg_error *err)
{
	struct hg_coord_settings s = { 0 };
	struct hg_config cfg;
	int rc;

	hg_config_init(&cfg);
	rc = hg_config_set(&cfg, id, value, "test", err);
	if (rc == 0)
		rc = hg_coord_settings_read(&s, &cfg, err);
	if (rc == 0 && ret_host)
		*ret_host = hg_xstrdup(s.host);
	hg_coord_settings_release(&s);
	hg_config_release(&cfg);
	return rc;
}

START_TEST(defaults_are_the_specifications)
{
	struct hg_coord_settings s;
	struct hg_config cfg;

	hg_config_init(&cfg);
	ck_assert_int_eq(hg_coord_settings_read(&s, &cfg, NULL), 0);
	ck_assert_str_eq(s.host, "127.0.0.1");
	ck_assert_uint_eq(s.port, 9000);
	ck_assert_uint_eq(s.breaker.threshold, 10);
	ck_assert_double_eq(s.breaker.failure_rate, 0.6);
	ck_assert_uint_eq(s.breaker.open_ns, 30 * HG_NS_PER_SEC);
	ck_assert_uint_eq(s.retry.max_retries, 3);
	ck_assert_uint_eq(s.retry.initial_ns, 100 * HG_NS_PER_MS);
	ck_assert_double_eq(s.weights.native_arch_match, 50);
	ck_assert_double_eq(s.weights.cross_compile_capable, 25);
	ck_assert_double_eq(s.weights.per_cpu_core, 10);
	ck_assert_double_eq(s.weights.per_gb_ram, 5);
	ck_assert_double_eq(s.weights.per_active_task, -15);
	ck_assert_double_eq(s.weights.per_ms_latency, -0.5);
	ck_assert_double_eq(s.weights.lan_source, 20);
	hg_coord_settings_release(&s);
	hg_config_release(&cfg);
}
END_TEST

START_TEST(only_loopback_is_safe)
{
	static const struct {
		const char *listen;
		const char *host;
	} rows[] = {
		{ "127.0.0.1", "127.0.0.1" },
		{ "127.9.9.9", "127.9.9.9" },
		{ "localhost", "localhost" },
		{ "::1", "[::1]" },
		{ "[::1]", "[::1]" },
		{ "0.0.0.0", NULL },
		{ "::", NULL },
		{ "10.0.0.1", NULL },
		{ "127.0.0.1.example.org", NULL },
		{ "example.org", NULL },
	};
	struct hg_error err;

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		char *host = NULL;
		int rc = read_with(
		    HG_OPT_coordinator_listen, rows[i].listen, &host, &err);

		ck_assert_pstr_eq(host, rows[i].host);
		ck_assert_int_eq(rc, rows[i].host ? 0 : -HG_DENIED);
		if (rc)
			ck_assert_ptr_nonnull(strstr(err.text, "--insecure"));
		free(host);
	}
}
END_TEST

START_TEST(values_out_of_bounds_name_their_option)
{
	static const struct {
		enum hg_option_id id;
		const char *value;
		const char *name;
	} rows[] = {
		{ HG_OPT_coordinator_queue_limit, "-1",
		    "coordinator.queue_limit" },
		{ HG_OPT_coordinator_max_message, "10",
		    "coordinator.max_message" },
		{ HG_OPT_coordinator_max_message, "2GiB",
		    "coordinator.max_message" },
		{ HG_OPT_coordinator_heartbeat_ttl, "0",
		    "coordinator.heartbeat_ttl" },
		{ HG_OPT_resilience_request_threshold, "0",
		    "resilience.request_threshold" },
		{ HG_OPT_resilience_request_threshold, "1000",
		    "resilience.request_threshold" },
		{ HG_OPT_resilience_max_retries, "17",
		    "resilience.max_retries" },
	};
	struct hg_error err;

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		int rc = read_with(rows[i].id, rows[i].value, NULL, &err);

		ck_assert_int_eq(rc, -HG_INVALID);
		/* some are caught where the option is read */
		ck_assert_msg(strstr(err.text, rows[i].name) ||
				  strstr(err.text, rows[i].value),
		    "%s", err.text);
	}
}
END_TEST

UNIT_MAIN("coord_address", addresses_have_host_and_port, peers_have_addresses,
    ids_are_printable_and_short, defaults_are_the_specifications,
    only_loopback_is_safe, values_out_of_bounds_name_their_option)
