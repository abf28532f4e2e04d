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

void conn_count_end(const struct conn *c, enum ending ending)
{
	struct tally *tally = c->listener->tally;
	uint64_t *const counters[][2] = {
#define X(name) {&stats.ended_##name, &tally->ended_##name},
		ENDINGS(X)
#undef X
	};

	++*counters[ending][0];
	++*counters[ending][1];
}
