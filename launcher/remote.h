/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The launcher's side of hg-agent: finds the user's agent, starts it when there
 * is none, and asks it one thing. Every wait is bounded, and when the agent
 * turns out to be broken a stamp beside its socket keeps other launchers from
 * waiting for it as well.
 *
 * Files of the folder:
 *   agent.sock  the agent listens here
 *   agent.lock  locked (flock) by the agent while it lives, and by the launcher
 *               that is about to start it, which hands the lock over
 *   agent.down  the agent was found broken when this was written
 */
#ifndef HG_LAUNCHER_REMOTE_H
#define HG_LAUNCHER_REMOTE_H

#include <stdint.h>

#include "lib/base/reason.h"

struct hg_agent_reply;
struct hg_agent_request;
struct hg_error;

struct hg_remote_options {
	/* the program to start when no agent runs; NULL: none is started */
	const char *agent;
	/* the folder with the socket; NULL: that of hg_remote_folder() */
	const char *folder;
	/* longest wait for an agent that starts or does not take requests */
	uint64_t connect_wait_ns;
	/* an agent found broken is not tried again for so long */
	uint64_t backoff_ns;
	/* an agent that sends nothing for so long, not even a sign of life, is
	 * broken; it sends one every HG_REMOTE_BEAT_NS */
	uint64_t silence_ns;
	/* what it may take longer than the request's timeout_ms */
	uint64_t grace_ns;
};

#define HG_REMOTE_BEAT_NS (UINT64_C(500) * 1000 * 1000)

#define HG_REMOTE_OPTIONS_INIT                                             \
 {                                                                         \
  .connect_wait_ns = UINT64_C(2000000000),                                 \
  .backoff_ns = UINT64_C(30000000000), .silence_ns = UINT64_C(3000000000), \
  .grace_ns = UINT64_C(10000000000)                                        \
 }

/*
 * The folder for the socket, made when missing (0700); owned. The first of
 * $XDG_RUNTIME_DIR/hybridgrid, /run/user/UID/hybridgrid and
 * ${TMPDIR:-/tmp}/hybridgrid-UID whose parent can be used. NULL and err when
 * it belongs to somebody else or others may enter it.
 */
char *hg_remote_folder(struct hg_error *err);

/*
 * Sends a request and waits for the reply (hg_agent_reply_free()).
 * -HG_UNAVAILABLE: no agent answered; -HG_CANCELLED: it died over it (asked
 * twice when it had not begun); -HG_TIMEOUT: it works, but for longer
 * than the request's timeout_ms and a little.
 */
int hg_remote_ask(const struct hg_remote_options *options,
    const struct hg_agent_request *request, struct hg_agent_reply **ret,
    struct hg_error *err);

/*
 * As hg_remote_ask(), for a compile. 0: *ret holds its result, *ret_reason is
 * "remote" or "remote_hit". Else it is to be compiled here: *ret_reason and err
 * say why.
 */
int hg_remote_compile(const struct hg_remote_options *options,
    const struct hg_agent_request *request, struct hg_agent_reply **ret,
    enum hg_reason *ret_reason, struct hg_error *err);

#endif
