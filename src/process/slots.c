/* SPDX-License-Identifier: MIT */
#include "process/slots.h"

#include <assert.h>
#include <errno.h>

void slots_init(struct slots *slots, unsigned max_granted, unsigned max_waiting)
{
	*slots = (struct slots){.max_granted = max_granted, .max_waiting = max_waiting};
	TAILQ_INIT(&slots->queue);
}

static struct slot *queue_take(struct slots *slots, struct slot *slot)
{
	TAILQ_REMOVE(&slots->queue, slot, entry);
	slots->waiting--;
	slot->state = SLOT_OUTSIDE;
	return slot;
}

static void slot_grant(struct slots *slots, struct slot *slot)
{
	slot->state = SLOT_GRANTED;
	slots->granted++;
}

/* granted() may give the place up at once, which calls this again: the outermost call goes on, so
 * that however many do so, the calls are not nested. */
void slots_serve(struct slots *slots)
{
	struct slot *slot;

	if (slots->granting)
		return;
	slots->granting = true;
	while (slots->granted < slots->max_granted && slots->waiting > 0) {
		slot = queue_take(slots, TAILQ_FIRST(&slots->queue));
		slot_grant(slots, slot);
		slot->granted(slot);
	}
	slots->granting = false;
}

void slots_limit(struct slots *slots, unsigned max_granted, unsigned max_waiting)
{
	slots->max_granted = max_granted;
	slots->max_waiting = max_waiting;
}

int slots_enter(struct slots *slots, struct slot *slot, void (*granted)(struct slot *slot))
{
	assert(slot->state == SLOT_OUTSIDE);
	if (slots->granted < slots->max_granted && slots->waiting == 0) {
		slot_grant(slots, slot);
		return 1;
	}
	if (slots->waiting >= slots->max_waiting) {
		errno = EBUSY;
		return -1;
	}
	slot->granted = granted;
	slot->state = SLOT_WAITING;
	slots->waiting++;
	TAILQ_INSERT_TAIL(&slots->queue, slot, entry);
	return 0;
}

void slots_leave(struct slots *slots, struct slot *slot)
{
	if (slot->state == SLOT_OUTSIDE)
		return;
	if (slot->state == SLOT_WAITING) {
		queue_take(slots, slot);
		return;
	}
	slot->state = SLOT_OUTSIDE;
	slots->granted--;
	slots_serve(slots);
}
