/* SPDX-License-Identifier: MIT */
#ifndef CORE_LOOP_H
#define CORE_LOOP_H
/*
 * The loop: poll(2) over watches, dispatch, expire deadlines. It allocates and frees no watch and
 * no deadline: these are embedded in their owner's struct. Memory of an owner is freed in
 * before_wait, between turns.
 */
#include "core/deadline.h"
#include "core/watches.h"

struct loop {
	struct watches watches;
	struct deadlines deadlines;
	bool stop;
	void (*before_wait)(void *arg);
	void *arg;
};

/* Returns 0, or -1 with errno. loop stays where it is from now on. */
int loop_init(struct loop *loop, void (*before_wait)(void *arg), void *arg)
	__attribute__((warn_unused_result));
void loop_free(struct loop *loop);

/* Milliseconds of the monotonic clock, as of this turn's wait. */
static inline int64_t loop_now_ms(const struct loop *loop)
{
	return loop->deadlines.now_ms;
}

/* One wait and what came of it. Returns 0, or -1 with errno when poll(2) fails. */
int loop_turn(struct loop *loop);

/* Turns until loop->stop. Returns 0, or -1 with errno. */
int loop_run(struct loop *loop);

#endif
