/* SPDX-License-Identifier: MIT */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "services/status.h"

#include <inttypes.h>
#include <limits.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "core/stats.h"
#include "services/chart.h"

/* ---- time ---- */

static void time_write(struct writer *w, int64_t seconds)
{
	time_t time = (time_t)seconds;
	char text[64] = "";
	struct tm tm;

	if (gmtime_r(&time, &tm) != NULL)
		strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S UTC", &tm);
	write_text(w, text);
}

/* ---- charts ---- */

static double per_second(uint64_t number, const struct sample_row *row)
{
	return row->lasted_ms > 0 ? (double)number * 1000 / row->lasted_ms : 0;
}

static double requests_of(const struct sample_row *row)
{
	return per_second(row->requests, row);
}

static double clients_of(const struct sample_row *row)
{
	return row->clients;
}

static double received_of(const struct sample_row *row)
{
	return per_second(row->bytes_in, row);
}

static double sent_of(const struct sample_row *row)
{
	return per_second(row->bytes_out, row);
}

static double seconds_of(uint32_t us)
{
	return us > 0 ? us / 1e6 : -1;
}

static double median_of(const struct sample_row *row)
{
	return seconds_of(row->median_us);
}

static double slow_of(const struct sample_row *row)
{
	return seconds_of(row->slow_us);
}

static const struct chart charts[] = {
	{"Requests", UNIT_PER_SECOND, {{NULL, requests_of}}},
	{"Clients", UNIT_NUMBER, {{NULL, clients_of}}},
	{"Bytes", UNIT_BYTE_RATE, {{"sent", sent_of}, {"received", received_of}}},
	{"Latency", UNIT_SECONDS, {{"median", median_of}, {"95 %", slow_of}}},
};

/* ---- figures of one family ---- */

static void family_write(struct writer *w, const char *title, const char *family)
{
	write_format(w, "<section><h2>%s</h2><table>", title);
	for (int i = 0; i < STATS_FIGURES; i++) {
		const struct figure *figure = &stats_figures[i];
		uint64_t number = figure_number(figure, &stats);

		if (strcmp(figure->family, family) != 0)
			continue;
		write_text(w, "<tr><td>");
		status_label_write(w, figure->label);
		write_format(w, "</td><td class=\"n%s\">%" PRIu64 "</td></tr>",
			     number > 0 ? "" : " none", number);
	}
	write_text(w, "</table></section>\n");
}

/* ---- the page ---- */

static void head_write(struct writer *w, const char *host)
{
	write_text(w, "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
		      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n");
	write_format(w, "<meta http-equiv=\"refresh\" content=\"%d\">\n<title>pollard on ",
		     STATUS_REFRESH_S);
	write_escaped(w, host);
	write_text(w, "</title>\n<style>");
	write_text(w, status_style);
	write_text(w, "</style></head>\n");
}

static void process_write(struct writer *w, const struct process_figures *process, int64_t now_s)
{
	char age[STATUS_AGE_MAX], text[UNIT_TEXT_MAX];

	write_format(w, "Version " PACKAGE_VERSION ", up for %s",
		     status_age_print(now_s - (int64_t)process->started_s, age));
	write_format(w, ", %s of memory",
		     unit_print((double)process->resident_bytes, UNIT_BYTES, text));
	write_format(w, ", %" PRIu64 " of %" PRIu64 " descriptors. ", process->open_fds,
		     process->max_fds);
}

static void title_write(struct writer *w, const char *host, const struct process_figures *process,
			int64_t now_s)
{
	write_text(w, "<body><header><h1>pollard on ");
	write_escaped(w, host);
	write_text(w, "</h1><p>");
	process_write(w, process, now_s);
	write_text(w, "Configuration of ");
	time_write(w, (int64_t)stats.configured_at);
	if (!stats.reload_applied)
		write_text(w, "; <span class=\"bad\">the last reload was refused</span>");
	write_text(w, ".</p></header>\n");
}

void status_write(struct writer *w, const struct settings *settings,
		  const struct process_figures *process, int64_t now_s)
{
	char host[HOST_NAME_MAX + 1] = "";

	gethostname(host, sizeof(host) - 1);
	head_write(w, host);
	title_write(w, host, process, now_s);
	write_text(w, "<main><div class=\"charts\">");
	for (size_t i = 0; i < sizeof(charts) / sizeof(charts[0]); i++)
		chart_write(w, &charts[i]);
	write_text(w, "</div>\n");
	status_listeners_write(w, settings);
	status_commands_write(w, now_s);
	write_text(w, "<div class=\"lists\">");
	status_sources_write(w);
	family_write(w, "Refusals", "pollard_refusals");
	family_write(w, "Ends of connections", "pollard_connections_ended");
	write_text(w, "</div></main>\n<footer>As of ");
	time_write(w, now_s);
	write_format(w,
		     ", anew every %d seconds. <a href=\"/metrics\">All figures</a>"
		     "</footer></body></html>\n",
		     STATUS_REFRESH_S);
}
