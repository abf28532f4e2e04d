/* SPDX-License-Identifier: MIT */
#ifndef NET_CONNECTIONS_H
#define NET_CONNECTIONS_H
/* All connections: how one begins, and how all of them end. */
#include "net/table.h"

/* Returns 0, or -1 with ENOMEM. */
int conn_table_init(struct conn_table *table, struct loop *loop);
/* Close and free all connections, then the scratch areas. */
void conn_table_free(struct conn_table *table);

/* Answer what has arrived, then hang up on everybody, as each peer takes what it is owed. */
void conn_table_drain(struct conn_table *table);
/* Close all connections at once. */
void conn_table_close(struct conn_table *table);

/* Begin a connection: fd, accepted from sa on l. Takes fd and channel, even where there is no
 * memory. */
void conn_open(struct conn_table *table, struct listener *l, int fd, const struct sockaddr *sa,
	       struct channel *channel);

/* What listener_new() gets: who is called when a deadline of a connection has passed. */
extern const struct listener_deadlines conn_deadlines;

#endif
