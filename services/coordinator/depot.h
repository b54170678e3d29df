/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The contents that clients sent, kept for workers and other clients. Packing
 * and unpacking bundles is done on a thread of its own, so that it delays no
 * other compile; everything here is called on the loop's thread.
 */
#ifndef HG_COORDINATOR_DEPOT_H
#define HG_COORDINATOR_DEPOT_H

#include <stddef.h>
#include <stdint.h>

struct hg_content_id;
struct hg_depot;
struct hg_error;
struct hg_rpc_loop;
struct hg_strbuf;
struct hg_wire_input_list;

struct hg_depot *hg_depot_new(struct hg_rpc_loop *loop, const char *dir,
    uint64_t max_bytes, struct hg_error *err);
/* Finishes what it was asked for; the loop must still be there. */
void hg_depot_free(struct hg_depot *d);

/*
 * How a task ended; bundle is what was made, err says why it could not be (or is
 * NULL). Both valid during the call, which comes on the loop's thread.
 */
typedef void (*hg_depot_fn)(
    void *arg, const struct hg_strbuf *bundle, const struct hg_error *err);

/* Keeps the contents of a bundle, whose bytes stay until done is called. */
void hg_depot_store(struct hg_depot *d, const void *p, size_t n,
    hg_depot_fn done, void *arg);
/* Makes a bundle of those contents that are here, as many as fit. */
void hg_depot_bundle(struct hg_depot *d, const struct hg_content_id *ids,
    size_t n, hg_depot_fn done, void *arg);

/*
 * Appends the ids of what is not here of a list of inputs, or the list's own.
 * -HG_PROTOCOL or -HG_TOOBIG when it is no such list.
 */
int hg_depot_missing(struct hg_depot *d, const struct hg_content_id *list,
    struct hg_strbuf *missing, struct hg_error *err);

/* A list of inputs; the caller's; NULL: it is not here, or is none. */
struct hg_wire_input_list *hg_depot_list(
    struct hg_depot *d, const struct hg_content_id *id);

#endif
