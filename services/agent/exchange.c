/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the coordinator is believed to have is not sent. Of the rest little goes
 * along at once (a source that was just changed); of much, such as all headers
 * after a start, only the list of inputs goes, which tells the coordinator what
 * to ask for: another client may have brought it already.
 */
#include "config.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/alloc.h"
#include "lib/base/error.h"
#include "lib/base/hmap.h"
#include "lib/base/strbuf.h"
#include "lib/base/time.h"
#include "lib/wire/packed.h"
#include "lib/wire/wire.h"
#include "services/agent/agent.h"
#include "services/agent/coords.h"
#include "services/agent/exchange.h"
#include "services/agent/known.h"
#include "services/agent/request.h"

/* Unknown contents up to so many bytes are sent without asking. */
#define SMALL_BYTES ((size_t)128 << 10)

/* A bundle each; a toolchain takes a few. */
#define MAX_ROUNDS 64

/* More than this is sent by one compile at a time: others want the same. */
#define LARGE_BYTES ((size_t)4 << 20)

struct exchange {
	struct hg_agent *agent;
	const char *coordinators;
	const struct hg_request *request;
	/* what the coordinator said it lacks, sorted; or NULL */
	struct hg_content_id *missing;
	size_t n_missing;
	uint64_t *sent_bytes;
	/* hex of what was sent because it was missing */
	struct hg_hmap sent;
	/* holds the agent's upload lock */
	bool is_uploading;
};

static int
by_id(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct hg_content_id));
}

static bool
is_unknown(void *arg, const struct hg_request_content *c)
{
	const struct exchange *x = arg;

	/* workers have their tools, mostly; the coordinator need not */
	return !c->is_tool && !hg_known_has(x->agent->known, x->coordinators, &c->id);
}

/* The list of inputs, if it is not known and short enough. */
static bool
is_unknown_list(void *arg, const struct hg_request_content *c)
{
	return !c->path && c->n <= SMALL_BYTES && is_unknown(arg, c);
}

static bool
is_missing(void *arg, const struct hg_request_content *c)
{
	const struct exchange *x = arg;

	return bsearch(&c->id, x->missing, x->n_missing, sizeof(c->id), by_id);
}

/* The same, for sending it. */
static bool
send_missing(void *arg, const struct hg_request_content *c)
{
	struct exchange *x = arg;
	char hex[HG_CONTENT_ID_HEX_BYTES];

	if (!is_missing(x, c))
		return false;
	hg_content_id_hex(&c->id, hex);
	hg_hmap_set(&x->sent, hex, x);
	return true;
}

static bool
was_sent(const struct exchange *x, const struct hg_content_id *id)
{
	char hex[HG_CONTENT_ID_HEX_BYTES];

	hg_content_id_hex(id, hex);
	return hg_hmap_get(&x->sent, hex) != NULL;
}

static size_t
unknown_bytes(struct exchange *x)
{
	size_t n = 0;

	for (size_t i = 0; i < x->request->n_contents; i++)
		if (is_unknown(x, &x->request->contents[i]))
			n += x->request->contents[i].n;
	return n;
}

/* The request, and what is to go with it. */
static int
make_body(struct exchange *x, struct hg_strbuf *body, struct hg_error *err)
{
	struct hg_strbuf bundle = HG_STRBUF_INIT;
	size_t unknown = x->missing ? 0 : unknown_bytes(x);
	int rc = 0;

	hg_strbuf_add(body, x->request->head.buf, x->request->head.len);
	if (x->missing)
		rc = hg_request_bundle(
		    x->request, send_missing, x, &bundle, err);
	else if (unknown > 0)
		rc = hg_request_bundle(x->request,
		    unknown <= SMALL_BYTES ? is_unknown : is_unknown_list, x,
		    &bundle, err);
	if (rc == 0 && bundle.len > 0)
		hg_wire_compile_add_bundle(body, bundle.buf, bundle.len);
	*x->sent_bytes += body->len;
	hg_strbuf_release(&bundle);
	return rc;
}

static size_t
missing_bytes(struct exchange *x)
{
	size_t n = 0;

	for (size_t i = 0; i < x->request->n_contents; i++)
		if (is_missing(x, &x->request->contents[i]))
			n += x->request->contents[i].n;
	return n;
}

/* Another compile may have sent it while we waited: then we ask again. */
static void
wait_for_turn(struct exchange *x)
{
	if (x->is_uploading || missing_bytes(x) < LARGE_BYTES)
		return;
	pthread_mutex_lock(&x->agent->upload);
	x->is_uploading = true;
	free(x->missing);
	x->missing = NULL;
	x->n_missing = 0;
}

/* Takes note of what is missing; an answer that makes no sense is an error. */
static int
take_missing(struct exchange *x, const struct hg_blob *missing,
    struct hg_error *err)
{
	size_t n = missing->n / sizeof(struct hg_content_id);

	if (n * sizeof(struct hg_content_id) != missing->n)
		return hg_fail(err, HG_PROTOCOL,
		    "the coordinator misses something that has no name");
	free(x->missing);
	x->missing = hg_xmalloc(missing->n);
	memcpy(x->missing, missing->p, missing->n);
	x->n_missing = n;
	for (size_t i = 0; i < n; i++)
		if (was_sent(x, &x->missing[i]))
			return hg_fail(err, HG_PROTOCOL,
			    "the coordinator still misses what it was sent");
	qsort(x->missing, n, sizeof(*x->missing), by_id);
	wait_for_turn(x);
	return 0;
}

static void
note_known(struct exchange *x)
{
	for (size_t i = 0; i < x->request->n_contents; i++)
		if (is_unknown(x, &x->request->contents[i]))
			hg_known_add(x->agent->known, x->coordinators,
			    &x->request->contents[i].id);
}

/* One round; *ret stays NULL when something is missing. */
static int
ask(struct exchange *x, uint64_t end_ns, int cancel_fd,
    struct hg_wire_result **ret, enum hg_reason *ret_reason,
    struct hg_error *err)
{
	struct hg_strbuf body = HG_STRBUF_INIT, answer = HG_STRBUF_INIT;
	struct hg_wire_result *result = NULL;
	uint64_t now = hg_now_ns();
	bool is_answer;
	int rc = make_body(x, &body, err);

	*ret_reason = HG_REASON_search_failed;
	if (rc == 0)
		rc = hg_coords_compile(x->agent->coords, x->coordinators,
		    &body, now < end_ns ? end_ns - now : 1, cancel_fd, &answer,
		    ret_reason, err);
	if (rc == 0) {
		*ret_reason = HG_REASON_remote_failed;
		result = hg_wire_result_unpack(answer.buf, answer.len, err);
		if (!result || hg_wire_result_expand(result, HG_PACKED_ALL, err))
			rc = hg_wrap(err, "the coordinator's answer");
	}
	is_answer = rc == 0 && result->missing.n == 0;
	if (rc == 0 && !is_answer)
		rc = take_missing(x, &result->missing, err);
	if (!is_answer) {
		hg_wire_result_free(result);
		result = NULL;
	}
	*ret = result;
	hg_strbuf_release(&body);
	hg_strbuf_release(&answer);
	return rc;
}

int
hg_exchange(struct hg_agent *agent, const char *coordinators,
    const struct hg_request *request, uint64_t end_ns, int cancel_fd,
    struct hg_wire_result **ret, uint64_t *sent, enum hg_reason *ret_reason,
    struct hg_error *err)
{
	struct exchange x = {
		.agent = agent,
		.sent_bytes = sent,
		.coordinators = coordinators,
		.request = request,
		.sent = HG_HMAP_INIT,
	};
	int rc = 0;

	*ret = NULL;
	for (int i = 0; rc == 0 && !*ret && i < MAX_ROUNDS; i++)
		rc = ask(&x, end_ns, cancel_fd, ret, ret_reason, err);
	if (rc == 0 && !*ret)
		rc = hg_fail(err, HG_PROTOCOL, "too many contents are missing");
	if (rc == 0)
		note_known(&x);
	if (x.is_uploading)
		pthread_mutex_unlock(&agent->upload);
	hg_hmap_release(&x.sent, NULL);
	free(x.missing);
	return rc;
}
