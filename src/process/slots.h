/* SPDX-License-Identifier: MIT */
#ifndef PROCESS_SLOTS_H
#define PROCESS_SLOTS_H
/*
 * So many places at a time, and a bounded queue for who comes when all are taken: first come,
 * first served. Nobody waits while a place is free. A struct slot is embedded in its owner's
 * struct and must have left before that is freed; all zeros is outside.
 */
#include <bsd/sys/queue.h>
#include <stdbool.h>
#include <stddef.h>

enum slot_state {
	SLOT_OUTSIDE, /* has neither a place nor one in the queue */
	SLOT_WAITING, /* in the queue */
	SLOT_GRANTED, /* has a place */
};

struct slot {
	TAILQ_ENTRY(slot) entry;
	enum slot_state state;
	void (*granted)(struct slot *slot); /* its wait is over */
};

struct slots {
	unsigned max_granted, max_waiting;
	unsigned granted, waiting;
	bool granting;
	TAILQ_HEAD(, slot) queue;
};

void slots_init(struct slots *slots, unsigned max_granted, unsigned max_waiting);

/* New limits. Who has a place or waits keeps it; slots_serve() grants the places that there are
 * more of. */
void slots_limit(struct slots *slots, unsigned max_granted, unsigned max_waiting);

/* Grant what is free to those who wait. */
void slots_serve(struct slots *slots);

/* Returns 1: the place is granted; 0: slot waits, granted() is called when its turn comes; or -1
 * with EBUSY. */
int slots_enter(struct slots *slots, struct slot *slot, void (*granted)(struct slot *slot))
	__attribute__((warn_unused_result));

/* Give up the place or the wait, and grant what is free. From outside, it does nothing. */
void slots_leave(struct slots *slots, struct slot *slot);

#endif
