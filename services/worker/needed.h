/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a compile is to find, as the request names it: its own rows or those of a
 * list that is a content itself, and which of their contents are not here.
 */
#ifndef HG_WORKER_NEEDED_H
#define HG_WORKER_NEEDED_H

#include <stddef.h>

#include "services/worker/view.h"

struct hg_blobs;
struct hg_content_id;
struct hg_error;
struct hg_strbuf;
struct hg_wire_compile;
struct hg_wire_input;
struct hg_wire_input_list;

struct hg_needed {
	/* of the request or of the list */
	const struct hg_wire_input *v;
	size_t n;
	struct hg_wire_input_list *list;
};

/* Keeps what came with the request. Errors as below. */
int hg_needed_keep(struct hg_blobs *blobs,
    const struct hg_wire_compile *request, struct hg_error *err);

/*
 * The list of inputs that is the content id; the caller's. NULL in *ret, and 0,
 * when it is not here: its id is appended to missing then. -HG_PROTOCOL,
 * -HG_TOOBIG: it is no list.
 */
int hg_needed_list(struct hg_blobs *blobs, const struct hg_content_id *id,
    struct hg_strbuf *missing, struct hg_wire_input_list **ret,
    struct hg_error *err);

/*
 * Makes sure that a content is here, which may be the one of this machine's own
 * file of that name; appends its id to missing if it is not.
 */
void hg_needed_want(struct hg_blobs *blobs, const struct hg_wire_input *row,
    struct hg_strbuf *missing);

/*
 * Finds the inputs of a request. Appends the ids of what
 * is missing to missing (then nothing else is of use). Errors are the sender's:
 * -HG_CORRUPT, -HG_PROTOCOL, -HG_TOOBIG, -HG_DENIED; or -HG_IO. Release also
 * after an error.
 */
int hg_needed_receive(struct hg_needed *in, struct hg_blobs *blobs,
    const struct hg_wire_compile *request, const struct hg_view *view,
    struct hg_strbuf *missing, struct hg_error *err);
void hg_needed_release(struct hg_needed *in);

#endif
