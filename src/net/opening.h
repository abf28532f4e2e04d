/* SPDX-License-Identifier: MIT */
#ifndef NET_OPENING_H
#define NET_OPENING_H
/*
 * What lies between accept(2) and the first request: the steps that the listener asks for, one
 * after the other, under one deadline; whether the peer may call, as soon as no step that is left
 * can tell of another peer; a place; then the service is opened. Without steps all of that happens
 * in the turn of accept(2).
 *
 * A caller in its opening holds no place, or callers that never finish would keep the others out.
 * As many can be in their opening as there are places, and OPENINGS_SPARE; one more pushes out the
 * caller that began first. A caller that finishes and finds no place waits for one, as callers in
 * the backlog do, or is turned away, as when_full has it.
 */
#include "net/table.h"

#define OPENINGS_SPARE 64 /* callers beyond max_clients that may be in their opening */

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

/* For steps: receive at most len bytes more into c->in. Returns STEP_DONE if some came; else what
 * the step is to return. */
enum step opening_receive(struct conn *c, size_t len) __attribute__((warn_unused_result));

/* ---- for the table ---- */

/* Begin the opening of c, which has just been accepted; c->peer is who is at the socket. c may be
 * CONN_DEAD afterwards. */
void opening_begin(struct conn *c);
/* Go on with the steps of c, which is CONN_OPENING. */
void opening_turn(struct conn *c);
/* The daemon stops. What a step waits for may have arrived; a caller that is not open after one
 * more turn is hung up on. */
void opening_drain(struct conn *c);
/* Give places to callers that wait for one (CONN_WAITING), first come, first served. */
void opening_admit_waiting(struct conn_table *table);
/* The opening_timeout of a listener is over for a caller. */
void opening_expired(struct deadline *d);

/* The name of the step that c is at, static; NULL: c is not in its opening. */
const char *opening_step_name(const struct conn *c);

#endif
