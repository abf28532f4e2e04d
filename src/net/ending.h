/* SPDX-License-Identifier: MIT */
#ifndef NET_ENDING_H
#define NET_ENDING_H
/* How a connection ends. */
#include "net/table.h"

/* Answer nothing that comes after the present request, and hang up when the reply is said. */
void conn_take_no_more(struct conn *c);
/* Have the peer told why, as an error reply, then hang up. */
void conn_fail(struct conn *c, enum ending ending, const char *text);
/* Stop sending, and wait for the peer to hang up too: closing with unread input would make the
 * kernel send RST, which can destroy what was said last. */
void conn_hang_up(struct conn *c);
/* Close at once, log it and count it. c is CONN_DEAD then, until conn_table_reap(). */
void conn_close(struct conn *c, enum ending ending);

/* A deadline has passed: of write_timeout, as the peer takes nothing of what is owed; of the
 * table's linger, as the peer does not hang up after us. */
void conn_stalled_expired(struct deadline *d);
void conn_linger_expired(struct deadline *d);

#endif
