/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses and names as workers give them: text from outside. */
#include "config.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "lib/base/alloc.h"
#include "lib/base/error.h"
#include "lib/base/parse.h"
#include "services/coordinator/address.h"

#define LONGEST_ID 128
/* A domain name's longest. */
#define LONGEST_HOST 253

#define LETTERS_AND_DIGITS    \
 "abcdefghijklmnopqrstuvwxyz" \
 "ABCDEFGHIJKLMNOPQRSTUVWXYZ" \
 "0123456789"

static bool
is_host(const char *p, size_t n)
{
	if (n > 2 && p[0] == '[' && p[n - 1] == ']')
		return strspn(p + 1, "0123456789abcdefABCDEF:.") == n - 2;
	return n > 0 && n <= LONGEST_HOST &&
	       strspn(p, LETTERS_AND_DIGITS "-._") >= n;
}

bool
hg_address_is_valid(const char *address)
{
	const char *colon = strrchr(address, ':');
	uint64_t port;

	return colon && is_host(address, (size_t)(colon - address)) &&
	       hg_parse_u64(colon + 1, 1, 65535, &port, NULL) == 0;
}

char *
hg_address_of_peer(const char *peer, unsigned port)
{
	const char *colon = strrchr(peer, ':');
	size_t n;

	if (strncmp(peer, "ipv4:", 5) != 0 && strncmp(peer, "ipv6:", 5) != 0)
		return NULL;
	peer += 5;
	if (colon <= peer)
		return NULL;
	n = (size_t)(colon - peer);
	if (n > 6 && strncasecmp(peer, "%5B", 3) == 0 &&
	    strncasecmp(colon - 3, "%5D", 3) == 0)
		return hg_xasprintf("[%.*s]:%u", (int)n - 6, peer + 3, port);
	return hg_xasprintf("%.*s:%u", (int)n, peer, port);
}

bool
hg_worker_id_is_valid(const char *id)
{
	size_t n = strlen(id);

	if (n == 0 || n > LONGEST_ID)
		return false;
	for (size_t i = 0; i < n; i++)
		if (!isgraph((unsigned char)id[i]) || strchr("\"'\\", id[i]))
			return false;
	return true;
}
