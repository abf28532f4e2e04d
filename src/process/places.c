/* SPDX-License-Identifier: MIT */
#include "process/places.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/index.h"

static struct index by_name;
static TAILQ_HEAD(, places) all = TAILQ_HEAD_INITIALIZER(all);

const struct figure places_figures[PLACES_FIGURES] = {
#define FIGURE(field, ...) FIGURE_ROW(struct places, field, __VA_ARGS__),
#include "process/places.def"
#undef FIGURE
	FIGURE_ROW(struct places, slots.granted, GAUGE, "pollard_command_jobs", "state=\"running\"",
		   "Jobs of a command that run, and that wait for a place."),
	FIGURE_ROW(struct places, slots.waiting, GAUGE, "pollard_command_jobs", "state=\"waiting\"",
		   NULL),
};

static struct places *places_new(const char *name)
{
	size_t size = strlen(name) + 1;
	struct places *places = calloc(1, sizeof(*places) + size);

	if (places == NULL)
		return NULL;
	slots_init(&places->slots, 0, 0);
	memcpy(places->name, name, size);
	if (index_add(&by_name, name, places) < 0) {
		free(places);
		return NULL;
	}
	TAILQ_INSERT_TAIL(&all, places, entry);
	return places;
}

struct places *places_ref(struct places *places)
{
	places->refs++;
	return places;
}

struct places *places_named(const char *name)
{
	struct places *places = index_find(&by_name, name);

	if (places == NULL)
		places = places_new(name);
	return places != NULL ? places_ref(places) : NULL;
}

void places_unref(struct places *places)
{
	if (places == NULL || --places->refs > 0)
		return;
	assert(places->slots.granted == 0 && places->slots.waiting == 0);
	TAILQ_REMOVE(&all, places, entry);
	index_remove(&by_name, places->name);
	free(places);
}

struct places *places_next(const struct places *places)
{
	return places != NULL ? TAILQ_NEXT(places, entry) : TAILQ_FIRST(&all);
}

/* ---- what has become of jobs ---- */

static void last_set(struct places *places, int outcome, int64_t took_ms)
{
	places->last_outcome = &places_figures[outcome];
	places->last_ended_s = time(NULL);
	places->last_took_ms = took_ms;
}

void places_count_job(struct places *places, const struct job *job)
{
	int outcome = PLACES_FIGURE_ended_failed;

	if (job->timed_out)
		outcome = PLACES_FIGURE_ended_timeout;
	else if (job->signal > 0)
		outcome = PLACES_FIGURE_ended_signal;
	else if (job->exit_status == 0)
		outcome = PLACES_FIGURE_ended_ok;
	++*(uint64_t *)(void *)((char *)places + places_figures[outcome].offset);
	histogram_add(&places->took, job->duration_ms * 1000000, 1);
	last_set(places, outcome, job->duration_ms);
}

void places_count_not_started(struct places *places)
{
	places->not_started++;
	last_set(places, PLACES_FIGURE_not_started, 0);
}
