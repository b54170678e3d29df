/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Handshake: a worker joins, or tells of itself again. What is wrong with a
 * request that can be read is said in the answer (accepted is false).
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/alloc.h"
#include "lib/base/error.h"
#include "lib/base/log.h"
#include "lib/base/strbuf.h"
#include "lib/base/time.h"
#include "lib/wire/wire.h"
#include "services/coordinator/address.h"
#include "services/coordinator/coordinator.h"
#include "services/coordinator/rpc_methods.h"

static void
answer(struct hg_rpc_request *req, struct hg_coord *c,
    const struct hg_worker *w, const struct hg_error *err)
{
	char ok[] = "welcome", *text = hg_xstrdup(w ? ok : err->text);
	const struct hg_wire_handshake_reply reply = {
		.accepted = w != NULL,
		.assigned_id = w ? w->id : NULL,
		.message = text,
		.heartbeat_seconds = HG_HEARTBEAT_SECONDS,
		.epoch = c->epoch,
	};
	struct hg_strbuf out = HG_STRBUF_INIT;

	hg_wire_handshake_reply_pack(&reply, &out);
	hg_coord_reply(req, &out);
	free(text);
}

/* The address to call the worker at; owned, or NULL and err. */
static char *
find_address(const struct hg_wire_handshake *hello, const char *peer,
    struct hg_error *err)
{
	char *address;

	if (*hello->address) {
		if (hg_address_is_valid(hello->address))
			return hg_xstrdup(hello->address);
		hg_fail(err, HG_INVALID,
		    "address '%.100s' is not of the form host:port",
		    hello->address);
		return NULL;
	}
	if (hg_address_is_valid(hello->worker_id))
		return hg_xstrdup(hello->worker_id);
	address = hg_address_of_peer(peer, HG_WORKER_PORT);
	if (!address)
		hg_fail(err, HG_INVALID,
		    "no address was given, and '%.100s' is not one of a "
		    "network",
		    peer);
	return address;
}

/* The id given; or that of the worker there; or a new one. Owned. */
static char *
find_id(struct hg_coord *c, const struct hg_wire_handshake *hello,
    const char *address)
{
	const struct hg_worker *w;

	if (*hello->worker_id)
		return hg_xstrdup(hello->worker_id);
	w = hg_registry_find_address(&c->registry, address, NULL);
	if (w)
		return hg_xstrdup(w->id);
	return hg_xasprintf(
	    "worker-%08lx", (unsigned long)(hg_random_next(&c->random) >> 32));
}

static int
check(const struct hg_wire_handshake *hello, struct hg_error *err)
{
	if (*hello->worker_id && !hg_worker_id_is_valid(hello->worker_id))
		return hg_fail(err, HG_INVALID,
		    "worker_id must be at most 128 printable characters "
		    "without blanks and quotes");
	return 0;
}

/* A worker that was restarted under another id leaves its old entry behind. */
static void
drop_predecessor(struct hg_coord *c, const char *id, const char *address)
{
	struct hg_worker *w =
	    hg_registry_find_address(&c->registry, address, id);

	if (w)
		hg_coord_drop_worker(c, w, "replaced", false);
}

static void
log_join(const struct hg_worker *w, bool is_new)
{
	hg_log(is_new ? HG_LOG_NOTICE : HG_LOG_INFO,
	    is_new ? "worker joined" : "worker joined again",
	    "worker=%s address=%s slots=%d cores=%d protocol=%u", w->id,
	    w->address, (int)w->slots, (int)w->cpu_cores,
	    (unsigned)w->protocol);
}

static struct hg_worker *
join(struct hg_coord *c, const struct hg_wire_handshake *hello, const char *id,
    const char *address, struct hg_error *err)
{
	struct hg_worker *w = hg_registry_find(&c->registry, id);
	bool is_new = !w;
	bool same = w && w->channel && strcmp(w->address, address) == 0 &&
		    w->protocol == hello->protocol;

	w = hg_registry_join(
	    &c->registry, id, address, hello, hg_now_ns(), err);
	if (!w)
		return NULL;
	if (!same && hg_coord_connect(c, w, err) < 0) {
		hg_coord_drop_worker(c, w, "not_callable", false);
		return NULL;
	}
	drop_predecessor(c, id, address);
	log_join(w, is_new);
	return w;
}

void
hg_coord_on_handshake(void *ctx, struct hg_rpc_request *req)
{
	struct hg_coord *c = ctx;
	struct hg_error err;
	struct hg_worker *w = NULL;
	struct hg_wire_handshake *hello;
	char *address = NULL, *id = NULL;
	const void *body;
	size_t n;

	body = hg_rpc_request_body(req, &n);
	hello = hg_wire_handshake_unpack(body, n, &err);
	if (!hello) {
		hg_coord_refuse_undecodable(req, &err);
		return;
	}
	if (check(hello, &err) == 0)
		address = find_address(hello, hg_rpc_request_peer(req), &err);
	if (address) {
		id = find_id(c, hello, address);
		w = join(c, hello, id, address, &err);
	}
	if (!w)
		hg_log(HG_LOG_WARNING, "handshake refused",
		    "peer=%s reason=\"%s\"", hg_rpc_request_peer(req),
		    err.text);
	answer(req, c, w, &err);
	hg_wire_handshake_free(hello);
	free(address);
	free(id);
	hg_coord_dispatch_all(c);
}
