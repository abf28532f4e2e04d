/* SPDX-License-Identifier: MIT */
#include "services/figures.h"

#include <stdio.h>

#include "core/stats.h"
#include "net/tally.h"
#include "process/places.h"

static const struct process_figures *process_now;

static const void *next_process(const void *thing)
{
	return thing == NULL ? process_now : NULL;
}

static const void *next_stats(const void *thing)
{
	return thing == NULL ? &stats : NULL;
}

static const void *next_tally(const void *thing)
{
	return tally_next(thing);
}

static void tally_labels(const void *thing, char *text)
{
	const struct tally *tally = thing;

	snprintf(text, LABELS_MAX, "listener=\"%s\"", tally->name);
}

/* The first answers of this tally or of one after it. */
static const struct answers *answers_from(const struct tally *tally)
{
	while (tally != NULL && TAILQ_EMPTY(&tally->answers))
		tally = tally_next(tally);
	return tally != NULL ? TAILQ_FIRST(&tally->answers) : NULL;
}

static const void *next_answers(const void *thing)
{
	const struct answers *answers = thing;

	if (answers == NULL)
		return answers_from(tally_next(NULL));
	if (TAILQ_NEXT(answers, entry) != NULL)
		return TAILQ_NEXT(answers, entry);
	return answers_from(tally_next(answers->tally));
}

static void answers_labels(const void *thing, char *text)
{
	const struct answers *answers = thing;

	snprintf(text, LABELS_MAX, "listener=\"%s\",verb=\"%s\"", answers->tally->name,
		 answers->verb);
}

static const void *next_places(const void *thing)
{
	return places_next(thing);
}

static void places_labels(const void *thing, char *text)
{
	const struct places *places = thing;

	snprintf(text, LABELS_MAX, "command=\"%s\"", places->name);
}

static const struct figure_scope scopes[] = {
	{process_figures, PROCESS_FIGURES, next_process, NULL},
	{stats_figures, STATS_FIGURES, next_stats, NULL},
	{tally_figures, TALLY_FIGURES, next_tally, tally_labels},
	{answers_figures, 1, next_answers, answers_labels},
	{places_figures, PLACES_FIGURES, next_places, places_labels},
};

void figures_write(struct writer *w, enum exposition format, const struct process_figures *process)
{
	process_now = process;
	exposition_write(w, format, scopes, sizeof(scopes) / sizeof(scopes[0]));
}
