/* SPDX-License-Identifier: MIT */
#include "net/table.h"

#include <stdlib.h>

#include "core/stats.h"
#include "net/admit.h"
#include "net/rights.h"

#define LINGER_MS 2000 /* for the peer to hang up after we have */

int conn_table_init(struct conn_table *table, struct loop *loop)
{
	*table = (struct conn_table){
		.loop = loop,
		.in = malloc(CONN_SCRATCH),
		.out = malloc(SCRATCH_OUT),
	};
	TAILQ_INIT(&table->live);
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

void conn_table_reap(struct conn_table *table)
{
	struct conn *c;

	while ((c = TAILQ_FIRST(&table->dead)) != NULL) {
		TAILQ_REMOVE(&table->dead, c, entry);
		listener_unref(c->listener);
		free(c);
	}
	rights_reap();
}

void conn_table_drain(struct conn_table *table)
{
	struct conn *c, *next;

	table->draining = true;
	TAILQ_FOREACH_SAFE(c, &table->live, entry, next)
		conn_drain(c);
}

/* One that ends can give another its turn, which ends too. */
void conn_table_close(struct conn_table *table)
{
	struct conn *c;

	while ((c = TAILQ_FIRST(&table->live)) != NULL)
		conn_close(c, REASON_drain);
}

/* ---- a new row ---- */

static struct conn *conn_new(struct conn_table *table, struct listener *l, int fd,
			     const struct sockaddr *sa, struct channel *channel)
{
	struct conn *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return NULL;
	*c = (struct conn){
		.watch = {.fd = fd,
			  .ready = conn_ready,
			  .tells = sa->sa_family == AF_UNIX ? WATCH_TELLS_AFTER_SEND
							    : WATCH_TELLS_ALL},
		.table = table,
		.listener = l,
		.opened_ms = loop_now_ms(table->loop),
		.channel = channel,
	};
	if (watches_add(&table->loop->watches, &c->watch, 0) < 0) {
		free(c);
		return NULL;
	}
	c->id = (uint32_t)stats.accepted++;
	listener_ref(l);
	TAILQ_INSERT_TAIL(&table->live, c, entry);
	return c;
}

void conn_open(struct conn_table *table, struct listener *l, int fd, const struct sockaddr *sa,
	       struct channel *channel)
{
	struct conn *c = conn_new(table, l, fd, sa, channel);
	const char *refusal;

	if (c == NULL) {
		channel->ops->close(channel, fd, false);
		return;
	}
	peer_set(&c->peer, sa, fd);
	if (!peer_is_allowed(&c->peer, l->conf)) {
		conn_close(c, REASON_refused);
		return;
	}
	refusal = admit_enter(c);
	if (refusal == NULL) {
		conn_begin(c);
	} else if (admit_turn_away(c)) {
		conn_fail(c, REASON_full, refusal);
		if (c->state != CONN_DEAD)
			conn_turn(c, false);
	} else {
		conn_close(c, REASON_full);
	}
}
