/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finding a compile's inputs by running the compiler's preprocessor under
 * observation: what it opened is what it needs, however it came to it.
 */
#ifndef HG_AGENT_SEARCH_H
#define HG_AGENT_SEARCH_H

#include <stdint.h>

struct hg_agent_request;
struct hg_error;
struct hg_observed_list;
struct hg_search;

/*
 * so_path is the library to preload. At most slots preprocessors run at once,
 * as more would only slow each other down.
 */
struct hg_search *hg_search_new(const char *so_path, unsigned slots);
void hg_search_free(struct hg_search *s);

/*
 * Preprocesses as the request says. Fails when the compiler did, when it could
 * not be observed, or after timeout_ns; -HG_CANCELLED when cancel_fd became
 * readable. Any thread.
 */
int hg_search_run(struct hg_search *s, const struct hg_agent_request *request,
    uint64_t timeout_ns, int cancel_fd, struct hg_observed_list *ret,
    struct hg_error *err);

#endif
