/* SPDX-License-Identifier: MIT */
#ifndef NET_RECEIVE_H
#define NET_RECEIVE_H
/* What a connection receives, counted; in its opening and in its turns. */
#include "net/table.h"

/* Receive at most len bytes to space; NULL: memory has run out. Returns bytes, 0 at the end, or -1
 * with errno. */
ssize_t conn_recv(struct conn *c, char *space, size_t len);
/* Why the connection ends when conn_recv() has failed with errno; logs what is to be told of it. */
enum ending conn_recv_ending(const struct conn *c);

#endif
