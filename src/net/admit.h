/* SPDX-License-Identifier: MIT */
#ifndef NET_ADMIT_H
#define NET_ADMIT_H
/* The places of clients: whether there is one, and who has it. A place is one of max_clients of
 * [daemon], and where they say so, of the listener and of the source. */
#include "net/table.h"

/* Whether l has a place for one client more, wherever the client calls from. */
bool admit_has_place(const struct conn_table *table, const struct listener *l);

/* Give c a place. Returns NULL; or, where there is none, the static error that c is turned away
 * with, "CODE reason". */
const char *admit_enter(struct conn *c);

/* Count c among the few that are told that there is no place. Returns false where they are too
 * many: c is to be closed without a word. */
bool admit_turn_away(struct conn *c);

/* Take back what admit_enter() or admit_turn_away() gave c, if anything. */
void admit_leave(struct conn *c);

#endif
