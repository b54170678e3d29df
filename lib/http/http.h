/* SPDX-License-Identifier: Apache-2.0 */
/* HTTP requests over a Unix socket, one at a time, blocking. Any thread. */
#ifndef HG_HTTP_HTTP_H
#define HG_HTTP_HTTP_H

#include <stddef.h>
#include <stdint.h>

#include "lib/base/strbuf.h"

struct hg_error;

struct hg_http_request {
	/* path of the server's socket */
	const char *socket;
	/* "GET" */
	const char *method;
	/* "/version?a=b", encoded */
	const char *target;
	/* JSON; NULL: none */
	const char *body;
	uint64_t timeout_ns;
	/* of the answer's body; a longer one is -HG_TOOBIG */
	size_t max_bytes;
};

struct hg_http_answer {
	/* 200, 404, ... */
	long status;
	struct hg_strbuf body;
};

/*
 * Fills ret (release it, also on error). -HG_UNAVAILABLE: nobody serves there;
 * -HG_TIMEOUT. Any status is an answer and not an error.
 */
int hg_http_call(const struct hg_http_request *request,
    struct hg_http_answer *ret, struct hg_error *err);
void hg_http_answer_release(struct hg_http_answer *a);

/* text, encoded for a part of a target; owned. */
char *hg_http_encode(const char *text);

#endif
