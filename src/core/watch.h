/* SPDX-License-Identifier: MIT */
#ifndef CORE_WATCH_H
#define CORE_WATCH_H
/* A descriptor that is polled for its owner, core/watches.h; embedded in the owner's struct. */
#include <stdbool.h>
#include <stdint.h>

/* How the descriptor of a cold watch tells that something happens, which is a fact of its kind. */
enum watch_tells {
	WATCH_TELLS_NOTHING,    /* pidfd, signalfd: always hot; and where a hint were too late */
	WATCH_TELLS_ALL,        /* TCP sockets, pipes */
	WATCH_TELLS_AFTER_SEND, /* UNIX stream sockets: of room only after a send(2) that failed */
};

struct watch {
	int fd;             /* the owner's; closed only after watches_drop() */
	uint32_t slot : 24; /* place among those polled, or WATCH_COLD */
	uint32_t tells : 2; /* enum watch_tells */
	bool full : 1;      /* the owner's word: its last send(2) gave EAGAIN. AFTER_SEND only */
	bool for_all : 1;   /* the owner's word: no single peer's, so always among the quick */
	bool armed : 1;
	bool known : 1; /* has been armed before */
	bool fresh : 1; /* has not been called yet */
	void (*ready)(struct watch *w, short revents);
	uint16_t events;  /* what it waits for, as poll(2) has it, or WATCH_IGNORED */
	uint16_t revents; /* what it is still to be called for */
	uint16_t cost_us; /* of a call, a moving average */
	uint16_t seen_ms; /* when last called, or added; modulo 2^16: a wrong guess costs a call */
};

#define WATCH_COLD 0xffffffU
#define WATCH_IGNORED 0xffff

static inline bool watch_is_polled(const struct watch *w)
{
	return w->slot != WATCH_COLD;
}

#endif
