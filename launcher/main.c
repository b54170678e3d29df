/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hg-launcher COMPILER ARGUMENTS, or a link to it that is named like a compiler.
 * The order of things: plan, look up, else hand over to the cluster, else run
 * the compiler here; then publish. Whatever goes wrong on the way ends in the
 * compiler being run as if we were not there.
 */
#include "config.h"

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "launcher/deliver.h"
#include "launcher/explain.h"
#include "launcher/handover.h"
#include "launcher/job.h"
#include "launcher/log.h"
#include "launcher/plan.h"
#include "launcher/publish.h"
#include "launcher/run.h"
#include "launcher/tuning.h"
#include "lib/base/error.h"
#include "lib/base/part.h"
#include "lib/base/path.h"
#include "lib/base/time.h"
#include "lib/observe/observe.h"
#include "lib/store/cache.h"
#include "lib/store/manifest.h"
#include "lib/store/mapped.h"
#include "lib/store/memo.h"
#include "lib/store/stats.h"

static const char HELP[] =
    "Usage: hg-launcher COMPILER [ARGUMENT...]\n"
    "\n"
    "Runs a C or C++ compile: from the local cache, on the cluster, or here.\n"
    "A link to hg-launcher named like a compiler (gcc, clang++, ...) does the\n"
    "same for the compiler of that name further down PATH.\n"
    "\n"
    "  --help      this text\n"
    "  --version   the version\n"
    "\n"
    "Settings: hybridgrid.conf(5); \"hgbuild config show\" prints them.\n";

/* Counts and notes how the job ended. */
static void
note(struct hg_job *job, int exit_code)
{
	hg_stats_count(job->stats, job->reason);
	hg_launcher_log(job, exit_code);
	hg_explain(job, exit_code);
}

static int
pass_through(struct hg_job *job)
{
	note(job, -1);
	hg_deliver_unshare(job);
	return hg_run_exec(job);
}

/* ---- looking up -------------------------------------------------------- */

/* Delivers what was found; else notes why not. */
static bool
deliver(struct hg_job *job, int *ret_exit)
{
	struct hg_error err = { .text = "" };
	struct hg_lookup *l = &job->lookup;

	if (!l->hit)
		return false;
	if (hg_deliver_cached(job, &l->result, ret_exit, &err) == 0)
		return true;
	if (err.code == HG_CORRUPT &&
	    hg_result_remove(job->cache, &l->result))
		hg_stats_add(job->stats, HG_STAT_DAMAGED, 1);
	snprintf(l->why, sizeof(l->why), "%s", err.text);
	l->hit = false;
	return false;
}

/* What another checkout of the same sources has left. */
static bool
try_others(struct hg_job *job, int *ret_exit)
{
	struct hg_portable *p = &job->portable;
	struct hg_manifest_place place = { .own_names = job->names };
	struct hg_lookup own = job->lookup;

	if (!hg_portable_plan(job))
		return false;
	place.root = p->root;
	place.own_key = job->config.cache_readonly ? NULL : &job->key;
	hg_manifest_find(
	    job->cache, &p->key, p->names, &place, job->memo, &job->lookup);
	if (deliver(job, ret_exit))
		return true;
	/* what is said of the miss is what this checkout's own key had */
	if (own.end != HG_LOOKUP_ABSENT) {
		hg_lookup_release(&job->lookup);
		job->lookup = own;
	}
	return false;
}

/* True when the compile's result was delivered from the cache. */
static bool
try_cache(struct hg_job *job, int *ret_exit)
{
	struct hg_lookup *l = &job->lookup;

	if (!job->config.cache_direct || job->config.cache_recache)
		return false;
	hg_manifest_lookup(job->cache, &job->key, job->names, job->memo, l);
	if (!deliver(job, ret_exit) && !try_others(job, ret_exit)) {
		memcpy(job->detail, l->why, sizeof(job->detail));
		return false;
	}
	job->reason = HG_REASON_hit;
	hg_stats_add(job->stats, HG_STAT_SAVED_US, (int64_t)l->compile_us);
	return true;
}

/* ---- compiling here ---------------------------------------------------- */

static struct hg_observe *
new_observer(void)
{
	char *path = hg_part_path("hg-observe.so");
	struct hg_observe *o = path ? hg_observe_new(path, NULL) : NULL;

	free(path);
	return o;
}

/* Publishes a compile made here, or says in job->reason why not. */
static void
publish_local(struct hg_job *job, const struct hg_run *run,
    struct hg_observe *o, int64_t started)
{
	struct hg_made made = { WEXITSTATUS(run->status), run->out.buf,
		run->out.len, run->err.buf, run->err.len, run->wall_us, started,
		NULL, NULL, 0 };
	struct hg_observed_list seen;
	struct hg_error err = { .text = "" };

	if (run->signal || !WIFEXITED(run->status)) {
		job->reason = job->unkept = HG_REASON_compile_failed;
		return;
	}
	if (job->config.cache_readonly || !job->config.cache_direct)
		return;
	if (!o || hg_observe_collect(o, &seen, &err) != 0) {
		job->reason = job->unkept = HG_REASON_not_observed;
		snprintf(job->detail, sizeof(job->detail), "%s", err.text);
		return;
	}
	hg_publish(job, &made, &seen);
	hg_observed_list_release(&seen);
}

static int
compile_here(struct hg_job *job)
{
	struct hg_observe *o = new_observer();
	int64_t started = hg_sig_now();
	enum hg_reason before = job->reason;
	struct hg_run run;
	int status;

	if (hg_run_captured(job, o, &run, NULL) != 0) {
		hg_observe_free(o);
		return pass_through(job);
	}
	publish_local(job, &run, o, started);
	/* why it was not done remotely matters more than why it is not kept */
	if (hg_reason_class(before) == HG_REASON_CLASS_LOCAL)
		job->reason = before;
	job->compile_us = run.wall_us;
	hg_stats_add(job->stats, HG_STAT_COMPILE_US, (int64_t)run.wall_us);
	status = WIFEXITED(run.status) ? WEXITSTATUS(run.status)
				       : 128 + WTERMSIG(run.status);
	note(job, status);
	hg_observe_free(o);
	hg_run_release(&run);
	hg_run_raise(&run);
	return status;
}

/* ---- the whole --------------------------------------------------------- */

static int
no_fallback(struct hg_job *job)
{
	fprintf(stderr,
	    "hg-launcher: %s; not compiled here because of "
	    "launcher.no_fallback: %s\n",
	    hg_reason_text(job->reason), job->detail);
	note(job, 1);
	return 1;
}

static int
compile(struct hg_job *job)
{
	int status = 0;
	bool done = try_cache(job, &status);

	if (!done) {
		hg_deliver_unshare(job);
		done = hg_handover(job, &status);
	}
	if (done) {
		note(job, status);
		return status;
	}
	if (hg_reason_class(job->reason) == HG_REASON_CLASS_LOCAL &&
	    job->config.launcher_no_fallback)
		return no_fallback(job);
	return compile_here(job);
}

static int
find_compiler(struct hg_job *job)
{
	int rc = hg_compiler_find(&job->compiler, job->argv[0]);

	if (job->compiler.hidden)
		job->argv[0] = job->compiler.path;
	return rc;
}

static int
run_job(struct hg_job *job)
{
	struct hg_error err;

	if (hg_config_load_here(
		&job->config, (const char *const *)environ, &err) != 0) {
		job->reason = HG_REASON_bad_config;
		find_compiler(job);
		return hg_run_exec(job);
	}
	job->cache = hg_cache_new(job->config.cache_dir);
	if (hg_is_sloppy(&job->config, HG_SLOPPY_file_stat_matches))
		hg_cache_trust_mtime(job->cache);
	hg_cache_set_namespace(job->cache, job->config.cache_namespace);
	job->memo = hg_memo_new(job->config.cache_dir);
	hg_mapped_guard();
	job->stats = hg_stats_open(job->config.cache_dir, NULL);
	if (find_compiler(job) < 0)
		job->reason = HG_REASON_no_compiler;
	else if (job->config.launcher_disable)
		job->reason = HG_REASON_disabled;
	else if (getenv("HG_OBSERVE_FD"))
		job->reason = HG_REASON_nested;
	else
		hg_plan(job);
	return job->reason == HG_REASON_miss ? compile(job) : pass_through(job);
}

static void
release(struct hg_job *job)
{
	hg_stats_close(job->stats);
	hg_lookup_release(&job->lookup);
	hg_portable_release(&job->portable);
	hg_key_free(job->parts);
	hg_memo_free(job->memo);
	hg_cache_free(job->cache);
	hg_cc_command_release(&job->command);
	hg_compiler_release(&job->compiler);
	hg_config_release(&job->config);
}

/*
 * A standard descriptor that is closed must not be taken by a file of ours, into
 * which messages would go. The compiler finds it closed.
 */
static void
reserve_closed(void)
{
	struct pollfd fds[] = { { .fd = STDIN_FILENO }, { .fd = STDOUT_FILENO },
		{ .fd = STDERR_FILENO } };

	if (poll(fds, 3, 0) <= 0)
		return;
	for (int i = 0; i < 3; i++)
		if ((fds[i].revents & POLLNVAL) &&
		    open("/dev/null", O_RDWR | O_CLOEXEC) != i)
			return;
}

int
main(int argc, char **argv)
{
	struct hg_job job = { .began_ns = hg_now_ns() };
	bool by_name =
	    strncmp(hg_path_base(argv[0]), "hg-launcher", 11) == 0;
	int status;

	if (by_name && argc < 2) {
		fputs(HELP, stderr);
		return 64;
	}
	if (by_name && strcmp(argv[1], "--help") == 0) {
		fputs(HELP, stdout);
		return 0;
	}
	if (by_name && strcmp(argv[1], "--version") == 0) {
		puts("hg-launcher " PACKAGE_VERSION);
		return 0;
	}
	reserve_closed();
	job.argv = argv + by_name;
	hg_config_init(&job.config);
	status = run_job(&job);
	release(&job);
	return status;
}
