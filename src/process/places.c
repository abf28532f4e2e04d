/* SPDX-License-Identifier: MIT */
#include "process/places.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "core/index.h"

static struct index all; /* by name */

static struct places *places_new(const char *name)
{
	size_t size = strlen(name) + 1;
	struct places *places = malloc(sizeof(*places) + size);

	if (places == NULL)
		return NULL;
	places->refs = 0;
	slots_init(&places->slots, 0, 0);
	memcpy(places->name, name, size);
	if (index_add(&all, name, places) == 0)
		return places;
	free(places);
	return NULL;
}

struct places *places_ref(struct places *places)
{
	places->refs++;
	return places;
}

struct places *places_named(const char *name)
{
	struct places *places = index_find(&all, name);

	if (places == NULL)
		places = places_new(name);
	return places != NULL ? places_ref(places) : NULL;
}

void places_unref(struct places *places)
{
	if (places == NULL || --places->refs > 0)
		return;
	assert(places->slots.granted == 0 && places->slots.waiting == 0);
	index_remove(&all, places->name);
	free(places);
}
