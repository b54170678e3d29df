/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Results that another checkout of the same sources can use: the key that all
 * checkouts share, and what must be true of a result to be found under it.
 */
#ifndef HG_LAUNCHER_PORTABLE_H
#define HG_LAUNCHER_PORTABLE_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/digest/digest.h"

struct hg_job;
struct hg_observed_list;
struct hg_result;

struct hg_portable {
	/* the rest is filled; there is a key */
	bool is_planned;
	bool is_usable;
	/* the checkout's folder; owned */
	char *root;
	/* __FILE__ does not tell it */
	bool maps_macros;
	struct hg_digest key;
	/* checksum of the outputs' names, relative to it */
	uint64_t names;
};

/*
 * Makes the key in which this checkout's folder does not occur. False when it
 * would be the same as the job's own, or when the result will name the folder.
 */
bool hg_portable_plan(struct hg_job *job);

/* Is the result the same for all checkouts, but for the dependency file? */
bool hg_portable_is_same(const struct hg_job *job,
    const struct hg_observed_list *seen, const struct hg_result *result);

void hg_portable_release(struct hg_portable *p);

#endif
