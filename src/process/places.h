/* SPDX-License-Identifier: MIT */
#ifndef PROCESS_PLACES_H
#define PROCESS_PLACES_H
/*
 * Slots that go by a name: as long as anybody holds a reference, whoever asks for that name gets
 * the same slots. So a section that the configuration forgets and names again, while something of
 * it still runs, never has more places than it says.
 */
#include "process/slots.h"

struct places {
	struct slots slots; /* of new places: limits of 0, see slots_limit() */
	unsigned refs;
	char name[];
};

/* Returns a reference, or NULL with ENOMEM. */
struct places *places_named(const char *name) __attribute__((warn_unused_result));

/* Returns places, with one reference more. */
struct places *places_ref(struct places *places);
/* Give a reference back; the last one frees, and nobody may have a place or wait then. NULL:
 * nothing to do. */
void places_unref(struct places *places);

#endif
