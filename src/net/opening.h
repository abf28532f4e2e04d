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
#include "net/step.h"
#include "net/table.h"

#define OPENINGS_SPARE 64 /* so many more than max_clients may be in their opening */

/* For steps: receive at most len bytes more into c->in. Returns STEP_DONE if some came, or what the
 * step returns then. */
enum step opening_receive(struct conn *c, size_t len) __attribute__((warn_unused_result));

/* ---- for the table ---- */

/* A caller has been accepted, and c->peer is who is at the socket. */
void opening_begin(struct conn *c);
/* The daemon stops: what has arrived may be all that was missing; who is not through then ends. */
void opening_drain(struct conn *c);
/* Give places to those who wait for one, first come, first served. */
void opening_admit_waiting(struct conn_table *table);
/* For the deadline of its listener. */
void opening_expired(struct deadline *d);

#endif
