/* SPDX-License-Identifier: MIT */
#ifndef NET_TURN_H
#define NET_TURN_H
/* A turn of an open connection: send what is owed, receive, answer, settle what to wait for.
 * net/table.h explains its steps, and the flags. */
#include "net/table.h"

/* c is open: the service may speak. The first turn is now, if at_once and the loop is not late. */
void conn_begin(struct conn *c, bool at_once);
/* The end of a turn: give the scratch areas back, then hang up, close or wait. progressed: the
 * deadline starts anew. */
void conn_settle(struct conn *c, bool progressed);
/* Send what is owed, receive if readable, answer, and settle what to wait for. c may be CONN_DEAD
 * afterwards. Returns whether the peer did something that counts: took bytes, or sent some to a
 * service that answers none. */
bool conn_turn(struct conn *c, bool readable);
/* The daemon stops: answer what has arrived up to now, and no more; then hang up. */
void conn_drain(struct conn *c);
/* The watch of a connection that is CONN_OPEN or CONN_FLUSH is ready. */
void conn_ready(struct watch *w, short revents);

#endif
