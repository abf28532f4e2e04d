/* SPDX-License-Identifier: MIT */
#ifndef PROCESS_SLOTS_H
#define PROCESS_SLOTS_H
/*
 * So many places at a time, and a bounded queue for those who come when all are taken: first come,
 * first served. Nobody waits while a place is free. A struct slot is embedded in its owner's
 * struct and must have left before the owner is freed; zeroed, it is outside.
 */
#include <bsd/sys/queue.h>
#include <stdbool.h>
#include <stddef.h>

enum slot_state {
	SLOT_OUTSIDE, /* has no place, and is not in the queue */
	SLOT_WAITING, /* in the queue */
	SLOT_GRANTED, /* has a place */
};

struct slot {
	TAILQ_ENTRY(slot) entry;
	enum slot_state state;
	void (*granted)(struct slot *slot); /* the wait is over: slot has a place */
};

struct slots {
	unsigned max_granted, max_waiting;
	unsigned granted, waiting;
	bool granting; /* slots_serve() is at work: one called by granted() does nothing */
	TAILQ_HEAD(, slot) queue;
};

/* All places are free, and nobody waits. */
void slots_init(struct slots *slots, unsigned max_granted, unsigned max_waiting);

/* Change the limits. Nobody loses a place or a wait, and nobody gets a place: where there are more
 * now, slots_serve() grants them. */
void slots_limit(struct slots *slots, unsigned max_granted, unsigned max_waiting);

/* Grant the places that are free to those who wait, and call granted() of each. */
void slots_serve(struct slots *slots);

/* Ask for a place. Returns 1: slot has one; 0: slot waits, and granted() is called when its turn
 * comes; or -1 with EBUSY where the queue is full. */
int slots_enter(struct slots *slots, struct slot *slot, void (*granted)(struct slot *slot))
	__attribute__((warn_unused_result));

/* Give up the place, which grants it to the first who waits, or the wait. Of one outside, nothing
 * is done. */
void slots_leave(struct slots *slots, struct slot *slot);

#endif
