/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libcurl, told to use a Unix socket and nothing else: no proxy of the
 * environment, no redirection, no other protocol. A connection a request: on one
 * machine that costs less than looking after connections would.
 */
#include "config.h"

#include <curl/curl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/base/error.h"
#include "lib/base/time.h"
#include "lib/http/http.h"

static pthread_once_t curl_once = PTHREAD_ONCE_INIT;

struct transfer {
	const struct hg_http_request *request;
	struct hg_http_answer *answer;
	int too_big;
};

static void
init_curl(void)
{
	curl_global_init(CURL_GLOBAL_NOTHING);
}

static size_t
on_data(char *data, size_t size, size_t n, void *arg)
{
	struct transfer *t = arg;
	size_t bytes = size * n;

	if (bytes > t->request->max_bytes - t->answer->body.len) {
		t->too_big = 1;
		return 0;
	}
	hg_strbuf_add(&t->answer->body, data, bytes);
	return bytes;
}

static void
set_options(CURL *curl, const struct hg_http_request *r, struct transfer *t,
    struct curl_slist *headers, const char *url)
{
	curl_easy_setopt(curl, CURLOPT_URL, url);
	curl_easy_setopt(curl, CURLOPT_UNIX_SOCKET_PATH, r->socket);
	curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, r->method);
	curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(curl, CURLOPT_PROXY, "");
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS,
	    (long)(r->timeout_ns / HG_NS_PER_MS));
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_data);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, t);
	if (r->body)
		curl_easy_setopt(curl, CURLOPT_POSTFIELDS, r->body);
}

static int
failed(CURLcode code, const struct transfer *t, struct hg_error *err)
{
	const struct hg_http_request *r = t->request;

	if (t->too_big)
		return hg_fail(err, HG_TOOBIG,
		    "the answer of %s is longer than %zu bytes", r->socket,
		    r->max_bytes);
	if (code == CURLE_OPERATION_TIMEDOUT)
		return hg_fail(err, HG_TIMEOUT,
		    "%s did not answer %s %.80s within %llu ms", r->socket,
		    r->method, r->target,
		    (unsigned long long)(r->timeout_ns / HG_NS_PER_MS));
	return hg_fail(err, HG_UNAVAILABLE, "%s: %s", r->socket,
	    curl_easy_strerror(code));
}

int
hg_http_call(const struct hg_http_request *request, struct hg_http_answer *ret,
    struct hg_error *err)
{
	struct transfer t = { .request = request, .answer = ret };
	struct hg_strbuf url = HG_STRBUF_INIT;
	struct curl_slist *headers = NULL;
	CURLcode code = CURLE_FAILED_INIT;
	CURL *curl;
	int rc = 0;

	*ret = (struct hg_http_answer){ .body = HG_STRBUF_INIT };
	pthread_once(&curl_once, init_curl);
	curl = curl_easy_init();
	headers = curl_slist_append(headers, "Content-Type: application/json");
	hg_strbuf_addf(&url, "http://localhost%s", request->target);
	if (curl) {
		set_options(curl, request, &t, headers, url.buf);
		code = curl_easy_perform(curl);
	}
	if (code == CURLE_OK)
		curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &ret->status);
	else
		rc = failed(code, &t, err);
	curl_slist_free_all(headers);
	curl_easy_cleanup(curl);
	hg_strbuf_release(&url);
	return rc;
}

void
hg_http_answer_release(struct hg_http_answer *a)
{
	hg_strbuf_release(&a->body);
}

char *
hg_http_encode(const char *text)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyz"
				    "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789-._~";
	struct hg_strbuf out = HG_STRBUF_INIT;

	for (; *text; text++) {
		const char *p = plain;

		while (*p && *p != *text)
			p++;
		if (*p)
			hg_strbuf_addc(&out, *text);
		else
			hg_strbuf_addf(&out, "%%%02X", (unsigned char)*text);
	}
	return hg_strbuf_detach(&out, NULL);
}
