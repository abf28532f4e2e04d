/* SPDX-License-Identifier: MIT */
/* What is counted of a connection: for the daemon, for its listener, and of each verb. */
#include "core/clock.h"
#include "core/stats.h"
#include "net/table.h"

void conn_count_received(struct conn *c, size_t len)
{
	c->bytes_in += len;
	stats.bytes_in += len;
	c->listener->tally->bytes_in += len;
}

void conn_count_sent(struct conn *c, size_t len)
{
	c->bytes_out += len;
	stats.bytes_out += len;
	c->listener->tally->bytes_out += len;
}

void conn_count_request(struct conn *c)
{
	c->table->work++;
	stats.requests++;
}

void conn_count_answer(struct conn *c, unsigned verb)
{
	struct answers *answers = c->listener->answers[verb];

	if (c->task != NULL)
		c->task->answers = answers;
	else
		ready_lap(&c->table->loop->watches.ready, &answers->lap);
}

/* One that began in the present call takes as long as the call. */
void conn_count_task(struct conn *c, struct answers *answers, int64_t began_ns)
{
	struct ready *ready = &c->table->loop->watches.ready;

	if (answers == NULL)
		return;
	if (began_ns == ready->clock_ns)
		ready_lap(ready, &answers->lap);
	else
		histogram_add(&answers->lap.took, clock_ns() - began_ns, 1);
}

void conn_count_end(const struct conn *c, enum reason reason)
{
	struct tally *tally = c->listener->tally;
	uint64_t *const counters[][2] = {
#define X(name) {&stats.ended_##name, &tally->ended_##name},
		REASONS(X)
#undef X
	};

	++*counters[reason][0];
	++*counters[reason][1];
}
