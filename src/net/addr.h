/* SPDX-License-Identifier: MIT */
#ifndef NET_ADDR_H
#define NET_ADDR_H
/*
 * Where a socket is: "tcp:HOST:PORT", "udp:HOST:PORT" (an IPv6 host in brackets) or
 * "unix:PATH". A spec is the text taken apart, without asking anybody; addr_resolve() turns
 * it into socket addresses and may ask the resolver.
 */
#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "core/reason.h"

#define ADDR_TEXT_MAX 300 /* bytes; any address as text */

enum transport {
	TRANSPORT_TCP,
	TRANSPORT_UDP,
	TRANSPORT_UNIX, /* stream */
};

struct addr_spec {
	char text[ADDR_TEXT_MAX]; /* as given */
	enum transport transport;
	char host[256]; /* tcp, udp: without brackets; unix: the path */
	char port[6];   /* tcp, udp: decimal */
	bool optional; /* set by its owner, false at first: this machine may not have the address */
};

/* One socket address. */
struct addr {
	enum transport transport;
	socklen_t len;
	union {
		struct sockaddr sa;
		struct sockaddr_in in;
		struct sockaddr_in6 in6;
		struct sockaddr_un un;
	};
};

/* Take text apart. Returns 0, or -1 with the reason. */
int addr_spec_parse(struct addr_spec *spec, const char *text, struct reason *reason);

/* Find the addresses of spec, all of them. A host name may ask the resolver, which blocks. Returns
 * how many (> 0), in *addrs, the caller's to free; or -1 with the reason. */
int addr_resolve(const struct addr_spec *spec, struct addr **addrs, struct reason *reason);

/* Whether both stand for the same socket: transport, address and port, or path. */
bool addr_equal(const struct addr *a, const struct addr *b);

/* The port of an IPv4 or IPv6 address, in host order. */
uint16_t sockaddr_port(const struct sockaddr *sa);

/* Returns SOCK_STREAM or SOCK_DGRAM. */
int addr_type(const struct addr *a);

/* Write an IPv4 or IPv6 address to text[size]: "127.0.0.1:3234", "[fe80::1%eth0]:7". */
void sockaddr_print(const struct sockaddr *sa, char *text, size_t size);

/* Write an address to text[size]: "tcp:127.0.0.1:3234", "udp:[::1]:7", "unix:/run/x". */
void addr_print(const struct addr *a, char *text, size_t size);

#endif
