/* SPDX-License-Identifier: MIT */
#ifndef NET_SERVICE_H
#define NET_SERVICE_H
/*
 * What answers a request. A service knows neither transport nor protocol: a datagram is a
 * short conversation of its own (open, request, more). Each call returns 0, or -1 to end the
 * connection with an error. A member that is NULL is not wanted: without request, input is
 * read and thrown away.
 */
#include "net/protocol.h"

struct conn;

enum service_flag {
	SERVICE_DATAGRAM = 1,  /* has a meaning over udp */
	SERVICE_AMPLIFIES = 2, /* its reply to a datagram can be larger than the datagram */
};

struct service {
	const char *name;
	const char *summary;
	unsigned protocols; /* set of enum protocol_bit */
	unsigned flags;     /* set of enum service_flag */
	/* Speak first. A service that has only this hangs up after it. */
	int (*open)(struct conn *c);
	int (*request)(struct conn *c, const struct request *req);
	/* There is room for more output. */
	int (*more)(struct conn *c);
};

#endif
