/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Being known to one coordinator: a handshake, then heartbeats, and the
 * handshake again whenever the coordinator was away, is a new one, or has
 * forgotten us. Never gives up. On the loop's thread only.
 */
#ifndef HG_WORKER_REGISTRATION_H
#define HG_WORKER_REGISTRATION_H

#include <stdbool.h>

struct hg_error;
struct hg_registration;
struct hg_worker;

/* Starts at once. NULL and err when target is not an address. */
struct hg_registration *hg_registration_new(
    struct hg_worker *w, const char *target, struct hg_error *err);
/*
 * Says farewell, so that nothing more is sent here; hg_worker_has_left() is
 * called when that was heard or cannot be. False: there is nobody to tell.
 */
bool hg_registration_leave(struct hg_registration *r);
/* No more calls. May be repeated. */
void hg_registration_stop(struct hg_registration *r);
/* After the loop was freed. */
void hg_registration_free(struct hg_registration *r);

#endif
