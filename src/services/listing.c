/* SPDX-License-Identifier: MIT */
#include "services/listing.h"

#include <sha2.h>
#include <stdlib.h>
#include <string.h>

#define MALLOC_BYTES 16 /* that an allocation takes beside what was asked for */

static int compare(const struct listed *a, const struct listed *b)
{
	if (a->place != b->place)
		return a->place < b->place ? -1 : 1;
	return strcmp(a->name, b->name);
}

RB_PROTOTYPE(listed_tree, listed, entry, compare)
RB_GENERATE(listed_tree, listed, entry, compare)

/* A cursor cannot tell names at one place apart, so these go out together; a cryptographic hash, so
 * that nobody can choose names that are many at one place. */
uint64_t listing_place(const char *name)
{
	uint8_t hash[SHA256_DIGEST_LENGTH];
	uint64_t place = 0;
	SHA2_CTX sha;

	SHA256Init(&sha);
	SHA256Update(&sha, (const uint8_t *)name, strlen(name));
	SHA256Final(hash, &sha);
	for (size_t i = 0; i < sizeof(place); i++)
		place = place << 8 | hash[i];
	place %= PLACE_END;
	return place > 0 ? place : 1;
}

void listing_init(struct listing *l, uint64_t from, size_t max_bytes)
{
	*l = (struct listing){
		.names = RB_INITIALIZER(&l->names),
		.from = from,
		.limit = PLACE_END,
		.max_bytes = max_bytes,
	};
}

static size_t listed_bytes(const struct listed *name)
{
	return sizeof(*name) + strlen(name->name) + 1 + MALLOC_BYTES;
}

static void listing_drop(struct listing *l, struct listed *name)
{
	RB_REMOVE(listed_tree, &l->names, name);
	l->bytes -= listed_bytes(name);
	free(name);
}

void listing_free(struct listing *l)
{
	struct listed *name, *next;

	RB_FOREACH_SAFE(name, listed_tree, &l->names, next)
		listing_drop(l, name);
}

/* Make the limit lower until there is room. */
static void listing_fit(struct listing *l)
{
	struct listed *last;

	while ((last = RB_MAX(listed_tree, &l->names)) != NULL &&
	       (l->bytes > l->max_bytes || last->place >= l->limit)) {
		l->limit = last->place;
		listing_drop(l, last);
	}
}

int listing_add(struct listing *l, const char *name, unsigned char type)
{
	size_t len = strlen(name);
	uint64_t place = listing_place(name);
	struct listed *new;

	if (place < l->from || place >= l->limit)
		return 0;
	new = malloc(sizeof(*new) + len + 1);
	if (new == NULL)
		return -1;
	new->place = place;
	new->type = type;
	memcpy(new->name, name, len + 1);
	if (RB_INSERT(listed_tree, &l->names, new) != NULL) { /* read twice, renamed in between */
		free(new);
		return 0;
	}
	l->bytes += listed_bytes(new);
	listing_fit(l);
	return 0;
}

struct listed *listing_find(struct listing *l, uint64_t place)
{
	struct listed *name = RB_ROOT(&l->names), *found = NULL;

	while (name != NULL) {
		if (name->place >= place)
			found = name;
		name = name->place >= place ? RB_LEFT(name, entry) : RB_RIGHT(name, entry);
	}
	return found;
}

struct listed *listing_next(struct listed *name)
{
	return RB_NEXT(listed_tree, NULL, name);
}
