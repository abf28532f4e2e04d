/* SPDX-License-Identifier: MIT */
#ifndef NET_TURN_H
#define NET_TURN_H
/* A turn of an open connection: send what is owed, receive, answer, settle what to wait for. */
#include "net/table.h"

/* c is open: the service may speak. Its first turn is now, if at_once and the loop is not late. */
void conn_begin(struct conn *c, bool at_once);
/* The end of a turn: give the scratch areas back, then finish or wait. progressed: the deadline
 * starts anew. */
void conn_settle(struct conn *c, bool progressed);
/* Send what is owed, receive where there is something to read, answer, and settle what to wait for.
 * Returns whether the peer did something that counts: took bytes, or sent some that nobody answers.
 */
bool conn_turn(struct conn *c, bool readable);
/* Answer what has arrived up to now, and no more. */
void conn_drain(struct conn *c);
/* For the watch of an open connection. */
void conn_ready(struct watch *w, short revents);

#endif
