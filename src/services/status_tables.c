/* SPDX-License-Identifier: MIT */
/* The tables of the status page: listeners, commands, and who the clients are. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "core/stats.h"
#include "services/chart.h"
#include "services/command.h"
#include "services/status.h"

#define SOURCES_MAX 20 /* that are shown: those with most clients */

/* ---- time ---- */

static const struct {
	int64_t seconds;
	const char *name;
} spans[] = {{86400, "d"}, {3600, "h"}, {60, "min"}, {1, "s"}};

#define SPANS (sizeof(spans) / sizeof(spans[0]))

/* The largest span that fits, and of what is left the next one. */
const char *status_age_print(int64_t seconds, char *text)
{
	int64_t first, rest;
	size_t i = 0;

	if (seconds < 0)
		seconds = 0;
	while (i < SPANS - 1 && seconds < spans[i].seconds)
		i++;
	first = seconds / spans[i].seconds;
	rest = i < SPANS - 1 ? seconds % spans[i].seconds / spans[i + 1].seconds : 0;
	if (rest > 0)
		snprintf(text, STATUS_AGE_MAX, "%" PRId64 " %s %" PRId64 " %s", first,
			 spans[i].name, rest, spans[i + 1].name);
	else
		snprintf(text, STATUS_AGE_MAX, "%" PRId64 " %s", first, spans[i].name);
	return text;
}

/* ---- tables ---- */

/* columns: "<th>Name<th>..."; style: "cards" where there are so many that a narrow screen shows
 * each row as a card. */
static void table_begin(struct writer *w, const char *title, const char *style, const char *columns)
{
	write_format(w,
		     "<section><h2>%s</h2><div class=\"scroll\"><table class=\"%s\">\n"
		     "<tr>%s</tr>\n",
		     title, style, columns);
}

static void table_end(struct writer *w)
{
	write_text(w, "</table></div></section>\n");
}

static void text_cell_write(struct writer *w, const char *column, const char *style,
			    const char *text)
{
	write_format(w, "<td data-l=\"%s\" class=\"%s\">%s</td>", column, style, text);
}

static void number_cell_write(struct writer *w, const char *column, uint64_t number)
{
	char text[24];

	snprintf(text, sizeof(text), "%" PRIu64, number);
	text_cell_write(w, column, number > 0 ? "n" : "n none", text);
}

static void unit_cell_write(struct writer *w, const char *column, double value, enum unit unit)
{
	char text[UNIT_TEXT_MAX];

	text_cell_write(w, column, "n", unit_print(value, unit, text));
}

static void words_write(struct writer *w, const struct option_list *words)
{
	for (size_t i = 0; i < words->count; i++) {
		write_text(w, i > 0 ? " " : "");
		write_escaped(w, words->items[i]);
	}
}

void status_label_write(struct writer *w, const char *label)
{
	const char *value = strchr(label, '"');

	if (value != NULL)
		write_format(w, "%.*s", (int)strcspn(value + 1, "\""), value + 1);
}

/* ---- listeners ---- */

static void tally_write(struct writer *w, const struct tally *tally)
{
	struct histogram all = {0};

	tally_join_answers(&all, tally);
	number_cell_write(w, "Clients", tally->clients);
	number_cell_write(w, "Calls", tally->accepted);
	number_cell_write(w, "Requests", histogram_count(&all));
	if (histogram_count(&all) > 0)
		unit_cell_write(w, "95 % within", (double)histogram_quantile_ns(&all, 950) / 1e9,
				UNIT_SECONDS);
	else
		text_cell_write(w, "95 % within", "n none", "\u2013");
	unit_cell_write(w, "Received", (double)tally->bytes_in, UNIT_BYTES);
	unit_cell_write(w, "Sent", (double)tally->bytes_out, UNIT_BYTES);
}

void status_listeners_write(struct writer *w, const struct settings *settings)
{
	const struct listener_conf *conf = NULL;

	table_begin(w, "Listeners", "cards",
		    "<th>Name<th>Addresses<th>Answers<th class=\"n\">Clients"
		    "<th class=\"n\">Calls<th class=\"n\">Requests"
		    "<th class=\"n\">95 % within<th class=\"n\">Received<th class=\"n\">Sent");
	while ((conf = listener_conf_next(settings, conf)) != NULL) {
		const struct tally *tally = tally_find(conf->section.name);

		if (tally == NULL)
			continue;
		write_format(w, "<tr><td><b>%s</b></td><td class=\"w\">", conf->section.name);
		words_write(w, &conf->listen);
		write_text(w, "</td><td class=\"w\">");
		words_write(w, &conf->services);
		write_format(w, " (%s)</td>", conf->wire->name);
		tally_write(w, tally);
		write_text(w, "</tr>\n");
	}
	table_end(w);
}

/* ---- commands ---- */

static void outcome_write(struct writer *w, const struct places *places, int64_t now_s)
{
	const struct figure *outcome = places->last_outcome;
	char age[STATUS_AGE_MAX], took[UNIT_TEXT_MAX];
	bool is_ok = outcome == &places_figures[PLACES_FIGURE_ended_ok];

	if (outcome == NULL) {
		write_text(w, "<td class=\"w none\">has not run</td>");
		return;
	}
	write_format(w, "<td data-l=\"Last outcome\" class=\"w %s\">", is_ok ? "" : "bad");
	status_label_write(w, outcome->label);
	write_format(w, ", %s ago, took %s</td>",
		     status_age_print(now_s - places->last_ended_s, age),
		     unit_print((double)places->last_took_ms / 1e3, UNIT_SECONDS, took));
}

void status_commands_write(struct writer *w, int64_t now_s)
{
	const struct command *command = command_first();

	if (command == NULL)
		return;
	table_begin(w, "Commands", "cards",
		    "<th>Name<th class=\"n\">Running<th class=\"n\">Waiting<th class=\"n\">Ok"
		    "<th class=\"n\">Failed<th class=\"n\">Busy<th>Last outcome");
	for (; command != NULL; command = command_next(command)) {
		const struct places *places = command->places;

		write_format(w, "<tr><td><b>%s</b></td>", places->name);
		number_cell_write(w, "Running", places->slots.granted);
		number_cell_write(w, "Waiting", places->slots.waiting);
		number_cell_write(w, "Ok", places->ended_ok);
		number_cell_write(w, "Failed",
				  places->ended_failed + places->ended_signal +
					  places->ended_timeout + places->not_started);
		number_cell_write(w, "Busy", places->busy);
		outcome_write(w, places, now_s);
		write_text(w, "</tr>\n");
	}
	table_end(w);
}

/* ---- sources ---- */

struct place_of_source {
	const struct tally *tally;
	const struct source *source; /* NULL: all local users */
	uint64_t clients;
};

struct ranking {
	struct place_of_source places[SOURCES_MAX]; /* most clients first */
	unsigned count, beyond;                     /* there are more sources than are shown */
};

static void ranking_add(struct ranking *r, struct place_of_source place)
{
	unsigned i = r->count;

	if (r->count == SOURCES_MAX) {
		r->beyond++;
		if (place.clients <= r->places[--i].clients)
			return;
	} else {
		r->count++;
	}
	for (; i > 0 && r->places[i - 1].clients < place.clients; i--)
		r->places[i] = r->places[i - 1];
	r->places[i] = place;
}

static void tally_rank(struct ranking *r, const struct tally *tally)
{
	uint64_t local = tally->clients;
	const struct source *source;

	for (int i = 0; i < TALLY_BUCKETS; i++)
		LIST_FOREACH(source, &tally->buckets[i], entry) {
			ranking_add(r, (struct place_of_source){tally, source, source->clients});
			local -= source->clients;
		}
	if (local > 0)
		ranking_add(r, (struct place_of_source){tally, NULL, local});
}

static void ranking_write(struct writer *w, const struct ranking *r)
{
	char text[SOURCE_TEXT_MAX];

	for (unsigned i = 0; i < r->count; i++) {
		const struct place_of_source *place = &r->places[i];

		write_format(w, "<tr><td>%s</td><td>%s</td>",
			     place->source != NULL ? source_print(place->source, text) : "local",
			     place->tally->name);
		number_cell_write(w, "Clients", place->clients);
		write_text(w, "</tr>\n");
	}
	if (r->beyond > 0)
		write_format(w, "<tr><td class=\"none\" colspan=\"3\">and %u more</td></tr>\n",
			     r->beyond);
}

void status_sources_write(struct writer *w)
{
	struct ranking ranking = {.count = 0};
	const struct tally *tally;

	for (tally = tally_next(NULL); tally != NULL; tally = tally_next(tally))
		tally_rank(&ranking, tally);
	table_begin(w, "Clients by source", "", "<th>Source<th>Listener<th class=\"n\">Clients");
	ranking_write(w, &ranking);
	table_end(w);
}
