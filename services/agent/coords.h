/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The coordinators that compiles are sent to: one channel each, on one thread,
 * with what is believed of them (peer.h) kept there too. Compile threads post
 * what they want and wait for the answer or for their launcher to hang up.
 */
#ifndef HG_AGENT_COORDS_H
#define HG_AGENT_COORDS_H

#include <stdint.h>

#include "lib/base/reason.h"

struct hg_coords;
struct hg_error;
struct hg_strbuf;

struct hg_coords_options {
	/* longest wait for the answer to a probe */
	uint64_t connect_wait_ns;
	/* a coordinator that did not answer is left alone for so long */
	uint64_t backoff_ns;
	/* how often one with compiles is asked for a sign of life */
	uint64_t beat_ns;
	/* and when its silence means that they are lost */
	uint64_t silence_ns;
};

struct hg_coords *hg_coords_new(
    const struct hg_coords_options *options, struct hg_error *err);
/* When nobody waits any more. */
void hg_coords_free(struct hg_coords *c);

/*
 * Waits until one of "host:port[,host:port...]" is known to answer. 0; or
 * -HG_UNAVAILABLE with *ret_reason; or -HG_CANCELLED when cancel_fd became
 * readable. Any thread.
 */
int hg_coords_find(struct hg_coords *c, const char *addresses, int cancel_fd,
    enum hg_reason *ret_reason, struct hg_error *err);

/*
 * Sends a packed CompileRequest, which it takes out of *body, to the first
 * coordinator that answers, and appends the packed CompileResponse to ret.
 * Returns as hg_coords_find().
 */
int hg_coords_compile(struct hg_coords *c, const char *addresses,
    struct hg_strbuf *body, uint64_t timeout_ns, int cancel_fd,
    struct hg_strbuf *ret, enum hg_reason *ret_reason, struct hg_error *err);

#endif
