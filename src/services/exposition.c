/* SPDX-License-Identifier: MIT */
#include "services/exposition.h"

#include <inttypes.h>
#include <stdio.h>

#define BUCKET_MAX (2 * LABELS_MAX + 128) /* bytes of a line, up to its bound */

const char *const exposition_types[] = {
	[EXPOSITION_PROMETHEUS] = "text/plain; version=0.0.4; charset=utf-8",
	[EXPOSITION_OPENMETRICS] = "application/openmetrics-text; version=1.0.0; charset=utf-8",
};

static const char *const kind_names[] = {
	[FIGURE_COUNTER] = "counter",
	[FIGURE_TIME] = "counter",
	[FIGURE_GAUGE] = "gauge",
	[FIGURE_HISTOGRAM] = "histogram",
};

/* Of the names of samples that have no other suffix. */
static const char *const kind_suffixes[] = {
	[FIGURE_COUNTER] = "_total",
	[FIGURE_TIME] = "_total",
	[FIGURE_GAUGE] = "",
	[FIGURE_HISTOGRAM] = "",
};

/* A figure of one thing, as it is written. */
struct sample {
	const struct figure *figure;
	const void *thing;
	char labels[2 * LABELS_MAX];
};

static void seconds_write(struct writer *w, uint64_t number, uint64_t per_second, int digits)
{
	write_format(w, "%" PRIu64 ".%0*" PRIu64, number / per_second, digits, number % per_second);
}

/* Most of all lines are those of the buckets. */
static void histogram_write(struct writer *w, const struct sample *s)
{
	const struct histogram *h = figure_histogram(s->figure, s->thing);
	const char *family = s->figure->family, *comma = s->labels[0] != '\0' ? "," : "";
	char begin[BUCKET_MAX];
	uint64_t count = 0;

	snprintf(begin, sizeof(begin), "%s_bucket{%s%sle=\"", family, s->labels, comma);
	for (int i = 0; i <= HISTOGRAM_BOUNDS; i++) {
		count += h->counts[i];
		write_text(w, begin);
		write_text(w, i < HISTOGRAM_BOUNDS ? histogram_bounds[i].seconds : "+Inf");
		write_text(w, "\"} ");
		write_number(w, count);
		write_text(w, "\n");
	}
	write_format(w, comma[0] != '\0' ? "%s_sum{%s} " : "%s_sum ", family, s->labels);
	seconds_write(w, h->sum_ns, 1000000000, 9);
	write_format(w, comma[0] != '\0' ? "\n%s_count{%s} " : "\n%s_count ", family, s->labels);
	write_number(w, count);
	write_text(w, "\n");
}

static void sample_write(struct writer *w, const struct sample *s)
{
	const struct figure *figure = s->figure;

	if (figure->kind == FIGURE_HISTOGRAM) {
		histogram_write(w, s);
		return;
	}
	write_format(w, s->labels[0] != '\0' ? "%s%s{%s} " : "%s%s ", figure->family,
		     kind_suffixes[figure->kind], s->labels);
	if (figure->kind == FIGURE_TIME)
		seconds_write(w, figure_number(figure, s->thing), 1000000, 6);
	else
		write_number(w, figure_number(figure, s->thing));
	write_text(w, "\n");
}

static void labels_make(struct sample *s, const struct figure_scope *scope)
{
	const char *own = s->figure->label;
	char common[LABELS_MAX] = "";

	if (scope->labels != NULL)
		scope->labels(s->thing, common);
	snprintf(s->labels, sizeof(s->labels), "%s%s%s", common,
		 common[0] != '\0' && own[0] != '\0' ? "," : "", own);
}

/* OpenMetrics knows a counter by the name without its suffix. */
static void head_write(struct writer *w, enum exposition format, const struct figure *figure)
{
	const char *suffix = format == EXPOSITION_OPENMETRICS ? "" : kind_suffixes[figure->kind];

	write_format(w, "# HELP %s%s %s\n", figure->family, suffix, figure->help);
	write_format(w, "# TYPE %s%s %s\n", figure->family, suffix, kind_names[figure->kind]);
}

static void scope_write(struct writer *w, enum exposition format, const struct figure_scope *scope)
{
	struct sample s;
	size_t first, end;

	for (first = 0; first < scope->count; first = end) {
		end = first + 1;
		while (end < scope->count && scope->figures[end].help == NULL)
			end++;
		head_write(w, format, &scope->figures[first]);
		for (s.thing = scope->next(NULL); s.thing != NULL; s.thing = scope->next(s.thing)) {
			for (size_t i = first; i < end; i++) {
				s.figure = &scope->figures[i];
				labels_make(&s, scope);
				sample_write(w, &s);
			}
		}
	}
}

void exposition_write(struct writer *w, enum exposition format, const struct figure_scope *scopes,
		      size_t count)
{
	for (size_t i = 0; i < count; i++)
		scope_write(w, format, &scopes[i]);
	if (format == EXPOSITION_OPENMETRICS)
		write_text(w, "# EOF\n");
}
