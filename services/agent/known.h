/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which contents the coordinators are believed to have: those that they were
 * sent or did not miss. A belief that is wrong costs a round trip. Any thread.
 */
#ifndef HG_AGENT_KNOWN_H
#define HG_AGENT_KNOWN_H

#include <stdbool.h>

struct hg_content_id;
struct hg_known;

struct hg_known *hg_known_new(void);
void hg_known_free(struct hg_known *k);

/* coordinators: their addresses as they are configured. */
bool hg_known_has(struct hg_known *k, const char *coordinators,
    const struct hg_content_id *id);
void hg_known_add(struct hg_known *k, const char *coordinators,
    const struct hg_content_id *id);

#endif
