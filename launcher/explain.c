/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The record of one compile, for "hgbuild why". Only misses pay for it: a read
 * and a write of a few kilobytes. Nothing is compared here; the parts of the
 * key stand in the record as they are, followed by those that the record before
 * it had, and whoever asks why sees what differs.
 */
#include "config.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "launcher/explain.h"
#include "launcher/job.h"
#include "lib/base/limits.h"
#include "lib/base/time.h"
#include "lib/store/record.h"

enum {
	/* a longer value is cut, and its digest added */
	MAX_VALUE_BYTES = 1000,
	/* of all parts; the rest is left out */
	MAX_PARTS_BYTES = 128 << 10,
};

static bool
is_of_interest(const struct hg_job *job)
{
	return job->reason != HG_REASON_hit &&
	    job->reason != HG_REASON_disabled &&
	    job->reason != HG_REASON_nested && job->command.sources.n > 0;
}

static void
add_part(const char *field, const void *p, size_t n, void *arg)
{
	struct hg_record *parts = arg;
	char text[MAX_VALUE_BYTES + HG_DIGEST_HEX_BYTES + 4];
	char hex[HG_DIGEST_HEX_BYTES];
	struct hg_digest d;

	if (parts->bytes.len > MAX_PARTS_BYTES)
		return;
	if (n <= MAX_VALUE_BYTES) {
		hg_record_add(parts, field, p, n);
		return;
	}
	hg_digest_bytes(p, n, &d);
	hg_digest_hex(&d, hex);
	snprintf(text, sizeof(text), "%.*s...%s", (int)MAX_VALUE_BYTES,
	    (const char *)p, hex);
	hg_record_adds(parts, field, text);
}

static void
add_parts(const struct hg_job *job, struct hg_record *r)
{
	struct hg_record parts = HG_RECORD_INIT;

	/* a command that is passed on has no key, or half of one */
	if (job->parts && hg_reason_class(job->reason) != HG_REASON_CLASS_PASS)
		hg_key_each(job->parts, add_part, &parts);
	hg_record_add(r, "parts", parts.bytes.buf, parts.bytes.len);
	hg_record_release(&parts);
}

/*
 * What the record of the time before says, under names that begin with old_. If
 * there was no key that time, what that record says of the time before it.
 */
static void
add_old(const char *cache_dir, const struct hg_digest *id, struct hg_record *r)
{
	static const char *const names[] = { "old_parts", "old_time",
		"old_kept", "old_unkept" };
	struct hg_record old = HG_RECORD_INIT;
	struct hg_record_field f;
	size_t skip;

	if (hg_record_read(cache_dir, id, &old, NULL) != 0)
		return;
	skip = hg_record_find(&old, "parts", &f) && f.n > 0 ? 4 : 0;
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (hg_record_find(&old, names[i] + skip, &f))
			hg_record_add(r, names[i], f.p, f.n);
	hg_record_release(&old);
}

static void
identify(const struct hg_job *job, const char *cwd, struct hg_digest *ret)
{
	const struct hg_cc_command *c = &job->command;
	struct hg_key *k = hg_key_new("why 1");

	hg_key_adds(k, "cwd", cwd);
	hg_key_adds(k, "source", c->sources.v[0]);
	hg_key_adds(k, "output", c->output ? c->output : "");
	hg_key_done(k, ret);
	hg_key_free(k);
}

/* The look-up's finding has a field of its own. */
static const char *
detail_of(const struct hg_job *job)
{
	if (*job->detail && strcmp(job->detail, job->lookup.why) != 0)
		return job->detail;
	return job->command.word ? job->command.word : "";
}

static void
add_ending(const struct hg_job *job, int exit_code, struct hg_record *r)
{
	/* the words of enum hg_lookup_end */
	static const char *const ends[] = { "off", "absent", "names",
		"changed", "hit" };

	hg_record_addu(r, "time", hg_wall_ns());
	hg_record_adds(r, "reason", hg_reason_name(job->reason));
	hg_record_adds(r, "detail", detail_of(job));
	hg_record_adds(r, "worker", job->worker);
	hg_record_addu(r, "exit", (uint64_t)(exit_code < 0 ? 0 : exit_code));
	hg_record_addu(r, "compile_us", job->compile_us);
	hg_record_addu(r, "kept", job->kept);
	if (job->unkept != HG_REASON_hit)
		hg_record_adds(r, "unkept", hg_reason_name(job->unkept));
	hg_record_adds(r, "lookup", ends[job->lookup.end]);
	hg_record_adds(r, "finding", job->lookup.why);
	if (job->config.cache_recache)
		hg_record_addu(r, "recache", 1);
	if (job->config.cache_readonly)
		hg_record_addu(r, "readonly", 1);
}

void
hg_explain(const struct hg_job *job, int exit_code)
{
	const struct hg_cc_command *c = &job->command;
	struct hg_record r = HG_RECORD_INIT;
	char cwd[HG_MAX_PATH_BYTES];
	struct hg_digest id;

	if (!is_of_interest(job) || !getcwd(cwd, sizeof(cwd)))
		return;
	identify(job, cwd, &id);
	hg_record_adds(&r, "cwd", cwd);
	hg_record_adds(&r, "source", c->sources.v[0]);
	hg_record_adds(&r, "output", c->output ? c->output : "");
	add_ending(job, exit_code, &r);
	add_parts(job, &r);
	add_old(job->config.cache_dir, &id, &r);
	(void)hg_record_write(job->config.cache_dir, &id, &r, NULL);
	hg_record_release(&r);
}
