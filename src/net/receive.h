/* SPDX-License-Identifier: MIT */
#ifndef NET_RECEIVE_H
#define NET_RECEIVE_H
/* How a connection receives, in its opening and in its turns. */
#include "net/table.h"

/* Receive at most len bytes to space; space NULL: memory has run out, fails. Returns how many
 * bytes, 0 at the end of input, or -1 with errno. */
ssize_t conn_recv(struct conn *c, char *space, size_t len);
/* How the connection ends where conn_recv() has failed with errno; logs that the peer has passed
 * descriptors, if that is why. */
enum ending conn_recv_ending(const struct conn *c);

#endif
