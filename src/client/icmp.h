/* SPDX-License-Identifier: MIT */
#ifndef CLIENT_ICMP_H
#define CLIENT_ICMP_H
/*
 * Echo requests to one host and what comes back, RFC 792 and RFC 4443: over a raw socket, or where
 * that is not allowed, over the kernel's datagram socket for echo requests (icmp(7)). A reply
 * counts if its identifier, its sequence and all of its data are those of a request.
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
	int fd;   /* owned */
	bool raw; /* fd is a raw socket */
	sa_family_t family;
	uint16_t id; /* of requests over a raw socket; over the other one, the kernel chooses it */
	unsigned char data[ICMP_DATA_LEN]; /* random, so that nobody guesses a reply */
};

struct icmp_event {
	const char *error; /* why a request did not arrive, static; NULL: this is the reply */
	uint16_t sequence; /* of the request */
	int ttl;           /* of the reply; -1: not told */
	char from[INET6_ADDRSTRLEN + 1 + IF_NAMESIZE]; /* who tells; "": this machine */
};

/* Open a socket to a host; the port in `to` does not matter. Returns 0, and icmp_close() is due; or
 * -1 with errno, EPERM where neither kind of socket is allowed. */
int icmp_open(struct icmp *i, const struct sockaddr *to, socklen_t len)
	__attribute__((warn_unused_result));

/* Send a request. Returns 0, or -1 with errno. */
int icmp_send(const struct icmp *i, uint16_t sequence) __attribute__((warn_unused_result));

/* Take the next event, without waiting. Returns false if there is none. */
bool icmp_take(const struct icmp *i, struct icmp_event *event);

void icmp_close(struct icmp *i);

/* Returns 1 if a host replies within patience_ms, 0 if not, or -1 if that cannot be known. */
int icmp_answers(const struct sockaddr *to, socklen_t len, int patience_ms);

/* The checksum of RFC 1071, in network order; over a message with the right one in it, 0. */
uint16_t icmp_checksum(const void *data, size_t len);

#endif
