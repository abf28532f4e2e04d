/* SPDX-License-Identifier: MIT */
#ifndef NET_QUOTA_H
#define NET_QUOTA_H
/*
 * How often a source of datagrams, an address and a port, is answered: as often as anybody asks,
 * but not as often as a service does that takes our answers for questions. Such a loop ends with
 * the first datagram that is not answered. The table has a fixed size: where two sources meet in
 * a row, the later one has it.
 */
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

#define QUOTA_ANSWERS 1000 /* in a row */
#define QUOTA_EVERY_MS 100 /* then one in so long */
#define QUOTA_ROWS 1024

struct quota_row {
	unsigned char address[16]; /* an IPv4 one as IPv6 has it, RFC 4291, 2.5.5.2 */
	in_port_t port;
	int64_t whole_ms; /* on the clock: when all answers can be given again */
};

/* Zeroed, it is at its start. */
struct quota {
	uint64_t seed; /* nobody outside can choose a row */
	struct quota_row rows[QUOTA_ROWS];
};

/* Take an answer to sa. Returns false where none is left at now_ms. */
bool quota_take(struct quota *q, const struct sockaddr *sa, int64_t now_ms);

#endif
