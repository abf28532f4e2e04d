/* SPDX-License-Identifier: MIT */
#include "process/places.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static LIST_HEAD(, places) all = LIST_HEAD_INITIALIZER(all);

static struct places *places_new(const char *name)
{
	size_t size = strlen(name) + 1;
	struct places *places = malloc(sizeof(*places) + size);

	if (places == NULL)
		return NULL;
	places->refs = 0;
	slots_init(&places->slots, 0, 0);
	memcpy(places->name, name, size);
	LIST_INSERT_HEAD(&all, places, entry);
	return places;
}

struct places *places_ref(struct places *places)
{
	places->refs++;
	return places;
}

struct places *places_named(const char *name)
{
	struct places *places;

	LIST_FOREACH(places, &all, entry)
		if (strcmp(places->name, name) == 0)
			return places_ref(places);
	places = places_new(name);
	return places != NULL ? places_ref(places) : NULL;
}

void places_unref(struct places *places)
{
	if (places == NULL || --places->refs > 0)
		return;
	assert(places->slots.granted == 0 && places->slots.waiting == 0);
	LIST_REMOVE(places, entry);
	free(places);
}
