/* SPDX-License-Identifier: MIT */
#ifndef NET_ADMIT_H
#define NET_ADMIT_H
/* Who is let in, and whether there is a place. */
#include "net/table.h"

/* Whether the listener's lists allow the peer: networks of those with an address, users and groups
 * of those on UNIX sockets. */
bool admit_allows(const struct listener_conf *conf, const struct peer *peer);

/* Whether there is a place for one client more. */
bool admit_has_place(const struct conn_table *table, const struct listener *l);

/* Give c a place. Returns NULL; or, where there is none, the words that it is turned away with,
 * "CODE reason". */
const char *admit_enter(struct conn *c);

/* Make c one of those who are told that there is no place. Returns whether it may be. */
bool admit_turn_away(struct conn *c);

/* Take the place back that c has, if any. */
void admit_leave(struct conn *c);

#endif
