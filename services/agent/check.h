/* SPDX-License-Identifier: Apache-2.0 */
/* Whether a worker's compile saw what a compile here would have seen. */
#ifndef HG_AGENT_CHECK_H
#define HG_AGENT_CHECK_H

#include <stdbool.h>

struct hg_agent_request;
struct hg_error;
struct hg_contents;
struct hg_inputs;
struct hg_wire_result;

/*
 * inputs: what was sent. Files read or run must have the same content here, what was looked for in
 * vain must not exist here, folders must exist, and only files that the request
 * names may come back. -HG_INVALID and the first difference otherwise; then
 * *ret_in_tools says whether it is where workers show tools of their own.
 */
int hg_check_result(const struct hg_agent_request *request,
    const struct hg_wire_result *result, const struct hg_inputs *inputs,
    struct hg_contents *contents, bool *ret_in_tools, struct hg_error *err);

#endif
