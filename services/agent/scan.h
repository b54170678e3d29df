/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finding a compile's inputs without running anything, for all compiles of the
 * user: what texts ask for, what folders hold and what drivers say is remembered,
 * and looked at again only as far as its signature changed. What is found is all
 * that the compile may read, and more; that it was enough is proved by what the
 * worker's compiler read (check.h). Any thread.
 */
#ifndef HG_AGENT_SCAN_H
#define HG_AGENT_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "services/agent/graph.h"

struct hg_agent_request;
struct hg_contents;
struct hg_error;
struct hg_inputs;
struct hg_scan;
struct hg_search;
struct hg_wire_result;

/*
 * search and contents outlive it. is_on: else it always says HG_SCAN_off.
 * max_bytes bounds what is remembered: beyond, it starts anew.
 */
struct hg_scan *hg_scan_new(struct hg_search *search,
    struct hg_contents *contents, bool is_on, size_t max_bytes);
void hg_scan_free(struct hg_scan *s);

/*
 * Fills empty inputs with what the compile may read and the folders it needs.
 * HG_SCAN_scanned; else the inputs are empty again, and the preprocessor has to
 * tell. Runs the driver, observed, when it is asked for the first time.
 */
enum hg_scan_reason hg_scan_find(struct hg_scan *s,
    const struct hg_agent_request *request, uint64_t timeout_ns, int cancel_fd,
    struct hg_inputs *in);

/*
 * A worker's result was no good. If its compiler looked for files that are here,
 * the next search for the same command knows. found: how that search went.
 */
void hg_scan_missed(struct hg_scan *s, const struct hg_agent_request *request,
    const struct hg_wire_result *result, enum hg_scan_reason found);
/* Adds what was missed before to inputs that the preprocessor found. */
int hg_scan_add_missed(struct hg_scan *s,
    const struct hg_agent_request *request, struct hg_inputs *in,
    struct hg_error *err);

const char *hg_scan_reason_name(enum hg_scan_reason r);
/* Searches that ended so. */
unsigned long long hg_scan_count(struct hg_scan *s, enum hg_scan_reason r);

#endif
