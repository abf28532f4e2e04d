/* SPDX-License-Identifier: MIT */
#ifndef PROCESS_PLACES_H
#define PROCESS_PLACES_H
/*
 * Slots that go by a name: as long as anybody holds a reference, whoever asks for that name gets
 * the same ones. What the configuration forgets and names again meanwhile has no more places than
 * it says.
 */
#include "process/slots.h"

struct places {
	struct slots slots; /* new ones have no place, and none in the queue */
	unsigned refs;
	char name[];
};

/* Returns a reference, or NULL with ENOMEM. */
struct places *places_named(const char *name) __attribute__((warn_unused_result));

struct places *places_ref(struct places *places);
/* Of the last reference, nobody may have a place or wait. NULL: nothing to do. */
void places_unref(struct places *places);

#endif
