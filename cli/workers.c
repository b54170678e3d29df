/* SPDX-License-Identifier: Apache-2.0 */
/* hgbuild workers: what the coordinator knows of its workers. */
#include "config.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "cli/cli.h"
#include "cli/json.h"
#include "cli/query.h"
#include "cli/table.h"
#include "lib/base/strbuf.h"
#include "lib/wire/wire.h"

/* What the coordinator does with it, rather than how its breaker is. */
static const char *
state_of(const struct hg_wire_worker *w)
{
	static const char *const words[][2] = {
		{ "closed", "ready" },
		{ "open", "failing" },
		{ "half_open", "on trial" },
	};

	if (w->draining)
		return "draining";
	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
		if (strcasecmp(w->circuit_state, words[i][0]) == 0)
			return words[i][1];
	}
	return w->circuit_state;
}

static const char *
state_and_lack(const struct hg_wire_worker *w)
{
	return strcmp(state_of(w), "ready") == 0 && *w->caps.no_sandbox
	    ? "no sandbox"
	    : state_of(w);
}

/* "x86_64,arm64" */
static void
add_list(struct hg_table *t, char **v, size_t n)
{
	struct hg_strbuf list = HG_STRBUF_INIT;

	for (size_t i = 0; i < n; i++)
		hg_strbuf_addf(&list, "%s%s", i > 0 ? "," : "", v[i]);
	hg_table_add(t, "%s", list.len > 0 ? list.buf : "-");
	hg_strbuf_release(&list);
}

static void
print_short(const struct hg_wire_status_reply *reply)
{
	static const char *const title[] = { "WORKER", "ADDRESS", "ARCH",
		"RUNNING", "SLOTS", "STATE", NULL };
	struct hg_table t;

	hg_table_init(&t, title);
	for (size_t i = 0; i < reply->n_workers; i++) {
		const struct hg_wire_worker *w = &reply->workers[i];

		hg_table_add(&t, "%s", w->worker_id);
		hg_table_add(&t, "%s", w->address);
		add_list(&t, w->caps.architectures, w->caps.n_architectures);
		hg_table_add(&t, "%" PRId32, w->active_tasks);
		hg_table_add(&t, "%" PRId32, w->caps.slots);
		hg_table_add(&t, "%s", state_and_lack(w));
	}
	hg_table_print(&t);
	hg_table_release(&t);
}

static void
print_long(const struct hg_wire_status_reply *reply)
{
	static const char *const title[] = { "WORKER", "ADDRESS", "ARCH",
		"RUNNING", "SLOTS", "STATE", "CORES", "MEMORY-MB", "DONE",
		"FAILED", "AVG-MS", "LATENCY-MS", "HEARD-S", "SOURCE",
		"VERSION", "COMPILERS", NULL };
	struct hg_table t;

	hg_table_init(&t, title);
	for (size_t i = 0; i < reply->n_workers; i++) {
		const struct hg_wire_worker *w = &reply->workers[i];

		hg_table_add(&t, "%s", w->worker_id);
		hg_table_add(&t, "%s", w->address);
		add_list(&t, w->caps.architectures, w->caps.n_architectures);
		hg_table_add(&t, "%" PRId32, w->active_tasks);
		hg_table_add(&t, "%" PRId32, w->caps.slots);
		hg_table_add(&t, "%s", state_and_lack(w));
		hg_table_add(&t, "%" PRId32, w->caps.cpu_cores);
		hg_table_add(&t, "%" PRId64, w->caps.memory_bytes / 1000000);
		hg_table_add(&t, "%" PRId32, w->successful_tasks);
		hg_table_add(
		    &t, "%" PRId32, w->total_tasks - w->successful_tasks);
		hg_table_add(&t, "%" PRId64, w->avg_compile_time_ms);
		hg_table_add(&t, "%.1f", w->latency_ms);
		hg_table_add(&t, "%.1f", (double)w->heartbeat_age_ms / 1000);
		hg_table_add(&t, "%s", w->source);
		hg_table_add(&t, "%s", w->caps.version);
		add_list(&t, w->caps.compilers, w->caps.n_compilers);
	}
	hg_table_print(&t);
	hg_table_release(&t);
}

static json_t *
json_list(char **v, size_t n)
{
	json_t *list = json_array();

	for (size_t i = 0; i < n; i++)
		json_array_append_new(list, hg_json_text(v[i]));
	return list;
}

static json_t *
json_worker(const struct hg_wire_worker *w)
{
	const struct hg_wire_capabilities *c = &w->caps;

	return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:i, s:i, s:I, s:i, "
			 "s:i, s:i, s:I, s:f, s:I, s:o, s:o, s:b, s:o}",
	    "id", hg_json_text(w->worker_id), "address",
	    hg_json_text(w->address), "hostname", hg_json_text(c->hostname),
	    "version", hg_json_text(c->version), "architectures",
	    json_list(c->architectures, c->n_architectures), "compilers",
	    json_list(c->compilers, c->n_compilers), "slots", (int)c->slots,
	    "cpu_cores", (int)c->cpu_cores, "memory_bytes",
	    (json_int_t)c->memory_bytes, "active_tasks", (int)w->active_tasks,
	    "total_tasks", (int)w->total_tasks, "successful_tasks",
	    (int)w->successful_tasks, "avg_compile_time_ms",
	    (json_int_t)w->avg_compile_time_ms, "latency_ms", w->latency_ms,
	    "heartbeat_age_ms", (json_int_t)w->heartbeat_age_ms,
	    "circuit_state", hg_json_text(w->circuit_state), "source",
	    hg_json_text(w->source), "draining", (int)w->draining,
	    "no_sandbox", hg_json_text(c->no_sandbox));
}

static int
print_json(const struct hg_wire_status_reply *reply)
{
	json_t *list = json_array();

	for (size_t i = 0; i < reply->n_workers; i++)
		json_array_append_new(list, json_worker(&reply->workers[i]));
	return hg_json_print(list);
}

int
hg_cli_workers(struct hg_cli *cli)
{
	struct hg_wire_status request = { 0 };
	struct hg_wire_status_reply *reply = NULL;
	struct hg_strbuf body = HG_STRBUF_INIT, answer = HG_STRBUF_INIT;
	struct hg_error err;
	char *target = NULL;
	int rc = hg_cli_refuse(cli);

	if (rc)
		return rc;
	hg_wire_status_pack(&request, &body);
	rc = hg_query(cli, HG_METHOD_STATUS, &body, &answer, &target, &err);
	if (rc == 0)
		reply =
		    hg_wire_status_reply_unpack(answer.buf, answer.len, &err);
	if (!reply) {
		rc = hg_cli_fail(&err);
	} else if (cli->json) {
		rc = print_json(reply);
	} else if (cli->cfg.launcher_verbose) {
		print_long(reply);
	} else {
		print_short(reply);
	}
	hg_wire_status_reply_free(reply);
	hg_strbuf_release(&body);
	hg_strbuf_release(&answer);
	free(target);
	return rc;
}
