/* SPDX-License-Identifier: MIT */
#ifndef SERVICES_CHART_H
#define SERVICES_CHART_H
/* A chart of the samples, as HTML with SVG in it: lines, a scale, what is last. It has no scripts
 * and no styles of its own: the page has classes for its parts. */
#include "services/samples.h"
#include "services/writer.h"

enum unit {
	UNIT_NUMBER,     /* 1.2k */
	UNIT_PER_SECOND, /* 1.2k/s */
	UNIT_BYTES,      /* 1.2 MB */
	UNIT_BYTE_RATE,  /* 1.2 MB/s */
	UNIT_SECONDS,    /* 1.2 ms */
};

#define UNIT_TEXT_MAX 32 /* bytes, with the NUL */

/* value is not negative. Returns text[UNIT_TEXT_MAX]. */
const char *unit_print(double value, enum unit unit, char *text);

struct chart_line {
	const char *name;                              /* NULL: the chart's only one */
	double (*value)(const struct sample_row *row); /* in its unit; below 0: there is none */
};

#define CHART_LINES 2

struct chart {
	const char *title;
	enum unit unit;
	struct chart_line lines[CHART_LINES]; /* value NULL: there is one less */
};

void chart_write(struct writer *w, const struct chart *chart);

#endif
