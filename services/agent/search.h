/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finding a compile's inputs by running the compiler's preprocessor under
 * observation: what it opened is what it needs, however it came to it.
 */
#ifndef HG_AGENT_SEARCH_H
#define HG_AGENT_SEARCH_H

#include <stddef.h>
#include <stdint.h>

struct hg_agent_request;
struct hg_error;
struct hg_observed_list;
struct hg_proc_result;
struct hg_search;

/* A run of a compiler; all borrowed. */
struct hg_search_command {
	/* without the program */
	const char *const *args;
	size_t n_args;
	/* added to the request's environment */
	const char *more_env;
	/* where it runs; NULL: in the request's folder */
	const char *cwd;
	/* of stdout and of stderr */
	size_t max_capture_bytes;
};

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

/*
 * Runs the request's compiler in its folder with other arguments, observed. The
 * result is to be released, also after an error. Errors as above.
 */
int hg_search_ask(struct hg_search *s, const struct hg_agent_request *request,
    const struct hg_search_command *command, uint64_t timeout_ns, int cancel_fd,
    struct hg_observed_list *ret, struct hg_proc_result *ret_result,
    struct hg_error *err);

#endif
