/* SPDX-License-Identifier: MIT */
#ifndef PROCESS_PLACES_H
#define PROCESS_PLACES_H
/*
 * Slots that go by a name: as long as anybody holds a reference, whoever asks for that name gets
 * the same slots. So a section that the configuration forgets and names again, while something of
 * it still runs, never has more places than it says.
 */
#include "core/figure.h"
#include "process/job.h"
#include "process/slots.h"

struct places {
	TAILQ_ENTRY(places) entry;
	struct slots slots; /* of new places: limits of 0, see slots_limit() */
	unsigned refs;
#define FIGURE(field, kind, ...) FIGURE_FIELD_##kind field;
#include "process/places.def"
#undef FIGURE
	/* Of the last that has ended; 0: none has. */
	int64_t last_ended_s; /* since 1970 */
	int64_t last_took_ms;
	const struct figure *last_outcome; /* what has counted it */
	char name[];
};

enum {
#define FIGURE(field, ...) PLACES_FIGURE_##field,
#include "process/places.def"
#undef FIGURE
	PLACES_FIGURE_running,
	PLACES_FIGURE_waiting,
	PLACES_FIGURES
};

/* Of a struct places. */
extern const struct figure places_figures[PLACES_FIGURES];

/* Returns a reference, or NULL with ENOMEM. */
struct places *places_named(const char *name) __attribute__((warn_unused_result));

/* The one after it, in the order in which they were made; of NULL the first. NULL: no more. */
struct places *places_next(const struct places *places);

/* Count a job that has ended, */
void places_count_job(struct places *places, const struct job *job);
/* and one that could not be started. */
void places_count_not_started(struct places *places);

/* Returns places, with one reference more. */
struct places *places_ref(struct places *places);
/* Give a reference back; the last one frees, and nobody may have a place or wait then. NULL:
 * nothing to do. */
void places_unref(struct places *places);

#endif
