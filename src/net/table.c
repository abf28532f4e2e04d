/* SPDX-License-Identifier: MIT */
#include "net/table.h"

#include <stdlib.h>

#include "core/stats.h"
#include "net/rights.h"

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

struct conn *conn_new(struct conn_table *table, struct listener *l, int fd,
		      const struct sockaddr *sa, struct channel *channel)
{
	struct conn *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return NULL;
	*c = (struct conn){
		.watch = {.fd = fd,
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
