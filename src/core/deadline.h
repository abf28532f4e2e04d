/* SPDX-License-Identifier: MIT */
#ifndef CORE_DEADLINE_H
#define CORE_DEADLINE_H
/*
 * Points on the monotonic clock at which their owners are called. A deadline is embedded in its
 * owner's struct and borrowed; it waits in a queue of deadlines of one length, which is sorted by
 * construction, so that start, cancel and next are O(1).
 */
#include <bsd/sys/queue.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define container_of(ptr, type, member) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))

struct deadline {
	TAILQ_ENTRY(deadline) entry;
	struct deadline_queue *queue; /* NULL: not running */
	int64_t due_ms;
};

/* Deadlines of one length: timeout_ms never changes. */
struct deadline_queue {
	TAILQ_HEAD(, deadline) waiting;
	LIST_ENTRY(deadline_queue) entry;
	struct deadlines *all; /* borrowed */
	int64_t timeout_ms;    /* 0: never */
	void (*expired)(struct deadline *d);
};

struct deadlines {
	LIST_HEAD(, deadline_queue) queues;
	int64_t now_ns;  /* as of the last deadlines_tick() */
	int64_t now_ms;  /* the same */
	int64_t next_ms; /* none is due before this; INT64_MAX: none at all */
};

void deadlines_init(struct deadlines *all);

/* Read the clock. */
void deadlines_tick(struct deadlines *all);

/* Milliseconds from the last tick until the next may be due; -1: none runs. As poll(2) has it. */
int deadlines_wait_ms(const struct deadlines *all);

/* Call the owners of those that are due, who may start, cancel and free any; no more than some
 * tens of milliseconds long. Returns whether it was time for one. */
bool deadlines_expire(struct deadlines *all);

void deadline_queue_init(struct deadlines *all, struct deadline_queue *q, int64_t timeout_ms,
			 void (*expired)(struct deadline *d));
/* Cancels what still waits in it. */
void deadline_queue_free(struct deadline_queue *q);

/* Run d for the queue's timeout from now; starting again starts anew. */
void deadline_start(struct deadline_queue *q, struct deadline *d);
void deadline_cancel(struct deadline *d);

#endif
