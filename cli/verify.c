/* SPDX-License-Identifier: Apache-2.0 */
/* hgbuild cache verify. */
#include "config.h"

#include <inttypes.h>
#include <stdio.h>

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
	    "{s:I,s:I,s:I,s:I,s:I,s:{s:I,s:I,s:I},s:o}", "entries",
	    (json_int_t)r->files, "bytes", (json_int_t)r->bytes, "damaged",
	    (json_int_t)r->damaged, "unreadable", (json_int_t)r->unreadable,
	    "strays", (json_int_t)r->strays, "counters", "folders_wrong",
	    (json_int_t)r->corrected, "entries_off", (json_int_t)r->off.files,
	    "bytes_off", (json_int_t)r->off.bytes, "problems", list));
}

static int
print_text(const struct hg_verify_report *r)
{
	struct hg_strbuf out = HG_STRBUF_INIT;

	hg_strbuf_addf(&out, "checked %" PRIu64 " entries, ", r->files);
	hg_text_bytes(r->bytes, &out);
	hg_strbuf_addf(
	    &out, ": %" PRIu64 " were damaged and are removed\n", r->damaged);
	if (r->unreadable > 0)
		hg_strbuf_addf(&out, "%" PRIu64 " could not be read\n",
		    r->unreadable);
	if (r->strays > 0)
		hg_strbuf_addf(&out,
		    "%" PRIu64 " files are no entries and were left alone\n",
		    r->strays);
	if (r->corrected > 0)
		hg_strbuf_addf(&out,
		    "the counters of %" PRIu64 " folders were wrong, by %" PRId64
		    " entries and %" PRId64 " bytes in sum, and are right now\n",
		    r->corrected, r->off.files, r->off.bytes);
	fputs(out.buf, stdout);
	hg_strbuf_release(&out);
	return 0;
}

int
hg_cli_cache_verify(struct hg_cli *cli)
{
	struct findings found = { cli->json, cli->json ? json_array() : NULL };
	struct hg_verify_report report = { 0 };
	struct hg_cache *cache = NULL;
	struct hg_stats_file *stats;
	struct hg_error err;
	int rc = hg_cli_refuse(cli);

	if (rc)
		goto out;
	rc = hg_upkeep_open(cli, &cache, &err);
	if (rc == 0 && cache) {
		rc = hg_verify(cache, on_damage, &found, &report, &err);
		stats = hg_stats_open(cli->cfg.cache_dir, NULL);
		hg_stats_add(
		    stats, HG_STAT_DAMAGED, (int64_t)report.damaged);
		hg_stats_close(stats);
	}
	hg_cache_free(cache);
	if (rc)
		rc = hg_cli_fail(&err);
	else if (cli->json)
		rc = print_json(&report, json_incref(found.list));
	else
		rc = print_text(&report);
	if (rc == 0 && report.damaged + report.unreadable > 0)
		rc = hg_code_exit(HG_CORRUPT);
out:
	json_decref(found.list);
	return rc;
}
