/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hgbuild status: the coordinator's health, the user's agent, the local cache.
 * All of it is shown whatever part fails; a coordinator that is configured and
 * does not answer decides the exit status.
 */
#include "config.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "cli/cache.h"
#include "cli/cli.h"
#include "cli/query.h"
#include "cli/text.h"
#include "launcher/remote.h"
#include "lib/base/strbuf.h"
#include "lib/wire/agent_msg.h"
#include "lib/wire/wire.h"

struct status {
	/* NULL and err when the coordinator did not answer */
	struct hg_wire_health_reply *health;
	char *target;
	struct hg_error health_err;
	/* NULL when no agent runs */
	struct hg_agent_reply *agent;
	struct hg_cache_figures cache;
	int cache_rc;
	struct hg_error cache_err;
};

static void
ask_coordinator(const struct hg_cli *cli, struct status *s)
{
	struct hg_wire_health request = { 0 };
	struct hg_strbuf body = HG_STRBUF_INIT, answer = HG_STRBUF_INIT;

	hg_wire_health_pack(&request, &body);
	if (hg_query(cli, HG_METHOD_HEALTH, &body, &answer, &s->target,
		&s->health_err) == 0)
		s->health = hg_wire_health_reply_unpack(
		    answer.buf, answer.len, &s->health_err);
	hg_strbuf_release(&body);
	hg_strbuf_release(&answer);
}

/* Starts no agent. */
static void
ask_agent(const struct hg_cli *cli, struct status *s)
{
	struct hg_remote_options options = HG_REMOTE_OPTIONS_INIT;
	struct hg_agent_request request = { .kind = HG_AGENT_STATUS };
	struct hg_error err;

	options.connect_wait_ns = cli->cfg.agent_connect_wait;
	options.backoff_ns = 0;
	if (hg_remote_ask(&options, &request, &s->agent, &err))
		s->agent = NULL;
}

static void
text_coordinator(
    const struct hg_cli *cli, const struct status *s, struct hg_strbuf *out)
{
	const struct hg_wire_health_reply *h = s->health;

	if (!*cli->cfg.launcher_coordinator) {
		hg_strbuf_adds(out, "coordinator  none is configured\n");
		return;
	}
	if (!h) {
		hg_strbuf_addf(
		    out, "coordinator  no answer: %s\n", s->health_err.text);
		return;
	}
	hg_strbuf_addf(out, "coordinator  %s, version %s, %s%s\n", s->target,
	    *h->version ? h->version : "unknown",
	    h->healthy ? "healthy" : "not healthy",
	    h->should_drain ? ", draining" : "");
	hg_strbuf_addf(out,
	    "workers      %" PRId32 " with %" PRId32 " slots\n"
	    "compiles     %" PRId32 " running, %" PRId32 " waiting\n",
	    h->workers, h->slots, h->active_tasks, h->queued_tasks);
	hg_strbuf_addf(out,
	    "shared       %" PRIu64 " hits, %" PRIu64 " misses, %" PRIu64
	    " entries, ",
	    h->cache_hits, h->cache_misses, h->cache_entries);
	hg_text_bytes(h->cache_bytes, out);
	hg_strbuf_adds(out, "\nup           ");
	hg_text_seconds((double)h->uptime_seconds, out);
	hg_strbuf_addc(out, '\n');
}

static void
text_agent(const struct status *s, struct hg_strbuf *out)
{
	const struct hg_agent_reply *a = s->agent;

	if (!a) {
		hg_strbuf_adds(out, "agent        none runs\n");
		return;
	}
	hg_strbuf_addf(out,
	    "agent        process %" PRIu32 ", %" PRIu64 " compiles (%" PRIu64
	    " remote, %" PRIu64 " local), %" PRIu32 " running, up ",
	    a->pid, a->compiles, a->remote, a->local, a->active);
	hg_text_seconds((double)a->uptime_ms / 1000, out);
	hg_strbuf_addc(out, '\n');
}

static void
print_text(const struct hg_cli *cli, const struct status *s)
{
	struct hg_strbuf out = HG_STRBUF_INIT;

	text_coordinator(cli, s, &out);
	text_agent(s, &out);
	if (s->cache_rc)
		hg_strbuf_addf(&out, "cache        %s\n", s->cache_err.text);
	else
		hg_cache_figures_text(&s->cache, &cli->cfg, &out);
	for (char *p = out.buf; *p; p++) {
		if ((unsigned char)*p < 0x20 && *p != '\n')
			*p = '?';
	}
	fputs(out.buf, stdout);
	hg_strbuf_release(&out);
}

static json_t *
json_coordinator(const struct hg_cli *cli, const struct status *s)
{
	const struct hg_wire_health_reply *h = s->health;

	if (!*cli->cfg.launcher_coordinator)
		return json_null();
	if (!h)
		return json_pack("{s:o, s:b, s:o}", "address",
		    hg_json_text(cli->cfg.launcher_coordinator), "reachable", 0,
		    "error", hg_json_text(s->health_err.text));
	return json_pack("{s:o, s:b, s:o, s:b, s:o, s:b, s:i, s:i, s:i, s:i, "
			 "s:I, s:I, s:I, s:I, s:I}",
	    "address", hg_json_text(s->target), "reachable", 1, "version",
	    hg_json_text(h->version), "healthy", (int)h->healthy, "status",
	    hg_json_text(h->status), "draining", (int)h->should_drain,
	    "workers", (int)h->workers, "slots", (int)h->slots, "active_tasks",
	    (int)h->active_tasks, "queued_tasks", (int)h->queued_tasks,
	    "uptime_seconds", (json_int_t)h->uptime_seconds, "cache_hits",
	    (json_int_t)h->cache_hits, "cache_misses",
	    (json_int_t)h->cache_misses, "cache_entries",
	    (json_int_t)h->cache_entries, "cache_bytes",
	    (json_int_t)h->cache_bytes);
}

static json_t *
json_agent(const struct status *s)
{
	const struct hg_agent_reply *a = s->agent;

	if (!a)
		return json_null();
	return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I}", "pid",
	    (json_int_t)a->pid, "compiles", (json_int_t)a->compiles, "remote",
	    (json_int_t)a->remote, "local", (json_int_t)a->local, "active",
	    (json_int_t)a->active, "uptime_ms", (json_int_t)a->uptime_ms);
}

static int
print_json(const struct hg_cli *cli, const struct status *s)
{
	return hg_json_print(json_pack("{s:o, s:o, s:o}", "coordinator",
	    json_coordinator(cli, s), "agent", json_agent(s), "cache",
	    s->cache_rc ? json_null()
			: hg_cache_figures_json(&s->cache, &cli->cfg)));
}

int
hg_cli_status(struct hg_cli *cli)
{
	bool configured = *cli->cfg.launcher_coordinator;
	struct status s = { 0 };
	int rc = hg_cli_refuse(cli);

	if (rc)
		return rc;
	if (configured)
		ask_coordinator(cli, &s);
	ask_agent(cli, &s);
	s.cache_rc =
	    hg_cache_figures_read(&s.cache, cli->cfg.cache_dir, &s.cache_err);
	if (cli->json)
		rc = print_json(cli, &s);
	else
		print_text(cli, &s);
	if (configured && !s.health)
		rc = hg_cli_fail(&s.health_err);
	hg_wire_health_reply_free(s.health);
	hg_agent_reply_free(s.agent);
	free(s.target);
	return rc;
}
