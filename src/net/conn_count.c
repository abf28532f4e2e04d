/* SPDX-License-Identifier: MIT */
#include "net/conn_count.h"

#include "core/clock.h"

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
