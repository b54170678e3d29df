/* SPDX-License-Identifier: Apache-2.0 */
/* Sending a request, and after it what turns out to be missing there. */
#ifndef HG_AGENT_EXCHANGE_H
#define HG_AGENT_EXCHANGE_H

#include <stdint.h>

#include "lib/base/reason.h"

struct hg_agent;
struct hg_error;
struct hg_request;
struct hg_wire_result;

/*
 * *ret is the answer, which misses nothing; the caller's. Otherwise as
 * hg_coords_compile(), or remote_failed when the answer is no use. *sent grows by
 * the bytes of all requests, contents included.
 */
int hg_exchange(struct hg_agent *agent, const char *coordinators,
    const struct hg_request *request, uint64_t end_ns, int cancel_fd,
    struct hg_wire_result **ret, uint64_t *sent, enum hg_reason *ret_reason,
    struct hg_error *err);

#endif
