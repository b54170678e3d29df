/* SPDX-License-Identifier: Apache-2.0 */
/* Starting hg-agent so that nothing of the build holds on to it, nor it to it.
 */
#ifndef HG_LAUNCHER_AGENT_START_H
#define HG_LAUNCHER_AGENT_START_H

#include <stdbool.h>

struct hg_error;

/*
 * Starts program unless somebody holds the lock: then *ret_started is false.
 * The agent inherits the lock. Does not wait until it serves.
 */
int hg_agent_start(const char *program, const char *lock, const char *socket,
    bool *ret_started, struct hg_error *err);

#endif
