/* SPDX-License-Identifier: Apache-2.0 */
/* Looking after the cache, without anybody waiting for it. */
#ifndef HG_LAUNCHER_UPKEEP_H
#define HG_LAUNCHER_UPKEEP_H

struct hg_job;

/*
 * To be called when something was published. When the cache is beyond a limit,
 * or nobody has looked after it for long, a process is started that does so in
 * the background, unless there is one.
 */
void hg_upkeep(const struct hg_job *job);

#endif
