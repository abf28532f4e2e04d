/* SPDX-License-Identifier: MIT */
#ifndef NET_QUOTA_H
#define NET_QUOTA_H
/*
 * How often an address and port that sends datagrams is answered: as often as anybody asks, but not
 * as often as a service does that takes our answers for questions. Such a talk ends with the first
 * datagram that is not answered. The table has a fixed size: where two senders meet in a row, the
 * later one takes it over.
 */
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

#define QUOTA_ANSWERS 1000 /* at once, to a sender that was not answered for long */
#define QUOTA_EVERY_MS 100 /* until one more answer may be given */
#define QUOTA_ROWS 1024    /* senders that are remembered */

struct quota_row {
	unsigned char address[16]; /* of IPv4: IPv4-mapped, RFC 4291, 2.5.5.2 */
	in_port_t port;            /* in network order */
	int64_t whole_ms;          /* when QUOTA_ANSWERS can be given again, as now_ms */
};

/* Zeroed, nobody has been answered. */
struct quota {
	uint64_t seed; /* random, so that no sender can choose its row; 0: not set yet */
	struct quota_row rows[QUOTA_ROWS];
};

/* Count an answer to sa, an IPv4 or IPv6 address, at now_ms of the monotonic clock. Returns false
 * where sa is not to be answered. */
bool quota_take(struct quota *q, const struct sockaddr *sa, int64_t now_ms);

#endif
