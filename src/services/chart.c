/* SPDX-License-Identifier: MIT */
#include "services/chart.h"

#include <stdio.h>

#define HEIGHT \
	100 /* of the drawing, whose width is a unit for each sample; the page stretches it */

struct scale {
	double factor;
	const char *suffix;
};

/* ---- numbers ---- */

static const struct scale thousands[] = {{1e9, "G"}, {1e6, "M"}, {1e3, "k"}, {1, ""}};
static const struct scale bytes[] = {{1e9, " GB"}, {1e6, " MB"}, {1e3, " kB"}, {1, " B"}};
static const struct scale times[] = {{1, " s"}, {1e-3, " ms"}, {1e-6, " \u00b5s"}};

static const struct {
	const struct scale *scales;
	size_t count;
	const char *suffix;
} units[] = {
	[UNIT_NUMBER] = {thousands, 4, ""}, [UNIT_PER_SECOND] = {thousands, 4, "/s"},
	[UNIT_BYTES] = {bytes, 4, ""},      [UNIT_BYTE_RATE] = {bytes, 4, "/s"},
	[UNIT_SECONDS] = {times, 3, ""},
};

const char *unit_print(double value, enum unit unit, char *text)
{
	const struct scale *scale = units[unit].scales, *last = scale + units[unit].count - 1;
	double shown;

	while (scale < last && value < scale->factor)
		scale++;
	if (value == 0 && unit == UNIT_SECONDS)
		scale = units[unit].scales;
	shown = value / scale->factor;
	snprintf(text, UNIT_TEXT_MAX,
		 shown < 9.95 && shown != (double)(int)shown ? "%.1f%s%s" : "%.0f%s%s", shown,
		 scale->suffix, units[unit].suffix);
	return text;
}

/* The next round number of the unit's smallest that is no less. */
static double round_up(double value, enum unit unit)
{
	static const double steps[] = {1, 1.5, 2, 3, 4, 5, 6, 8};
	double top = unit == UNIT_SECONDS ? 1e-6 : 1;

	for (;; top *= 10)
		for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++)
			if (steps[i] * top >= value || top > 1e18)
				return steps[i] * top;
}

/* ---- the drawing ---- */

static double chart_top(const struct chart *chart)
{
	double most = 0;

	for (unsigned i = 0; i < samples_count(); i++)
		for (int n = 0; n < CHART_LINES && chart->lines[n].value != NULL; n++) {
			double value = chart->lines[n].value(samples_at(i));

			most = value > most ? value : most;
		}
	return round_up(most, chart->unit);
}

/* A sample without a value leaves a gap; one between two of those is a dot. */
static void line_write(struct writer *w, const struct chart_line *line, int n, double top)
{
	unsigned count = samples_count();
	bool drawn = false;

	write_format(w, "<path class=\"line%d\" d=\"", n);
	for (unsigned i = 0; i < count; i++) {
		double value = line->value(samples_at(i));

		if (value >= 0)
			write_format(w, "%s%u %.1f", drawn ? "L" : "M", SAMPLES - count + i,
				     HEIGHT - value / top * HEIGHT);
		if (value >= 0 && !drawn)
			write_text(w, "h0");
		drawn = value >= 0;
	}
	write_text(w, "\"/>");
}

static void drawing_write(struct writer *w, const struct chart *chart, double top)
{
	write_format(w,
		     "<svg viewBox=\"0 0 %d %d\" preserveAspectRatio=\"none\" role=\"img\" "
		     "aria-label=\"%s, the last ten minutes\">",
		     SAMPLES - 1, HEIGHT, chart->title);
	write_format(w, "<path class=\"grid\" d=\"M0 0H%d M0 %dH%d M0 %dH%d\"/>", SAMPLES - 1,
		     HEIGHT / 2, SAMPLES - 1, HEIGHT, SAMPLES - 1);
	for (int n = 0; n < CHART_LINES && chart->lines[n].value != NULL; n++)
		line_write(w, &chart->lines[n], n, top);
	write_text(w, "</svg>");
}

/* ---- what stands around it ---- */

static void last_write(struct writer *w, const struct chart_line *line, int n, enum unit unit)
{
	unsigned count = samples_count();
	double value = count > 0 ? line->value(samples_at(count - 1)) : -1;
	char text[UNIT_TEXT_MAX];

	write_format(w, "<span class=\"last line%d\">%s%s<b>%s</b></span>", n,
		     line->name != NULL ? line->name : "", line->name != NULL ? " " : "",
		     value >= 0 ? unit_print(value, unit, text) : "\u2013");
}

void chart_write(struct writer *w, const struct chart *chart)
{
	double top = chart_top(chart);
	char text[UNIT_TEXT_MAX];

	write_format(w, "<figure><figcaption>%s ", chart->title);
	for (int n = 0; n < CHART_LINES && chart->lines[n].value != NULL; n++)
		last_write(w, &chart->lines[n], n, chart->unit);
	write_text(w, "</figcaption><div class=\"plot\"><div class=\"y\">");
	write_format(w, "<span>%s</span>", unit_print(top, chart->unit, text));
	write_format(w, "<span>%s</span>", unit_print(top / 2, chart->unit, text));
	write_format(w, "<span>%s</span></div>", unit_print(0, chart->unit, text));
	drawing_write(w, chart, top);
	write_text(w,
		   "<div class=\"x\"><span>10 min ago</span><span>5 min ago</span><span>now</span>"
		   "</div></div></figure>\n");
}
