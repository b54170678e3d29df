/* SPDX-License-Identifier: Apache-2.0 */
/* hgbuild cache verify. */
#include "config.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/json.h"
#include "cli/text.h"
#include "cli/upkeep.h"
#include "lib/base/strbuf.h"
#include "lib/store/cache.h"
#include "lib/store/stats.h"
#include "lib/store/verify.h"

struct findings {
	bool json;
	json_t *list;
};

static void
on_damage(void *arg, const struct hg_digest *key, const char *ending,
    const char *why)
{
	struct findings *f = arg;
	char hex[HG_DIGEST_HEX_BYTES];

	hg_digest_hex(key, hex);
	if (f->json)
		json_array_append_new(f->list,
		    json_pack("{s:s,s:s,s:s}", "key", hex, "kind", ending,
			"problem", why));
	else
		printf("%s.%s: %s\n", hex, ending, why);
}

static int
print_json(const struct hg_verify_report *r, json_t *list)
{
	return hg_json_print(json_pack(
	    "{s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:{s:I,s:I,s:I},s:o}", "entries",
	    (json_int_t)r->files, "bytes", (json_int_t)r->bytes, "damaged",
	    (json_int_t)r->damaged, "unreadable", (json_int_t)r->unreadable,
	    "unreferenced", (json_int_t)r->unreferenced, "removed",
	    (json_int_t)r->removed, "strays", (json_int_t)r->strays,
	    "counters", "folders_wrong", (json_int_t)r->corrected,
	    "entries_off", (json_int_t)r->off.files, "bytes_off",
	    (json_int_t)r->off.bytes, "problems", list));
}

/* A line, when there is something to count. */
static void
add_count(struct hg_strbuf *out, uint64_t n, const char *what)
{
	if (n > 0)
		hg_strbuf_addf(out, "%" PRIu64 " %s\n", n, what);
}

static int
print_text(const struct hg_verify_report *r)
{
	struct hg_strbuf out = HG_STRBUF_INIT;

	hg_strbuf_addf(&out, "checked %" PRIu64 " entries, ", r->files);
	hg_text_bytes(r->bytes, &out);
	hg_strbuf_addf(&out, ": %" PRIu64 " damaged\n", r->damaged);
	add_count(&out, r->unreadable, "could not be read");
	add_count(&out, r->unreferenced, "are results that nothing leads to");
	add_count(&out, r->removed, "were removed");
	add_count(&out, r->strays, "files are no entries and were left alone");
	if (r->corrected > 0)
		hg_strbuf_addf(&out,
		    "the counters of %" PRIu64 " folders were wrong, by %" PRId64
		    " entries and %" PRId64 " bytes in sum, and are right now\n",
		    r->corrected, r->off.files, r->off.bytes);
	fputs(out.buf, stdout);
	hg_strbuf_release(&out);
	return 0;
}

/* NULL when there is no cache yet. Only who removes entries needs the lock. */
static int
open_cache(const struct hg_cli *cli, bool removes, struct hg_cache **ret,
    struct hg_error *err)
{
	if (removes)
		return hg_upkeep_open(cli, ret, err);
	*ret = access(cli->cfg.cache_dir, F_OK) == 0
	    ? hg_cache_new(cli->cfg.cache_dir)
	    : NULL;
	return 0;
}

static int
verify(struct hg_cli *cli, const struct hg_verify_rule *rule,
    struct hg_verify_report *ret, struct hg_error *err)
{
	struct hg_stats_file *stats;
	struct hg_cache *cache;
	int rc = open_cache(cli, rule->removes, &cache, err);

	if (rc || !cache)
		return rc;
	rc = hg_verify(cache, rule, ret, err);
	if (ret->removed > 0) {
		stats = hg_stats_open(cli->cfg.cache_dir, NULL);
		hg_stats_add(stats, HG_STAT_DAMAGED, (int64_t)ret->damaged);
		hg_stats_close(stats);
	}
	hg_cache_free(cache);
	return rc;
}

int
hg_cli_cache_verify(struct hg_cli *cli)
{
	struct findings found = { cli->json, cli->json ? json_array() : NULL };
	const struct hg_verify_rule rule = { hg_cli_value(cli, "remove") != NULL,
		on_damage, &found };
	struct hg_verify_report report = { 0 };
	struct hg_error err;
	int rc = hg_cli_refuse(cli);

	if (rc)
		goto out;
	if (verify(cli, &rule, &report, &err) != 0)
		rc = hg_cli_fail(&err);
	else if (cli->json)
		rc = print_json(&report, json_incref(found.list));
	else
		rc = print_text(&report);
	/* what was damaged and is gone is no trouble any more */
	if (rc == 0 &&
	    (report.unreadable > 0 || (report.damaged > 0 && !rule.removes)))
		rc = hg_code_exit(HG_CORRUPT);
out:
	json_decref(found.list);
	return rc;
}
