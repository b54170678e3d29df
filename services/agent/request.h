/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A launcher's compile as a packed CompileRequest, which names its inputs by
 * their contents' digests; and the contents, for whoever lacks them.
 */
#ifndef HG_AGENT_REQUEST_H
#define HG_AGENT_REQUEST_H

#include <stdbool.h>

#include "lib/base/reason.h"
#include "lib/base/strbuf.h"
#include "lib/digest/content_id.h"

struct hg_agent_request;
struct hg_error;
struct hg_inputs;
struct hg_contents;
struct hg_toolset;

/* What is packed with the inputs and the launcher's request. */
struct hg_request_parts {
	const struct hg_agent_request *request;
	/* sorted; outlives the request that is made of it */
	const struct hg_inputs *inputs;
	/* the compiler's files, for workers that lack it; or NULL */
	const struct hg_toolset *tools;
	/* hex digest */
	const char *toolchain;
	/* "x86_64" */
	const char *arch;
};

/* A content that the request names: a file here, or a list in the request. */
struct hg_request_content {
	struct hg_content_id id;
	/* NULL: it is the list */
	const char *path;
	const struct hg_strbuf *list;
	size_t n;
	/* one of the compiler's, which workers mostly have themselves */
	bool is_tool;
};

struct hg_request {
	/* the packed CompileRequest without a bundle */
	struct hg_strbuf head;
	/* packed InputLists: of the inputs, and of the compiler's files */
	struct hg_strbuf list;
	struct hg_strbuf tools;
	struct hg_request_content *contents;
	size_t n_contents;
};

#define HG_REQUEST_INIT                       \
 {                                            \
  HG_STRBUF_INIT, HG_STRBUF_INIT,             \
  HG_STRBUF_INIT, NULL, 0                     \
 }

/*
 * Otherwise *ret_reason says why the compile cannot travel: not_utf8, too_large,
 * search_failed (an input is gone or changing). Release it in any case.
 */
int hg_request_make(const struct hg_request_parts *parts,
    struct hg_contents *contents, struct hg_request *ret,
    enum hg_reason *ret_reason, struct hg_error *err);
void hg_request_release(struct hg_request *r);

/*
 * Appends a bundle of contents of the request, as many as fit, to out. wanted
 * says which. -HG_IO when a file has changed since it was looked at.
 */
int hg_request_bundle(const struct hg_request *r,
    bool (*wanted)(void *arg, const struct hg_request_content *c), void *arg,
    struct hg_strbuf *out, struct hg_error *err);

/* Does a worker's compiler get the variable "NAME=value"? (env.def) */
bool hg_request_sends_env(const char *var);

/* The value of a variable in the launcher's environment, or NULL. */
const char *hg_request_env(
    const struct hg_agent_request *request, const char *name);

/*
 * PATH without the folders that no worker shows to a compile: a user's own, or
 * one with links to us, would only keep equal compiles of two users apart. Owned.
 * tools: what the client brings; or NULL.
 */
char *hg_request_worker_path(
    const struct hg_toolset *tools, const char *list);

#endif
