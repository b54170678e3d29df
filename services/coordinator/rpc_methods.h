/* SPDX-License-Identifier: Apache-2.0 */
/* The methods of hybridgrid.v1.BuildService that the coordinator serves. */
#ifndef HG_COORDINATOR_RPC_METHODS_H
#define HG_COORDINATOR_RPC_METHODS_H

#include <stddef.h>

#include "lib/rpc/rpc.h"

struct hg_error;
struct hg_strbuf;

/* Handlers; their ctx is the struct hg_coord. */
extern const struct hg_rpc_method hg_coord_methods[];
extern const size_t hg_coord_n_methods;

hg_rpc_handler_fn hg_coord_on_handshake;
hg_rpc_handler_fn hg_coord_on_compile;
hg_rpc_handler_fn hg_coord_on_health;
hg_rpc_handler_fn hg_coord_on_status;

/* Refuses a request that could not be read. */
void hg_coord_refuse_undecodable(
    struct hg_rpc_request *req, const struct hg_error *err);
/* Answers with what out holds, and releases it. */
void hg_coord_reply(struct hg_rpc_request *req, struct hg_strbuf *out);

#endif
