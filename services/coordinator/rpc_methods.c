/* SPDX-License-Identifier: Apache-2.0 */
/* The table of methods, and what their handlers share. */
#include "config.h"

#include "lib/base/error.h"
#include "lib/base/strbuf.h"
#include "lib/wire/wire.h"
#include "services/coordinator/rpc_methods.h"

const struct hg_rpc_method hg_coord_methods[] = {
	{ HG_METHOD_HANDSHAKE, hg_coord_on_handshake },
	{ HG_METHOD_COMPILE, hg_coord_on_compile },
	{ HG_METHOD_HEALTH, hg_coord_on_health },
	{ HG_METHOD_STATUS, hg_coord_on_status },
};

const size_t hg_coord_n_methods =
    sizeof(hg_coord_methods) / sizeof(*hg_coord_methods);

void
hg_coord_refuse_undecodable(
    struct hg_rpc_request *req, const struct hg_error *err)
{
	hg_rpc_refuse(req, HG_RPC_INVALID_ARGUMENT, err->text);
}

void
hg_coord_reply(struct hg_rpc_request *req, struct hg_strbuf *out)
{
	hg_rpc_reply(req, out->buf, out->len);
	hg_strbuf_release(out);
}
