/* SPDX-License-Identifier: MIT */
#ifndef SERVICES_EXPOSITION_H
#define SERVICES_EXPOSITION_H
/* Figures as text for Prometheus, in its own format (version 0.0.4) or as OpenMetrics (1.0.0).
 * Pure: it walks tables, and knows no figure. */
#include "core/figure.h"
#include "services/writer.h"

#define LABELS_MAX 256 /* bytes, with the NUL */

/* A table of figures, and the things that have them. */
struct figure_scope {
	const struct figure *figures;
	size_t count;
	/* The thing after this one, of NULL the first. NULL: no more. */
	const void *(*next)(const void *thing);
	/* NAME="VALUE",... into text[LABELS_MAX]. NULL: there is one thing, without labels. A value
	 * is written as it is: names of sections and verbs have nothing to escape. */
	void (*labels)(const void *thing, char *text);
};

enum exposition {
	EXPOSITION_PROMETHEUS,
	EXPOSITION_OPENMETRICS,
};

/* The media type of each. */
extern const char *const exposition_types[];

/* Write all figures of the scopes, family by family. */
void exposition_write(struct writer *w, enum exposition format, const struct figure_scope *scopes,
		      size_t count);

#endif
