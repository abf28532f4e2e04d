/* SPDX-License-Identifier: MIT */
#include "core/loop.h"

#include <errno.h>

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

int loop_turn(struct loop *loop)
{
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
	deadlines_expire(&loop->deadlines);
	return 0;
}

int loop_run(struct loop *loop)
{
	while (!loop->stop)
		if (loop_turn(loop) < 0)
			return -1;
	return 0;
}
