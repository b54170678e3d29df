/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a compiler's driver says of itself: where it searches for headers, which
 * macros it has, and what it reads for any compile. Asked by running it, observed,
 * on an empty file.
 */
#ifndef HG_AGENT_DRIVER_H
#define HG_AGENT_DRIVER_H

#include <stdint.h>

#include "lib/base/strvec.h"
#include "lib/digest/digest.h"
#include "lib/scan/macros.h"

struct hg_agent_request;
struct hg_error;
struct hg_includes;
struct hg_search;

struct hg_driver {
	struct hg_macros known;
	/* the same for equal macros */
	char known_id[HG_DIGEST_HEX_BYTES];
	/*
	 * The folders, in order, as the driver spells them. Where those of the
	 * command belong stands the name of their kind: see
	 * hg_driver_placeholder()
	 */
	struct hg_strvec quote;
	struct hg_strvec angle;
	/* folders that it would search if they were there */
	struct hg_strvec missing;
	/* what it read, and folders it looked at */
	struct hg_strvec base;
	/* programs that ran */
	struct hg_strvec programs;
	/* reads <stdc-predef.h> first */
	bool has_predef;
};

/* What tells equal questions from others; appended. */
void hg_driver_key(const struct hg_agent_request *request,
    const struct hg_includes *includes, struct hg_strbuf *out);
/*
 * Runs it, which takes some 10 ms. NULL and err when it cannot be run or does
 * not answer as compilers do. Any thread.
 */
struct hg_driver *hg_driver_ask(struct hg_search *search,
    const struct hg_agent_request *request, const struct hg_includes *includes,
    uint64_t timeout_ns, int cancel_fd, struct hg_error *err);
void hg_driver_free(struct hg_driver *d);

/* The kind of folders that a name in a list stands for, or -1. */
int hg_driver_placeholder(const char *folder);

#endif
