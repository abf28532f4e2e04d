/* SPDX-License-Identifier: MIT */
#ifndef SERVICES_LISTING_H
#define SERVICES_LISTING_H
/*
 * Names of one folder, in the order of a hash of the name. That order, unlike the file system's, is
 * the same at any time and for everybody, whatever comes and goes; so a place in that order is a
 * number that needs no memory, and small enough for clients that count in floating point.
 *
 *	[0, from)          names not asked for
 *	[from, limit)      all names that were added
 *	[limit, PLACE_END) some names had no room
 */
#include <bsd/sys/tree.h>
#include <stddef.h>
#include <stdint.h>

#define PLACE_END (UINT64_C(1) << 44) /* places of names are 1 .. PLACE_END - 1 */

struct listed {
	RB_ENTRY(listed) entry;
	uint64_t place;
	unsigned char type; /* as in struct dirent */
	char name[];
};

RB_HEAD(listed_tree, listed);

struct listing {
	struct listed_tree names;
	uint64_t from, limit;    /* places, as above */
	size_t bytes, max_bytes; /* of memory for names */
};

/* The place of a name. */
uint64_t listing_place(const char *name);

void listing_init(struct listing *l, uint64_t from, size_t max_bytes);
/* Free all names. */
void listing_free(struct listing *l);

/* Add a copy of name, whose type is as in struct dirent, if its place is within the limit; that is
 * lowered where there is no room. Returns 0, or -1 with ENOMEM. */
int listing_add(struct listing *l, const char *name, unsigned char type)
	__attribute__((warn_unused_result));

/* Returns the first name at a place or after it, borrowed; NULL: none. */
struct listed *listing_find(struct listing *l, uint64_t place);
/* Returns the name after a name, borrowed; NULL: none. */
struct listed *listing_next(struct listed *name);

#endif
