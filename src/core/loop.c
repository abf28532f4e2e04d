/* SPDX-License-Identifier: MIT */
#include "core/loop.h"

#include <errno.h>

#include "core/clock.h"
#include "core/stats.h"

int loop_init(struct loop *loop, void (*before_wait)(void *arg), void *arg)
{
	*loop = (struct loop){.before_wait = before_wait, .arg = arg};
	deadlines_init(&loop->deadlines);
	return watches_init(&loop->watches);
}

void loop_free(struct loop *loop)
{
	watches_free(&loop->watches);
}

/* The clock was read after each call. If it was time for a deadline, it is read once more. */
static void turn_count(struct loop *loop, bool expired)
{
	struct watches *ws = &loop->watches;
	int64_t began_ns = loop->deadlines.now_ns, ended_ns = ws->ready.clock_ns;

	if (expired) {
		int64_t called_ns = ended_ns > began_ns ? ended_ns : began_ns;

		ended_ns = clock_ns();
		ready_settle_laps(&ws->ready, ended_ns - called_ns);
	}
	histogram_add(&stats.turns, ended_ns - began_ns, 1);
	stats.watches_hot = ws->polled;
	stats.watches_cold = ws->count - ws->polled;
}

int loop_turn(struct loop *loop)
{
	bool expired;
	int polled;

	if (loop->before_wait != NULL)
		loop->before_wait(loop->arg);
	if (loop->stop)
		return 0;
	polled = watches_poll(&loop->watches, deadlines_wait_ms(&loop->deadlines));
	if (polled < 0 && errno != EINTR)
		return -1;
	deadlines_tick(&loop->deadlines);
	if (polled == 0)
		watches_dispatch(&loop->watches, loop_now_ms(loop));
	expired = deadlines_expire(&loop->deadlines);
	turn_count(loop, expired);
	return 0;
}

int loop_run(struct loop *loop)
{
	while (!loop->stop)
		if (loop_turn(loop) < 0)
			return -1;
	return 0;
}
