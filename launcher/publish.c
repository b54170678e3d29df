/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From what was observed to cache entries: what was read, run or looked for in
 * vain becomes the set of inputs, what was written and is still there becomes
 * the result. Anything that is not certain means that nothing is published.
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "launcher/deliver.h"
#include "launcher/job.h"
#include "launcher/keep.h"
#include "launcher/plan.h"
#include "launcher/publish.h"
#include "launcher/tuning.h"
#include "launcher/upkeep.h"
#include "lib/base/alloc.h"
#include "lib/base/error.h"
#include "lib/base/fd.h"
#include "lib/base/limits.h"
#include "lib/base/path.h"
#include "lib/base/strbuf.h"
#include "lib/base/strvec.h"
#include "lib/observe/observe.h"
#include "lib/store/cache.h"
#include "lib/store/manifest.h"
#include "lib/store/result.h"
#include "lib/store/stats.h"
#include "lib/wire/wire.h"

struct publish {
	struct hg_job *job;
	const struct hg_made *made;
	const struct hg_observed_list *seen;
	struct hg_set_builder *set;
	struct hg_output *outputs;
	size_t n_outputs;
	/* the compiler, and the programs run that PATH leads to */
	struct hg_strvec programs;
	/* a file beside object and dependency file was written */
	bool has_other;
	const char *tmpdir;
	/* the folder that this is done in, which is there as long as it is done */
	char cwd[HG_MAX_PATH_BYTES];
	/* a compiler compares time stamps with those in a precompiled header */
	bool stamps_matter;
};

static int
decline(struct publish *p, enum hg_reason reason, const char *detail)
{
	p->job->reason = reason;
	p->job->unkept = reason;
	snprintf(p->job->detail, sizeof(p->job->detail), "%s", detail);
	return -1;
}

/* "./x" and "x" are one. */
static bool
same_name(const char *a, const char *b)
{
	if (!a || !b)
		return false;
	while (a[0] == '.' && a[1] == '/')
		a += 2;
	while (b[0] == '.' && b[1] == '/')
		b += 2;
	return strcmp(a, b) == 0;
}

static bool
is_temporary(const struct publish *p, const char *path)
{
	size_t n = strlen(p->tmpdir);

	return strncmp(path, p->tmpdir, n) == 0 && path[n] == '/' &&
	    !strchr(path + n + 1, '/');
}

/* ---- outputs ----------------------------------------------------------- */

static enum hg_output_role
role_of(const struct publish *p, const char *path)
{
	const struct hg_cc_command *c = &p->job->command;

	if (same_name(path, c->output))
		return HG_OUTPUT_MAIN;
	if (same_name(path, c->depfile))
		return HG_OUTPUT_DEP;
	return HG_OUTPUT_OTHER;
}

/* What was just written there need not be read; NULL when that is not known. */
static const struct hg_wire_output *
find_written(const struct publish *p, const char *path, const struct stat *st)
{
	for (size_t i = 0; i < p->made->n_written; i++) {
		const struct hg_wire_output *w = &p->made->written[i];

		if (strcmp(w->path, path) == 0 && S_ISREG(st->st_mode) &&
		    (uint64_t)st->st_size == w->content.n)
			return w;
	}
	return NULL;
}

static bool
is_borrowed(const struct publish *p, const struct hg_output *o)
{
	for (size_t i = 0; i < p->made->n_written; i++)
		if (p->made->written[i].content.p == o->p)
			return true;
	return false;
}

static int
add_output(struct publish *p, const char *path)
{
	enum hg_output_role role = role_of(p, path);
	struct hg_strbuf content = HG_STRBUF_INIT;
	const struct hg_wire_output *written;
	struct hg_output *o;
	struct hg_error err;
	struct stat st;

	if (lstat(path, &st) < 0)
		return role != HG_OUTPUT_OTHER && p->made->exit_code != 0
		    ? decline(p, HG_REASON_compile_failed,
			  "it removed an older output")
		    : 0;
	if (role == HG_OUTPUT_OTHER && is_temporary(p, path))
		return 0;
	if (!S_ISREG(st.st_mode) && stat(path, &st) == 0 &&
	    !S_ISREG(st.st_mode))
		return decline(p, HG_REASON_unexpected_output, path);
	written = find_written(p, path, &st);
	if (!written &&
	    hg_read_file(path, HG_MAX_FILE_BYTES, &content, &err) != 0)
		return decline(p, HG_REASON_unexpected_output, err.text);
	p->outputs = hg_xrealloc(
	    p->outputs, (p->n_outputs + 1) * sizeof(*p->outputs));
	o = &p->outputs[p->n_outputs++];
	o->role = role;
	o->mode = st.st_mode & 0777;
	o->path = path;
	o->linked = p->made->exit_code == 0 && (o->mode & 0111) == 0 &&
	    hg_output_is_linked(p->job, role);
	if (written) {
		o->p = written->content.p;
		o->n = written->content.n;
	} else {
		o->p = hg_strbuf_detach(&content, &o->n);
	}
	p->has_other |= role == HG_OUTPUT_OTHER;
	return 0;
}

static bool
has_role(const struct publish *p, enum hg_output_role role)
{
	for (size_t i = 0; i < p->n_outputs; i++)
		if (p->outputs[i].role == role)
			return true;
	return false;
}

/* What the command promises must be among what was seen. */
static int
check_outputs(struct publish *p)
{
	const struct hg_cc_command *c = &p->job->command;

	if (p->made->exit_code != 0)
		return 0;
	if (c->output && !hg_cc_discards(c->output) && !has_role(p, HG_OUTPUT_MAIN) &&
	    c->mode == HG_CC_COMPILE)
		return decline(p, HG_REASON_unexpected_output,
		    "the object was not seen to be written");
	if (c->depfile && !hg_cc_discards(c->depfile) && strcmp(c->depfile, "-") &&
	    !has_role(p, HG_OUTPUT_DEP) && c->mode == HG_CC_COMPILE)
		return decline(p, HG_REASON_unexpected_output,
		    "the dependency file was not seen to be written");
	return 0;
}

/* ---- inputs ------------------------------------------------------------ */

/* The source is in the key; it only must not have changed since. */
static bool
is_unchanged_source(
    const struct publish *p, const char *path, const struct hg_sig *opened)
{
	const struct hg_cc_command *c = &p->job->command;
	struct hg_sig now;
	struct stat st;

	if (c->sources.n != 1 || !same_name(path, c->sources.v[0]))
		return false;
	if (!opened) {
		if (stat(path, &st) < 0)
			return false;
		hg_sig_of(&st, &now);
		opened = &now;
	}
	return hg_sig_equal(opened, &p->job->source_sig);
}

/*
 * Programs found by searching PATH: what matters is where the search leads, not
 * in which folders it failed on the way. Our own search found the compiler.
 */
static void
list_programs(struct publish *p, const struct hg_observed_list *seen)
{
	const char *path = getenv("PATH");

	hg_strvec_add(&p->programs, p->job->compiler.path);
	for (size_t i = 0; i < seen->n; i++) {
		char *found;

		if (seen->v[i].kind != HG_OBSERVED_RUN)
			continue;
		found = hg_path_search(hg_path_base(seen->v[i].path), path);
		if (found && strcmp(found, seen->v[i].path) == 0)
			hg_strvec_add(&p->programs, found);
		free(found);
	}
}

static bool
is_on_path(const char *file)
{
	size_t n = (size_t)(hg_path_base(file) - file);

	/* without the slash */
	if (n < 2)
		return false;
	for (const char *p = getenv("PATH"); p && *p;) {
		size_t k = strcspn(p, ":");

		if (k == n - 1 && memcmp(p, file, k) == 0)
			return true;
		p += k + (p[k] == ':');
	}
	return false;
}

/* Is file where a search for one of the programs may have passed? */
static bool
is_on_the_way(const struct publish *p, const char *file)
{
	const char *base = hg_path_base(file);

	for (size_t i = 0; i < p->programs.n; i++)
		if (strcmp(hg_path_base(p->programs.v[i]), base) == 0)
			return is_on_path(file);
	return false;
}

static int
add_file(struct publish *p, const struct hg_observed *o,
    const struct hg_digest *digest, struct hg_error *err)
{
	static const struct hg_digest unknown;
	const struct hg_sig sig = { o->st.bytes, o->st.ino, o->st.mtime_ns,
		o->st.ctime_ns };
	struct hg_set_proof proof = { NULL, NULL };

	if (o->st.ino != 0)
		proof.opened = &sig;
	if (digest && !hg_digest_equal(digest, &unknown))
		proof.digest = digest;
	if (is_unchanged_source(p, o->path, proof.opened))
		return 0;
	/* the first is the compiler, which the key holds */
	if (o->kind == HG_OBSERVED_RUN &&
	    hg_strvec_find(&p->programs, o->path) > 0)
		return hg_set_add_program(p->set, o->path, proof, err);
	if (p->job->command.stamped || (o->only_seen && p->stamps_matter))
		return hg_set_add_stamped(p->set, o->path, proof, err);
	return hg_set_add_file(p->set, o->path, proof, err);
}

static int
add_observed(struct publish *p, const struct hg_observed *o,
    const struct hg_digest *digest)
{
	struct hg_error err = { .text = "" };
	int rc = 0;

	if (hg_tuning_skips(
		&p->job->config, p->job->compiler.path, o))
		return 0;
	switch (o->kind) {
	case HG_OBSERVED_READ:
	case HG_OBSERVED_RUN:
		rc = add_file(p, o, digest, &err);
		break;
	case HG_OBSERVED_ABSENT:
		if (is_on_the_way(p, o->path))
			return 0;
		rc = hg_set_add_absent(p->set, o->path, &err);
		break;
	case HG_OBSERVED_FOLDER:
		if (strcmp(o->path, p->tmpdir) != 0 &&
		    strcmp(o->path, p->cwd) != 0)
			rc = hg_set_add_folder(p->set, o->path, &err);
		break;
	case HG_OBSERVED_LISTED:
		rc = hg_set_add_listing(p->set, o->path, &err);
		break;
	case HG_OBSERVED_WRITTEN:
		return add_output(p, o->path);
	case HG_OBSERVED_OVERWRITTEN:
		return decline(p, HG_REASON_input_modified, o->path);
	}
	if (rc == 0)
		return 0;
	return decline(p,
	    rc == -HG_UNSUPPORTED ? HG_REASON_not_observed
				  : HG_REASON_input_modified,
	    err.text);
}

/* The local time is in the result, or may be. */
static int
add_time(struct publish *p, const struct hg_observed_list *seen)
{
	struct hg_error err;

	if (!hg_keep_for_today(p->job, seen))
		return decline(p, HG_REASON_time_macro, "");
	if (hg_set_add_day(p->set, &err) != 0)
		return decline(p, HG_REASON_time_macro, err.text);
	return 0;
}

/* Clang wants the headers of a precompiled one as old as they were. */
static bool
uses_clang_pch(const struct hg_job *job, const struct hg_observed_list *seen)
{
	if (!job->compiler.is_clang)
		return false;
	if (hg_strvec_find(&job->command.args, "-include-pch") >= 0)
		return true;
	for (size_t i = 0; i < seen->n; i++) {
		const char *ext = hg_path_ext(seen->v[i].path);

		if (seen->v[i].kind == HG_OBSERVED_READ &&
		    (strcmp(ext, ".pch") == 0 || strcmp(ext, ".gch") == 0))
			return true;
	}
	return false;
}

/* ---- the whole --------------------------------------------------------- */

/* Lets other checkouts find the result. */
static void
share(struct publish *p, const struct hg_digest *result, bool bound)
{
	struct hg_job *job = p->job;
	const struct hg_portable *to = &job->portable;

	hg_set_make_portable(p->set, to->root);
	(void)hg_manifest_add(job->cache, &to->key, p->set, result,
	    bound ? to->names : 0, p->made->compile_us, NULL);
}

static int
write_entries(struct publish *p)
{
	const struct hg_made *m = p->made;
	struct hg_result r = { .exit_code = m->exit_code,
		.out = m->out,
		.out_n = m->out_n,
		.err = m->err,
		.err_n = m->err_n,
		.outputs = p->outputs,
		.n_outputs = p->n_outputs,
		.for_clones = p->job->config.cache_file_clone };
	struct hg_job *job = p->job;
	const struct hg_cc_command *c = &job->command;
	/* a failed compile looks whether there is an old object to remove */
	bool bound = p->has_other || c->name_matters || c->target_matters ||
	    m->exit_code != 0;
	/* results for other names must not take this one's place */
	uint64_t names = bound ? job->names : 0;
	/* only if it is what they would get */
	bool shared = hg_portable_plan(job) &&
	    hg_portable_is_same(job, p->seen, &r);
	struct hg_digest result;
	struct hg_error err;

	if (job->config.cache_compression)
		r.zip_level = (int)job->config.cache_compression_level;
	if (shared)
		hg_set_share(p->set, &job->portable.key);
	hg_set_result_key(p->set, &job->key, names, &result);
	if (hg_result_write(job->cache, &result, &r, &err) != 0 ||
	    hg_manifest_add(job->cache, &job->key, p->set, &result, names,
		m->compile_us, &err) != 0)
		return decline(p, HG_REASON_cache_unwritable, err.text);
	job->kept = true;
	if (shared)
		share(p, &result, bound);
	return 0;
}

void
hg_publish(struct hg_job *job, const struct hg_made *made,
    const struct hg_observed_list *seen)
{
	const char *tmpdir = getenv("TMPDIR");
	struct publish p = { .job = job, .made = made, .seen = seen };
	int rc = 0;

	p.tmpdir = tmpdir && *tmpdir ? tmpdir : "/tmp";
	if (!hg_plan_cwd(p.cwd, sizeof(p.cwd)))
		p.cwd[0] = '\0';
	p.set = hg_set_builder_new(job->memo, made->started);
	p.stamps_matter = uses_clang_pch(job, seen);
	if (made->exit_code != 0) {
		job->reason = HG_REASON_compile_failed;
		if (!hg_keep_failure(job, made->exit_code, made->err,
			made->err_n, seen)) {
			job->unkept = HG_REASON_compile_failed;
			rc = -1;
		}
	}
	if (rc == 0 && seen->uses_time &&
	    !hg_is_sloppy(&job->config, HG_SLOPPY_time_macros))
		rc = add_time(&p, seen);
	list_programs(&p, seen);
	for (size_t i = 0; rc == 0 && i < seen->n; i++)
		rc = add_observed(&p, &seen->v[i],
		    made->digests ? &made->digests[i] : NULL);
	if (rc == 0)
		rc = check_outputs(&p);
	if (rc == 0 && write_entries(&p) == 0)
		hg_upkeep(job);
	for (size_t i = 0; i < p.n_outputs; i++)
		if (!is_borrowed(&p, &p.outputs[i]))
			free((void *)(uintptr_t)p.outputs[i].p);
	free(p.outputs);
	hg_strvec_release(&p.programs);
	hg_set_builder_free(p.set);
}
