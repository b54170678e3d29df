/* SPDX-License-Identifier: Apache-2.0 */
/* Reaching anybody who listens. */
#include "config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/escape/escape.h"

static bool
can_connect(int domain, int type, const void *address, size_t n)
{
	int fd = socket(domain, type | SOCK_CLOEXEC, 0);
	bool connected;

	if (fd < 0)
		return false;
	connected = connect(fd, address, (socklen_t)n) == 0;
	close(fd);
	return connected;
}

static bool
loopback(const char **ret_how)
{
	struct sockaddr_in four = {
		.sin_family = AF_INET,
		.sin_port = htons((in_port_t)told_number("PORT")),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};

	(void)ret_how;
	return four.sin_port != 0 &&
	    !can_connect(AF_INET, SOCK_STREAM, &four, sizeof(four));
}

static bool
world(const char **ret_how)
{
	struct sockaddr_in four = {
		.sin_family = AF_INET,
		.sin_port = htons(53),
		/* of those kept for documentation: nothing is sent to anybody */
		.sin_addr.s_addr = htonl(0xc0000201),
	};
	struct sockaddr_in6 six = {
		.sin6_family = AF_INET6,
		.sin6_port = htons(53),
		.sin6_addr.s6_addr = { 0x20, 0x01, 0x0d, 0xb8, [15] = 1 },
	};

	(void)ret_how;
	/* a datagram socket connects if there is a route */
	return !can_connect(AF_INET, SOCK_DGRAM, &four, sizeof(four)) &&
	    !can_connect(AF_INET6, SOCK_DGRAM, &six, sizeof(six));
}

static bool
abstract_sockets(const char **ret_how)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	size_t n = strlen(told("ABSTRACT"));

	(void)ret_how;
	memcpy(un.sun_path + 1, told("ABSTRACT"), n);
	return n > 0 && !can_connect(AF_UNIX, SOCK_STREAM, &un,
	    offsetof(struct sockaddr_un, sun_path) + 1 + n);
}

static bool
named_sockets(const char **ret_how)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };

	(void)ret_how;
	memcpy(un.sun_path, told("SOCKET"), strlen(told("SOCKET")));
	return *un.sun_path && !can_connect(AF_UNIX, SOCK_STREAM, &un, sizeof(un));
}

/* Some of these families know no namespaces (vsock), others are much code. */
static bool
other_families(const char **ret_how)
{
	static const struct {
		int domain;
		int type;
		const char *name;
	} v[] = {
		{ AF_INET, SOCK_RAW, "raw" },
		{ AF_INET, SOCK_STREAM, "inet" },
		{ AF_INET6, SOCK_DGRAM, "inet6" },
		{ AF_NETLINK, SOCK_RAW, "netlink" },
		{ AF_PACKET, SOCK_RAW, "packet" },
		{ AF_VSOCK, SOCK_STREAM, "vsock" },
		{ AF_ALG, SOCK_SEQPACKET, "alg" },
		{ AF_BLUETOOTH, SOCK_RAW, "bluetooth" },
		{ AF_CAN, SOCK_RAW, "can" },
		{ AF_TIPC, SOCK_SEQPACKET, "tipc" },
	};

	for (size_t i = 0; i < sizeof(v) / sizeof(*v); i++) {
		int fd = socket(v[i].domain, v[i].type, 0);

		if (fd < 0)
			continue;
		close(fd);
		*ret_how = v[i].name;
		return false;
	}
	return true;
}

static const struct attempt attempts[] = {
	{ "a port of this machine cannot be reached", loopback },
	{ "there is no way into the network", world },
	{ "abstract Unix sockets cannot be reached", abstract_sockets },
	{ "Unix sockets of this machine cannot be reached", named_sockets },
	{ "there are no sockets but Unix ones", other_families },
};

ATTEMPTS(escape_network, attempts);
