/* SPDX-License-Identifier: Apache-2.0 */
/* What a process does, right after fork, that is to outlive the build. */
#ifndef HG_LAUNCHER_DETACH_H
#define HG_LAUNCHER_DETACH_H

/* The number under which it keeps its one descriptor, a lock. */
#define HG_DETACH_FD 3

/* All signals as they are by default, none blocked. */
void hg_detach_signals(void);
/* /dev/null for the standard streams, keep as HG_DETACH_FD, no others. 0 or -1. */
int hg_detach_descriptors(int keep);

#endif
