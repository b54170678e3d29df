/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The process that cleans the cache. It is a child that nobody waits for, of the
 * lowest priority, with a session and descriptors of its own, so that neither a
 * build nor the pipe that a build writes to ever waits for it. The lock is taken
 * before it starts: there is at most one, and where there is one already nothing
 * is started. An alarm ends it should the disk be very slow; what it leaves is
 * done by the next one.
 */
#include "config.h"

#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "launcher/detach.h"
#include "launcher/job.h"
#include "launcher/upkeep.h"
#include "lib/base/time.h"
#include "lib/store/cache.h"
#include "lib/store/evict.h"
#include "lib/store/mapped.h"
#include "lib/store/stats.h"
#include "lib/store/usage.h"

enum {
	/* no new folders are begun after this long */
	WORK_S = 5,
	ALARM_S = 60,
	LOWEST = 19,
	/* IOPRIO_WHO_PROCESS; class IDLE in the upper bits */
	IO_WHO = 1,
	IO_IDLE = 3 << 13,
};

static void
limits_of(const struct hg_config *cfg, struct hg_evict_limits *ret)
{
	int64_t files = cfg->cache_max_files;

	ret->max_bytes = cfg->cache_max_size;
	ret->max_files = files > 0 ? (uint64_t)files : 0;
	ret->max_age_s =
	    (cfg->cache_max_age + HG_NS_PER_SEC - 1) / HG_NS_PER_SEC;
}

static void
step_aside(void)
{
	setsid();
	prctl(PR_SET_NAME, "hg-cleaner");
	hg_detach_signals();
	hg_mapped_guard();
	alarm(ALARM_S);
	(void)!nice(LOWEST);
	syscall(SYS_ioprio_set, IO_WHO, 0, IO_IDLE);
}

_Noreturn static void
clean(const struct hg_job *job, const struct hg_evict_limits *limits)
{
	int lock_fd = hg_usage_fd(hg_cache_usage(job->cache, NULL));
	uint64_t removed;

	step_aside();
	/* the cache's name may be relative to where the build is */
	if (chdir(hg_cache_dir(job->cache)) < 0 || hg_detach_descriptors(lock_fd) < 0)
		_exit(1);
	removed = hg_evict_some(hg_cache_new("."), limits,
	    hg_now_ns() + WORK_S * HG_NS_PER_SEC);
	hg_stats_add(job->stats, HG_STAT_EVICTED, (int64_t)removed);
	_exit(0);
}

void
hg_upkeep(const struct hg_job *job)
{
	struct hg_usage *u = hg_cache_usage(job->cache, NULL);
	struct hg_evict_limits limits;

	limits_of(&job->config, &limits);
	if (u && hg_evict_is_due(job->cache, &limits) &&
	    hg_usage_lock(u, 0, NULL) == 0 && fork() == 0)
		clean(job, &limits);
}
