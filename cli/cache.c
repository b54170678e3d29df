/* SPDX-License-Identifier: Apache-2.0 */
/* hgbuild cache stats and zero, and the figures for other commands. */
#include "config.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/cache.h"
#include "cli/cli.h"
#include "cli/text.h"
#include "lib/base/strbuf.h"
#include "lib/store/stats.h"
#include "lib/store/usage.h"

static uint64_t
not_negative(int64_t n)
{
	return n > 0 ? (uint64_t)n : 0;
}

static void
read_usage(struct hg_cache_figures *ret, const char *dir)
{
	struct hg_usage *u = hg_usage_open(dir, NULL);
	struct hg_usage_count now;

	if (!u)
		return;
	now = hg_usage_total(u);
	ret->entries = not_negative(now.files);
	ret->bytes = not_negative(now.bytes);
	hg_usage_close(u);
}

int
hg_cache_figures_read(
    struct hg_cache_figures *ret, const char *dir, struct hg_error *err)
{
	struct hg_stats_file *f;

	memset(ret, 0, sizeof(*ret));
	/* looking at a cache does not make one */
	if (access(dir, F_OK) < 0)
		return 0;
	f = hg_stats_open(dir, err);
	if (!f)
		return -HG_IO;
	hg_stats_read(f, &ret->stats);
	hg_stats_close(f);
	read_usage(ret, dir);
	for (int i = 0; i < HG_REASON_COUNT; i++)
		ret->class[hg_reason_class((enum hg_reason)i)] +=
		    ret->stats.reason[i];
	return 0;
}

double
hg_cache_figures_rate(const struct hg_cache_figures *f)
{
	uint64_t hits = f->class[HG_REASON_CLASS_HIT];
	uint64_t all = hits + f->class[HG_REASON_CLASS_REMOTE] +
		       f->class[HG_REASON_CLASS_MISS] +
		       f->class[HG_REASON_CLASS_LOCAL];

	return all > 0 ? (double)hits / (double)all : 0;
}

double
hg_cache_figures_saved(const struct hg_cache_figures *f)
{
	uint64_t saved = f->stats.stat[HG_STAT_SAVED_US];
	uint64_t all = saved + f->stats.stat[HG_STAT_COMPILE_US];

	return all > 0 ? (double)saved / (double)all : 0;
}

void
hg_cache_figures_text(const struct hg_cache_figures *f,
    const struct hg_config *cfg, struct hg_strbuf *out)
{
	const uint64_t *stat = f->stats.stat;

	hg_strbuf_addf(out, "cache        %s\n", cfg->cache_dir);
	hg_strbuf_addf(out, "entries      %" PRIu64 ", ", f->entries);
	hg_text_bytes(f->bytes, out);
	if (cfg->cache_max_size > 0) {
		hg_strbuf_adds(out, " of ");
		hg_text_bytes(cfg->cache_max_size, out);
	}
	hg_strbuf_addf(out, "\nhits         %" PRIu64 " (%.1f %%)\n",
	    f->class[HG_REASON_CLASS_HIT], 100 * hg_cache_figures_rate(f));
	hg_strbuf_addf(out, "remote       %" PRIu64 "\n",
	    f->class[HG_REASON_CLASS_REMOTE]);
	hg_strbuf_addf(out, "local        %" PRIu64 "\n",
	    f->class[HG_REASON_CLASS_MISS] + f->class[HG_REASON_CLASS_LOCAL]);
	hg_strbuf_addf(
	    out, "passed on    %" PRIu64 "\n", f->class[HG_REASON_CLASS_PASS]);
	hg_strbuf_adds(out, "time saved   ");
	hg_text_seconds((double)stat[HG_STAT_SAVED_US] / 1e6, out);
	hg_strbuf_addf(out, " (%.1f %%), spent ",
	    100 * hg_cache_figures_saved(f));
	hg_text_seconds((double)stat[HG_STAT_COMPILE_US] / 1e6, out);
	hg_strbuf_addc(out, '\n');
}

static void
print_text(const struct hg_cache_figures *f, const struct hg_config *cfg)
{
	struct hg_strbuf out = HG_STRBUF_INIT;

	hg_cache_figures_text(f, cfg, &out);
	hg_strbuf_addf(&out,
	    "dropped      %" PRIu64 " for room, %" PRIu64 " damaged\n",
	    f->stats.stat[HG_STAT_EVICTED], f->stats.stat[HG_STAT_DAMAGED]);
	for (int i = 0; i < HG_REASON_COUNT; i++) {
		enum hg_reason r = (enum hg_reason)i;

		if (f->stats.reason[i] > 0)
			hg_strbuf_addf(&out, "  %8" PRIu64 "  %s: %s\n",
			    f->stats.reason[i], hg_reason_name(r),
			    hg_reason_text(r));
	}
	fputs(out.buf, stdout);
	hg_strbuf_release(&out);
}

static void
set_count(json_t *object, const char *name, uint64_t n)
{
	json_object_set_new(object, name, json_integer((json_int_t)n));
}

json_t *
hg_cache_figures_json(
    const struct hg_cache_figures *f, const struct hg_config *cfg)
{
	const uint64_t *stat = f->stats.stat;
	json_t *root = json_object(), *reasons = json_object();
	json_t *texts = json_object();

	json_object_set_new(root, "dir", hg_json_text(cfg->cache_dir));
	set_count(root, "entries", f->entries);
	set_count(root, "bytes", f->bytes);
	set_count(root, "max_bytes", cfg->cache_max_size);
	set_count(root, "max_entries", not_negative(cfg->cache_max_files));
	set_count(root, "hits", f->class[HG_REASON_CLASS_HIT]);
	set_count(root, "remote", f->class[HG_REASON_CLASS_REMOTE]);
	set_count(root, "local",
	    f->class[HG_REASON_CLASS_MISS] + f->class[HG_REASON_CLASS_LOCAL]);
	set_count(root, "passed_on", f->class[HG_REASON_CLASS_PASS]);
	json_object_set_new(
	    root, "hit_rate", json_real(hg_cache_figures_rate(f)));
	set_count(root, "saved_ms", stat[HG_STAT_SAVED_US] / 1000);
	set_count(root, "compile_ms", stat[HG_STAT_COMPILE_US] / 1000);
	set_count(root, "evicted", stat[HG_STAT_EVICTED]);
	set_count(root, "damaged", stat[HG_STAT_DAMAGED]);
	json_object_set_new(
	    root, "saved_share", json_real(hg_cache_figures_saved(f)));
	for (int i = 0; i < HG_REASON_COUNT; i++) {
		enum hg_reason r = (enum hg_reason)i;

		set_count(reasons, hg_reason_name(r), f->stats.reason[i]);
		json_object_set_new(texts, hg_reason_name(r),
		    hg_json_text(hg_reason_text(r)));
	}
	json_object_set_new(root, "reasons", reasons);
	json_object_set_new(root, "reason_texts", texts);
	return root;
}

int
hg_cli_cache_stats(struct hg_cli *cli)
{
	struct hg_cache_figures figures;
	struct hg_error err;
	int rc = hg_cli_refuse(cli);

	if (rc)
		return rc;
	if (hg_cache_figures_read(&figures, cli->cfg.cache_dir, &err))
		return hg_cli_fail(&err);
	if (cli->json)
		return hg_json_print(
		    hg_cache_figures_json(&figures, &cli->cfg));
	print_text(&figures, &cli->cfg);
	return 0;
}

int
hg_cli_cache_zero(struct hg_cli *cli)
{
	struct hg_stats_file *f;
	struct hg_error err;
	int rc = hg_cli_refuse(cli);

	if (rc)
		return rc;
	if (access(cli->cfg.cache_dir, F_OK) < 0)
		return 0;
	f = hg_stats_open(cli->cfg.cache_dir, &err);
	if (!f)
		return hg_cli_fail(&err);
	hg_stats_reset(f);
	hg_stats_close(f);
	return 0;
}
