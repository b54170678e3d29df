/* SPDX-License-Identifier: Apache-2.0 */
/* One line per compile in the file that HG_LOG names. */
#ifndef HG_LAUNCHER_LOG_H
#define HG_LAUNCHER_LOG_H

struct hg_job;

/*
 * Appends "v1 WALL_NS BUILD_ID REASON MS WORKER EXIT SOURCE OBJECT DETAIL",
 * separated by tabs; "-" for what there is none of; tab, newline and backslash
 * in names written \t, \n and \\.
 */
void hg_launcher_log(const struct hg_job *job, int exit_code);

#endif
