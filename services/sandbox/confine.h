/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the program may do. Each ends the process when it fails, except that a
 * limit which is already lower stays so.
 */
#ifndef HG_SANDBOX_CONFINE_H
#define HG_SANDBOX_CONFINE_H

#include <stdint.h>
#include <sys/types.h>

#include "services/sandbox/options.h"

/* This process is killed when its parent, which must be pid, ends. */
void hg_sandbox_die_with_parent(pid_t parent);
/* When memory runs out, this goes before the machine's other programs. */
void hg_sandbox_offer_to_oom_killer(void);
/* This process, and so all that it starts, belongs to each of these folders. */
void hg_sandbox_enter_cgroups(const struct hg_strvec *dirs);
/* New namespaces; a user namespace too where one is needed for the others. */
void hg_sandbox_unshare(void);
/* Closes all descriptors but 0, 1, 2 and keep_fd (-1: none). */
void hg_sandbox_close_descriptors(int keep_fd);
void hg_sandbox_set_limits(const uint64_t limit[HG_SANDBOX_LIMIT_COUNT]);
/* No capabilities, now and in any program run later. */
void hg_sandbox_drop_privileges(void);
/* Refuses system calls that no compiler needs (syscalls.def). */
void hg_sandbox_filter_syscalls(void);

#endif
