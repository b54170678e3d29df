/* SPDX-License-Identifier: Apache-2.0 */
/* A launcher's compile and its inputs, as a packed CompileRequest. */
#ifndef HG_AGENT_REQUEST_H
#define HG_AGENT_REQUEST_H

#include <stdbool.h>

#include "lib/base/reason.h"

struct hg_agent_request;
struct hg_error;
struct hg_inputs;
struct hg_contents;
struct hg_strbuf;

/* What is packed with the inputs and the launcher's request. */
struct hg_request_parts {
	const struct hg_agent_request *request;
	/* sorted */
	const struct hg_inputs *inputs;
	/* hex digest */
	const char *toolchain;
	/* "x86_64" */
	const char *arch;
};

/*
 * Appends the message to out. Otherwise *ret_reason says why the compile cannot
 * travel: not_utf8, too_large, search_failed (an input is gone or changing).
 */
int hg_request_pack(const struct hg_request_parts *parts, struct hg_contents *contents,
    struct hg_strbuf *out, enum hg_reason *ret_reason, struct hg_error *err);

/* Does a worker's compiler get the variable "NAME=value"? (env.def) */
bool hg_request_sends_env(const char *var);

/* The value of a variable in the launcher's environment, or NULL. */
const char *hg_request_env(
    const struct hg_agent_request *request, const char *name);

#endif
