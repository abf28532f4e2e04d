/* SPDX-License-Identifier: MIT */
#ifndef CORE_FIGURE_H
#define CORE_FIGURE_H
/*
 * Figures: numbers that tell how the daemon does. A table of them is a file NAME.def, a line each:
 *
 *	FIGURE(field, kind, family, label, help)
 *
 * The line makes the field of a struct, in which somebody counts, and the row by which everybody
 * finds it who shows figures: nobody but the table and who counts knows its name. What counts is
 * one addition, as there is one thread.
 */
#include <stddef.h>
#include <stdint.h>

#include "core/histogram.h"

enum figure_kind {
	FIGURE_COUNTER,   /* only grows */
	FIGURE_TIME,      /* likewise: microseconds, shown as seconds */
	FIGURE_GAUGE,     /* what there is now */
	FIGURE_HISTOGRAM, /* how long things took, shown as seconds */
};

struct figure {
	const char *field;
	const char *family; /* as Prometheus names it, without the _total of a counter */
	const char *label;  /* NAME="VALUE", its own among its family; "": it is alone */
	const char *help;   /* of the family; NULL: it belongs to that of the row before */
	enum figure_kind kind;
	size_t offset, size; /* in the struct of its table */
};

/* What the line of a table makes of its kind: a field, */
#define FIGURE_FIELD_COUNTER uint64_t
#define FIGURE_FIELD_TIME uint64_t
#define FIGURE_FIELD_GAUGE uint64_t
#define FIGURE_FIELD_HISTOGRAM struct histogram
/* and a row about a member of a struct. */
#define FIGURE_ROW(type, member, kind, family, label, help)                          \
	{                                                                            \
#member, family, label, help, FIGURE_##kind, offsetof(type, member), \
			sizeof(((type *)0)->member)                                  \
	}

/* The number of a figure that is no histogram, in the struct object. */
uint64_t figure_number(const struct figure *figure, const void *object);

static inline const struct histogram *figure_histogram(const struct figure *figure,
						       const void *object)
{
	return (const void *)((const char *)object + figure->offset);
}

#endif
