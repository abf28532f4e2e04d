/* SPDX-License-Identifier: MIT */
#ifndef CLIENT_ICMP_H
#define CLIENT_ICMP_H
/*
 * Echo requests to one host and what comes back, RFC 792 and RFC 4443: over a raw socket, or where
 * that is not allowed over the kernel's datagram socket for them. A reply counts if its identifier,
 * its sequence and all of its data are those of a request.
 */
#include <net/if.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#define ICMP_DATA_LEN 56    /* bytes that come back as they went, as many as ping(8) sends */
#define ICMP_MESSAGE_LEN 64 /* bytes, with the header */

struct icmp {
	int fd;
	bool raw;
	sa_family_t family;
	uint16_t id;                       /* of a raw socket's requests; others get the kernel's */
	unsigned char data[ICMP_DATA_LEN]; /* by chance, so that nobody guesses a reply */
};

struct icmp_event {
	const char *error; /* why it did not get there, static; NULL: the reply */
	uint16_t sequence; /* of the request */
	int ttl;           /* of the reply; -1: not told */
	char from[INET6_ADDRSTRLEN + 1 + IF_NAMESIZE]; /* who says so; "": this machine */
};

/* Open a socket to that host; the port does not matter. Returns 0, and icmp_close() is due; or -1
 * with errno, EPERM where neither kind of socket is allowed. */
int icmp_open(struct icmp *i, const struct sockaddr *to, socklen_t len)
	__attribute__((warn_unused_result));

/* Returns 0, or -1 with errno. */
int icmp_send(const struct icmp *i, uint16_t sequence) __attribute__((warn_unused_result));

/* Take the next event of this socket, without waiting. Returns false if there is none. */
bool icmp_take(const struct icmp *i, struct icmp_event *event);

void icmp_close(struct icmp *i);

/* Whether the host replies within this time: 1 or 0; or -1 if that cannot be known. */
int icmp_answers(const struct sockaddr *to, socklen_t len, int patience_ms);

/* Of RFC 1071, in network order: 0 over a message that holds the right one. */
uint16_t icmp_checksum(const void *data, size_t len);

#endif
