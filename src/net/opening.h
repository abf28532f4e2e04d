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
#include "net/step.h"
#include "net/table.h"

#define OPENINGS_SPARE 64 /* callers beyond max_clients that may be in their opening */

/* For steps: receive at most len bytes more into c->in. Returns STEP_DONE if some came; else what
 * the step is to return. */
enum step opening_receive(struct conn *c, size_t len) __attribute__((warn_unused_result));

/* ---- for the table ---- */

/* Begin the opening of c, which has just been accepted; c->peer is who is at the socket. c may be
 * CONN_DEAD afterwards. */
void opening_begin(struct conn *c);
/* The daemon stops. What a step waits for may have arrived; a caller that is not open after one
 * more turn is hung up on. */
void opening_drain(struct conn *c);
/* Give places to callers that wait for one (CONN_WAITING), first come, first served. */
void opening_admit_waiting(struct conn_table *table);
/* The opening_timeout of a listener is over for a caller. */
void opening_expired(struct deadline *d);

#endif
