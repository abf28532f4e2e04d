/* SPDX-License-Identifier: MIT */
#ifndef NET_TALLY_H
#define NET_TALLY_H
/* How many clients a listener has, in all and from each source. A tally outlives a reload: all
 * generations of a listener of one name share it. */
#include <bsd/sys/queue.h>
#include <netinet/in.h>

#define TALLY_BUCKETS 256

struct source { /* an IPv4 address, or an IPv6 /64: what one customer is given */
	LIST_ENTRY(source) entry;
	unsigned char key[8]; /* the /64; or four zeros and the IPv4 address */
	unsigned clients;     /* from here; > 0 */
};

struct tally {
	unsigned refs;
	unsigned clients; /* of the listener, counted by admit.c */
	uint32_t seed;    /* random, so that no client can choose its bucket */
	LIST_HEAD(, source) buckets[TALLY_BUCKETS];
};

/* Returns a reference, or NULL with ENOMEM. */
struct tally *tally_new(void);
struct tally *tally_ref(struct tally *tally);
/* Give a reference back; the last one frees. NULL: nothing to do. */
void tally_unref(struct tally *tally);

/* Count one more client from sa, an IPv4 or IPv6 address. Returns its source, for tally_leave(); or
 * NULL with ENOMEM, or with EUSERS where the source has max (> 0) clients already. */
struct source *tally_enter(struct tally *tally, const struct sockaddr *sa, unsigned max);
/* One client of source less. NULL: nothing to do. */
void tally_leave(struct source *source);

#endif
