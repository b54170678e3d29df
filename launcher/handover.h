/* SPDX-License-Identifier: Apache-2.0 */
/* Having a compile done by the cluster, through the user's agent. */
#ifndef HG_LAUNCHER_HANDOVER_H
#define HG_LAUNCHER_HANDOVER_H

#include <stdbool.h>

struct hg_job;

/*
 * True: the compile was done remotely, its result delivered and published;
 * *ret_exit is the compiler's. False: compile here; when a cluster is
 * configured, job->reason and job->detail say why it had no part.
 */
bool hg_handover(struct hg_job *job, int *ret_exit);

#endif
