/* SPDX-License-Identifier: MIT */
#include "net/table.h"

#include <stdlib.h>

#include "core/stats.h"
#include "net/opening.h"
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

/* One that is not open yet, or NULL. */
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

/* One that ends can give another its turn, which ends too. */
void conn_table_close(struct conn_table *table)
{
	struct conn *c;

	while ((c = conn_before_open(table)) != NULL || (c = TAILQ_FIRST(&table->live)) != NULL)
		conn_close(c, REASON_drain);
}

/* ---- a row ---- */

static struct conn_list *conn_list_of(struct conn_table *table, enum conn_state state)
{
	switch (state) {
	case CONN_OPENING:
		return &table->opening;
	case CONN_WAITING:
		return &table->waiting;
	case CONN_DEAD:
		return &table->dead;
	default:
		return &table->live;
	}
}

void conn_move(struct conn *c, enum conn_state state)
{
	struct conn_table *table = c->table;

	TAILQ_REMOVE(conn_list_of(table, c->state), c, entry);
	table->openings -= conn_is_opening(c->state);
	table->openings += conn_is_opening(state);
	c->state = (uint8_t)state;
	TAILQ_INSERT_TAIL(conn_list_of(table, state), c, entry);
}

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
		.state = CONN_OPEN,
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
	l->tally->accepted++;
	listener_ref(l);
	TAILQ_INSERT_TAIL(&table->live, c, entry);
	return c;
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
