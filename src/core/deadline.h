/* SPDX-License-Identifier: MIT */
#ifndef CORE_DEADLINE_H
#define CORE_DEADLINE_H
/*
 * Points on the monotonic clock at which their owners are called. A deadline is embedded in its
 * owner's struct and borrowed. While it runs it waits in a queue of deadlines of one length, which
 * is sorted by construction, so that start, cancel and next are O(1).
 */
#include <bsd/sys/queue.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The struct of this type that ptr, its member, is embedded in. */
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
	struct deadlines *all;               /* borrowed */
	int64_t timeout_ms;                  /* 0: deadlines of this queue never run */
	void (*expired)(struct deadline *d); /* d has passed, and does not run any more */
};

struct deadlines {
	LIST_HEAD(, deadline_queue) queues;
	int64_t now_ns;  /* as of the last deadlines_tick() */
	int64_t now_ms;  /* the same */
	int64_t next_ms; /* none is due before this; INT64_MAX: none at all */
};

/* No queues; now_ms is the time. */
void deadlines_init(struct deadlines *all);

/* Read the clock into now_ms. */
void deadlines_tick(struct deadlines *all);

/* Milliseconds from the last tick until a deadline may be due, as a timeout of poll(2); -1: none
 * runs. */
int deadlines_wait_ms(const struct deadlines *all);

/* Call expired() of the deadlines that are due, which may start, cancel and free any deadline and
 * any queue. After some 20 ms of calls the others are left for the next turn. Returns whether
 * one was due. */
bool deadlines_expire(struct deadlines *all);

/* all must outlive q. */
void deadline_queue_init(struct deadlines *all, struct deadline_queue *q, int64_t timeout_ms,
			 void (*expired)(struct deadline *d));
/* Cancel what still waits in q, and take q out of its deadlines. */
void deadline_queue_free(struct deadline_queue *q);

/* Run d in q, for q's timeout from the last tick; a deadline that runs already starts anew. */
void deadline_start(struct deadline_queue *q, struct deadline *d);
/* A deadline that does not run stays so. */
void deadline_cancel(struct deadline *d);

#endif
