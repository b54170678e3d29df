/* SPDX-License-Identifier: Apache-2.0 */
/* hgbuild cache clear, trim and evict. */
#include "config.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/json.h"
#include "cli/text.h"
#include "cli/upkeep.h"
#include "lib/base/parse.h"
#include "lib/base/strbuf.h"
#include "lib/base/time.h"
#include "lib/store/cache.h"
#include "lib/store/evict.h"
#include "lib/store/stats.h"
#include "lib/store/usage.h"

/* A launcher's cleaner works for seconds at most. */
enum { WAIT_MS = 30000 };

int
hg_upkeep_open(const struct hg_cli *cli, struct hg_cache **ret_cache,
    struct hg_error *err)
{
	const char *dir = cli->cfg.cache_dir;
	struct hg_cache *c;
	struct hg_usage *u;
	int rc = 0;

	*ret_cache = NULL;
	if (access(dir, F_OK) < 0)
		return 0;
	c = hg_cache_new(dir);
	u = hg_cache_usage(c, err);
	rc = u ? hg_usage_lock(u, WAIT_MS, err) : -HG_IO;
	if (rc)
		hg_cache_free(c);
	else
		*ret_cache = c;
	return rc;
}

static int
print_json(const struct hg_evict_result *gone, struct hg_usage_count left)
{
	return hg_json_print(json_pack("{s:I,s:I,s:I,s:I}", "removed_entries",
	    (json_int_t)gone->files, "removed_bytes", (json_int_t)gone->bytes,
	    "entries", (json_int_t)left.files, "bytes",
	    (json_int_t)left.bytes));
}

static int
print_text(const struct hg_evict_result *gone, struct hg_usage_count left)
{
	struct hg_strbuf out = HG_STRBUF_INIT;

	hg_strbuf_addf(&out, "removed %" PRIu64 " entries, ", gone->files);
	hg_text_bytes(gone->bytes, &out);
	hg_strbuf_addf(&out, "; %" PRId64 " are left, ", left.files);
	hg_text_bytes(left.bytes > 0 ? (uint64_t)left.bytes : 0, &out);
	hg_strbuf_addc(&out, '\n');
	fputs(out.buf, stdout);
	hg_strbuf_release(&out);
	return 0;
}

/* Applies the rule to the cache and prints what became of it. */
static int
apply(struct hg_cli *cli, const struct hg_evict_rule *rule)
{
	struct hg_evict_result gone = { 0, 0 };
	struct hg_usage_count left = { 0, 0 };
	struct hg_cache *cache;
	struct hg_stats_file *stats;
	struct hg_error err;
	int rc = hg_upkeep_open(cli, &cache, &err);

	if (rc == 0 && cache) {
		rc = hg_evict_all(cache, rule, &gone, &err);
		left = hg_usage_total(hg_cache_usage(cache, NULL));
		stats = hg_stats_open(cli->cfg.cache_dir, NULL);
		hg_stats_add(stats, HG_STAT_EVICTED, (int64_t)gone.files);
		hg_stats_close(stats);
	}
	hg_cache_free(cache);
	if (rc)
		return hg_cli_fail(&err);
	return cli->json ? print_json(&gone, left) : print_text(&gone, left);
}

int
hg_cli_cache_clear(struct hg_cli *cli)
{
	const struct hg_evict_rule all = { .by_age = true };
	int rc = hg_cli_refuse(cli);

	return rc ? rc : apply(cli, &all);
}

int
hg_cli_cache_trim(struct hg_cli *cli)
{
	const char *size = hg_cli_value(cli, "max-size");
	const char *files = hg_cli_value(cli, "max-files");
	const struct hg_config *cfg = &cli->cfg;
	struct hg_evict_rule rule = { .by_age = cfg->cache_max_age > 0,
		.older_than_s = cfg->cache_max_age / HG_NS_PER_SEC + 1,
		.max_bytes = cfg->cache_max_size,
		.max_files = cfg->cache_max_files > 0
		    ? (uint64_t)cfg->cache_max_files
		    : 0 };
	struct hg_error err;
	int rc = hg_cli_refuse(cli);

	if (rc)
		return rc;
	if ((size && hg_parse_size(size, &rule.max_bytes, &err)) ||
	    (files &&
		hg_parse_u64(files, 0, INT64_MAX, &rule.max_files, &err)))
		return hg_cli_usage("%s", err.text);
	return apply(cli, &rule);
}

int
hg_cli_cache_evict(struct hg_cli *cli)
{
	const char *age = hg_cli_value(cli, "older-than");
	struct hg_evict_rule rule = { .by_age = true,
		.namespace = hg_cli_value(cli, "namespace") };
	uint64_t age_ns = 0;
	struct hg_error err;
	int rc = hg_cli_refuse(cli);

	if (rc)
		return rc;
	if (!age && !rule.namespace)
		return hg_cli_usage(
		    "cache evict needs --older-than or --namespace");
	if (age && hg_parse_duration(age, &age_ns, &err))
		return hg_cli_usage("%s", err.text);
	rule.older_than_s = age_ns / HG_NS_PER_SEC;
	return apply(cli, &rule);
}
