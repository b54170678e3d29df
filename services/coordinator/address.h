/* SPDX-License-Identifier: Apache-2.0 */
/* Where a worker is to be called, and whether its name will do. */
#ifndef HG_COORDINATOR_ADDRESS_H
#define HG_COORDINATOR_ADDRESS_H

#include <stdbool.h>

/* The port of a worker that tells of none. */
#define HG_WORKER_PORT 50052

/* "host:port", "1.2.3.4:5", "[::1]:5", with a port from 1 to 65535. */
bool hg_address_is_valid(const char *address);
/*
 * Of a peer as gRPC spells it ("ipv4:1.2.3.4:5", "ipv6:[::1]:5", also with
 * %5B and %5D), the address with another port; NULL when it is not IP. Owned.
 */
char *hg_address_of_peer(const char *peer, unsigned port);
/* Printable, without blanks and quotes, neither empty nor long. */
bool hg_worker_id_is_valid(const char *id);

#endif
