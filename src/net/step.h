/* SPDX-License-Identifier: MIT */
#ifndef NET_STEP_H
#define NET_STEP_H
/* A step of an opening, net/opening.h. */
#include <stdbool.h>

struct conn;

enum step {
	STEP_FAILED = -1, /* the connection ends, with the reason in c->ending */
	STEP_WAITS,       /* for input, or for what the channel wants; run() is called again then */
	STEP_DONE,        /* the next step begins at once */
};

/*
 * A step runs when the socket may have something, or room, and reads or writes through c->channel
 * until EAGAIN, or until done: nobody else sees an error of the socket. What was received is in
 * c->in; a step consumes its own part, and the rest is of the next step, or of the first request. A
 * step may exchange c->channel, and then hands what is in c->in to the new channel; or set c->peer,
 * and says so in tells_peer. While a step waits, c->out is empty.
 */
struct opening_step {
	const char *name; /* in the log */
	bool tells_peer;  /* after the step, c->peer may be another than who is at the socket */
	enum step (*run)(struct conn *c);
};

#endif
