/* SPDX-License-Identifier: MIT */
#ifndef NET_CONN_COUNT_H
#define NET_CONN_COUNT_H
/* What is counted of a connection: for the daemon, for its listener, and of each verb. */
#include "core/stats.h"
#include "net/conn.h"
#include "net/table.h"

/* So many bytes have come, */
static inline void conn_count_received(struct conn *c, size_t len)
{
	c->bytes_in += len;
	stats.bytes_in += len;
	c->listener->tally->bytes_in += len;
}

/* or gone. */
static inline void conn_count_sent(struct conn *c, size_t len)
{
	c->bytes_out += len;
	stats.bytes_out += len;
	c->listener->tally->bytes_out += len;
}

/* A request has been read. */
static inline void conn_count_request(struct conn *c)
{
	c->table->work++;
	stats.requests++;
}

/* It was of the verb at this place, and is answered; or c->task is there to answer it. */
static inline void conn_count_answer(struct conn *c, unsigned verb)
{
	struct answers *answers = c->listener->answers[verb];

	if (c->task != NULL)
		c->task->answers = answers;
	else
		ready_lap(&c->table->loop->watches.ready, &answers->lap);
}

/* A task, of which these two were remembered, has ended. */
void conn_count_task(struct conn *c, struct answers *answers, int64_t began_ns);

/* The connection ends. */
void conn_count_end(const struct conn *c, enum ending ending);

#endif
