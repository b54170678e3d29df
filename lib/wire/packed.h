/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Results with their lists compressed: hundreds of paths that are much alike, and
 * objects. Each list for itself, as some want only one of them. Any thread.
 */
#ifndef HG_WIRE_PACKED_H
#define HG_WIRE_PACKED_H

#include <stddef.h>

struct hg_error;
struct hg_strbuf;
struct hg_wire_result;

/*
 * As hg_wire_result_pack(), but lists compressed that become smaller by that and
 * have no more than max bytes before. r's own packed lists must be empty.
 */
void hg_wire_result_pack_small(
    const struct hg_wire_result *r, size_t max, struct hg_strbuf *out);

enum {
	HG_PACKED_OUTPUTS = 1,
	HG_PACKED_OBSERVED = 2,
	HG_PACKED_ALL = 3,
};

/*
 * Fills the lists of an unpacked result from what it holds compressed. -HG_CORRUPT,
 * -HG_TOOBIG, -HG_PROTOCOL: nothing was done with the list that is wrong.
 */
int hg_wire_result_expand(
    struct hg_wire_result *r, unsigned which, struct hg_error *err);

#endif
