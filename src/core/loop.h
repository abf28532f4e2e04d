/* SPDX-License-Identifier: MIT */
#ifndef CORE_LOOP_H
#define CORE_LOOP_H
/*
 * The loop: poll(2) over watches, dispatch, expire deadlines. The loop allocates and frees no watch
 * and no deadline: these are embedded in their owners' structs. The memory of an owner is freed in
 * before_wait, between turns.
 */
#include "core/deadline.h"
#include "core/watches.h"

struct loop {
	struct watches watches;
	struct deadlines deadlines;
	bool stop;                      /* set by anybody: no further wait, loop_run() returns */
	void (*before_wait)(void *arg); /* called at the beginning of each turn; NULL: nobody */
	void *arg;
};

/* Returns 0, or -1 with errno. loop must not move in memory from now on. */
int loop_init(struct loop *loop, void (*before_wait)(void *arg), void *arg)
	__attribute__((warn_unused_result));
/* Owners have dropped their watches and freed their deadline queues. */
void loop_free(struct loop *loop);

/* Milliseconds of the monotonic clock, as of this turn's wait. */
static inline int64_t loop_now_ms(const struct loop *loop)
{
	return loop->deadlines.now_ms;
}

/* Wait once, call whoever has an event, then whoever has a deadline that has passed. Returns 0, or
 * -1 with errno when poll(2) fails otherwise than by EINTR. */
int loop_turn(struct loop *loop);

/* Turns until loop->stop. Returns 0, or -1 with errno as loop_turn(). */
int loop_run(struct loop *loop);

#endif
