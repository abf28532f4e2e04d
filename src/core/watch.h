/* SPDX-License-Identifier: MIT */
#ifndef CORE_WATCH_H
#define CORE_WATCH_H
/* A descriptor that is polled for its owner, and embedded in the owner's struct. core/watches.h
 * explains the flags: who sets and clears each. */
#include <stdbool.h>
#include <stdint.h>

/* How the descriptor of a cold watch tells that something happens, which is a fact of its kind. */
enum watch_tells {
	WATCH_TELLS_NOTHING,    /* pidfd, signalfd, and where a hint were too late: always hot */
	WATCH_TELLS_ALL,        /* TCP sockets, pipes */
	WATCH_TELLS_AFTER_SEND, /* UNIX stream sockets: of room only after a send(2) that failed */
};

/* Its owner sets fd, tells, for_all and ready, then calls watches_add(). */
struct watch {
	int fd;             /* the owner's; closed only after watches_drop() */
	uint32_t slot : 24; /* its place in pfds[], or WATCH_COLD */
	uint32_t tells : 2; /* enum watch_tells */
	bool full : 1;      /* the last send(2) gave EAGAIN; of WATCH_TELLS_AFTER_SEND only */
	bool for_all : 1;   /* no single peer's */
	bool armed : 1;     /* its descriptor gives hints */
	bool known : 1;     /* has been armed before */
	bool fresh : 1;     /* has not been called yet */
	void (*ready)(struct watch *w, short revents); /* the call; revents as of poll(2) */
	uint16_t events;  /* what it waits for, as poll(2) has it, or WATCH_IGNORED */
	uint16_t revents; /* what it is still to be called for; 0: nothing */
	uint16_t cost_us; /* of its calls, a moving average */
	uint16_t seen_ms; /* when last called, or added; modulo 2^16: a mistake costs an fcntl(2) */
};

#define WATCH_COLD 0xffffffU /* a slot: the watch is not in pfds[] */
#define WATCH_IGNORED 0xffff /* events: the watch waits for nothing, not even errors */

/* Whether the watch is in pfds[]: not cold. */
static inline bool watch_is_polled(const struct watch *w)
{
	return w->slot != WATCH_COLD;
}

#endif
