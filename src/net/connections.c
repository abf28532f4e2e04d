/* SPDX-License-Identifier: MIT */
#include "net/connections.h"

#include <stdlib.h>

#include "core/stats.h"
#include "net/ending.h"
#include "net/opening.h"
#include "net/turn.h"

#define LINGER_MS 2000 /* for the peer to hang up after we have */

int conn_table_init(struct conn_table *table, struct loop *loop)
{
	*table = (struct conn_table){
		.loop = loop,
		.in = malloc(CONN_SCRATCH),
		.out = malloc(SCRATCH_OUT),
	};
	TAILQ_INIT(&table->live);
	TAILQ_INIT(&table->opening);
	TAILQ_INIT(&table->waiting);
	TAILQ_INIT(&table->dead);
	deadline_queue_init(&loop->deadlines, &table->linger, LINGER_MS, conn_linger_expired);
	if (table->in != NULL && table->out != NULL)
		return 0;
	conn_table_free(table);
	return -1;
}

void conn_table_free(struct conn_table *table)
{
	conn_table_close(table);
	conn_table_reap(table);
	deadline_queue_free(&table->linger);
	free(table->in);
	free(table->out);
}

/* A connection that is not open yet; NULL: there is none. */
static struct conn *conn_before_open(const struct conn_table *table)
{
	struct conn *c = TAILQ_FIRST(&table->opening);

	return c != NULL ? c : TAILQ_FIRST(&table->waiting);
}

void conn_table_drain(struct conn_table *table)
{
	struct conn *c, *next;

	table->draining = true;
	while ((c = conn_before_open(table)) != NULL)
		opening_drain(c);
	TAILQ_FOREACH_SAFE(c, &table->live, entry, next)
		conn_drain(c);
}

/* The end of one connection can give another one its turn, and end that as well: so each time the
 * first is taken. */
void conn_table_close(struct conn_table *table)
{
	struct conn *c;

	while ((c = conn_before_open(table)) != NULL || (c = TAILQ_FIRST(&table->live)) != NULL)
		conn_close(c, ENDING_drain);
}

void conn_open(struct conn_table *table, struct listener *l, int fd, const struct sockaddr *sa,
	       struct channel *channel)
{
	struct conn *c = conn_new(table, l, fd, sa, channel);

	if (c == NULL) {
		channel->ops->close(channel, fd, false);
		return;
	}
	peer_set(&c->peer, sa, fd);
	opening_begin(c);
}

/* ---- deadlines ---- */

/* The client has asked nothing for idle_timeout. What it sent in time may lie unread, so it has a
 * turn first; bytes that are no whole request do not save it. */
static void idle_expired(struct deadline *d)
{
	struct conn *c = container_of(d, struct conn, deadline);
	uint64_t requests = stats.requests;

	if (conn_turn(c, true) || stats.requests != requests || c->unserved ||
	    c->state != CONN_OPEN)
		return;
	c->ending = ENDING_idle;
	conn_hang_up(c);
}

const struct listener_deadlines conn_deadlines = {
	.opening = opening_expired,
	.idle = idle_expired,
	.stalled = conn_stalled_expired,
};
