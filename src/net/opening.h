/* SPDX-License-Identifier: MIT */
#ifndef NET_OPENING_H
#define NET_OPENING_H
/*
 * What lies between accept(2) and the first request: the steps that the listener asks for, one
 * after the other, under one deadline; whether the peer may call, as soon as no step that is left
 * can tell of another peer; a place; then the service is opened. Without steps all of it happens in
 * the turn of accept(2).
 *
 * Those in their opening hold no place, or whoever never finishes would keep the others out. There
 * are as many of them as places, and some; one more pushes out the one that has been at it for
 * longest. Whoever finishes and finds no place waits for one, as callers in the backlog do, or is
 * told, as when_full has it.
 */
#include "net/table.h"

#define OPENINGS_SPARE 64 /* so many more than max_clients may be in their opening */

enum step {
	STEP_FAILED = -1, /* the connection ends, with the reason in c->ending */
	STEP_WAITS,       /* for input, or for what the channel wants; run() is called again */
	STEP_DONE,        /* the next one begins at once */
};

/*
 * A step is called when its socket may have something, or room, and reads or writes through
 * c->channel until EAGAIN, or until done: nobody else sees an error of the socket. What was
 * received is in c->in; a step consumes its own part, and the rest is of the step behind, or of the
 * first request. A step may exchange c->channel, and then hands what is in c->in to the new
 * channel; or set c->peer, and says so in tells_peer. While a step waits, c->out is empty.
 */
struct opening_step {
	const char *name; /* in the log */
	bool tells_peer;  /* when it is done c->peer may be another than who is at the socket */
	enum step (*run)(struct conn *c);
};

/* For steps: receive at most len bytes more into c->in. Returns STEP_DONE if some came, or what the
 * step returns then. */
enum step opening_receive(struct conn *c, size_t len) __attribute__((warn_unused_result));

/* ---- for the table ---- */

/* A caller has been accepted, and c->peer is who is at the socket. */
void opening_begin(struct conn *c);
/* Go on; c is CONN_OPENING. */
void opening_turn(struct conn *c);
/* The daemon stops: what has arrived may be all that was missing; who is not through then ends. */
void opening_drain(struct conn *c);
/* Give places to those who wait for one, first come, first served. */
void opening_admit_waiting(struct conn_table *table);
/* For the deadline of its listener. */
void opening_expired(struct deadline *d);

/* The name of the step that c is at; NULL: none. */
const char *opening_step_name(const struct conn *c);

#endif
