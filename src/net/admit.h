/* SPDX-License-Identifier: MIT */
#ifndef NET_ADMIT_H
#define NET_ADMIT_H
/* Whether there is a place, and who has it. */
#include "net/table.h"

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
