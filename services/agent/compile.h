/* SPDX-License-Identifier: Apache-2.0 */
/* One compile, from a launcher's request to the reply. */
#ifndef HG_AGENT_COMPILE_H
#define HG_AGENT_COMPILE_H

struct hg_agent;
struct hg_agent_request;
struct hg_strbuf;

/*
 * Appends the packed reply, whatever happens. Ends early when cancel_fd becomes
 * readable. On a thread of its own: waits for processes and for the network.
 */
void hg_compile_run(struct hg_agent *agent,
    const struct hg_agent_request *request, int cancel_fd,
    struct hg_strbuf *ret_reply);

#endif
