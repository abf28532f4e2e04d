/* SPDX-License-Identifier: MIT */
#ifndef NET_TALLY_H
#define NET_TALLY_H
/* How many clients a listener has, in all and from each address. It outlives a reload: all
 * generations of a listener of one name share it. */
#include <bsd/sys/queue.h>
#include <netinet/in.h>

#define TALLY_BUCKETS 256

struct source { /* an IPv4 address, or an IPv6 /64: what one customer is given */
	LIST_ENTRY(source) entry;
	unsigned char key[8];
	unsigned clients;
};

struct tally {
	unsigned refs;
	unsigned clients;
	uint32_t seed; /* nobody outside can choose a bucket */
	LIST_HEAD(, source) buckets[TALLY_BUCKETS];
};

struct tally *tally_new(void);
struct tally *tally_ref(struct tally *tally);
void tally_unref(struct tally *tally);

/* Count one more client from sa. Returns its source, or NULL with ENOMEM, or with EUSERS where
 * it has max (> 0) already. */
struct source *tally_enter(struct tally *tally, const struct sockaddr *sa, unsigned max);
void tally_leave(struct source *source);

#endif
