/* SPDX-License-Identifier: MIT */
#include "client/progress.h"

#include "client/escape.h"
#include "client/io.h"

#include <bsd/libutil.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define DRAW_EVERY_MS 200
#define NAME_MAX_COLUMNS 20
#define NAME_MIN_COLUMNS 8 /* with less room no name is shown */
#define BAR_MAX 40         /* columns between the brackets */
#define BAR_MIN 5          /* with less room no bar is shown */
#define SIZES_COLUMNS 29   /* percent, "1023M of 1023M, 1023M/s", and one that stays free */
#define LEFT_COLUMNS 16    /* ", 100:00:00 left" */
#define HUMAN_MAX 6        /* bytes of "1023M", with the NUL */

static void human(char *text, int64_t bytes)
{
	humanize_number(text, HUMAN_MAX, bytes, "", HN_AUTOSCALE, HN_DECIMAL | HN_NOSPACE | HN_B);
}

static int terminal_columns(void)
{
	struct winsize size = {0};

	if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
		return size.ws_col;
	return 80;
}

/* Print as much of the name as there is room for. Returns the columns it took. */
static int print_name(const char *name, int room)
{
	char *shown = escape_string(name, strlen(name));
	int columns = room < NAME_MAX_COLUMNS ? room : NAME_MAX_COLUMNS;
	size_t len;

	if (shown == NULL || columns < NAME_MIN_COLUMNS)
		columns = 0;
	len = columns > 0 ? escape_fit(shown, &columns) : 0;
	if (len > 0)
		fprintf(stderr, "%.*s ", (int)len, shown);
	free(shown);
	return len > 0 ? columns + 1 : 0;
}

/* Print "[=====     ] ", in at most room columns; or nothing, where there is no room for a bar. */
static void print_bar(unsigned percent, int room)
{
	static const char full[] = "========================================";
	int columns = room - 3 < BAR_MAX ? room - 3 : BAR_MAX, filled;

	if (columns < BAR_MIN)
		return;
	filled = columns * (int)percent / 100;
	fprintf(stderr, "[%.*s%*s] ", filled, full, columns - filled, "");
}

static void print_time_left(int64_t seconds)
{
	if (seconds >= 100 * 3600)
		return; /* nobody waits so long, and there is no room for it */
	if (seconds >= 3600)
		fprintf(stderr, ", %" PRId64 ":%02" PRId64 ":%02" PRId64 " left", seconds / 3600,
			seconds / 60 % 60, seconds % 60);
	else
		fprintf(stderr, ", %" PRId64 ":%02" PRId64 " left", seconds / 60, seconds % 60);
}

static void draw(struct progress *p, int64_t done)
{
	int64_t now_ms = io_clock_ms(), took_ms = now_ms - p->began_ms;
	double rate = (double)(done - p->first) * 1000 / (double)(took_ms > 0 ? took_ms : 1);
	unsigned percent = p->total > 0 ? (unsigned)((double)done * 100 / (double)p->total) : 100;
	char have[HUMAN_MAX], all[HUMAN_MAX], speed[HUMAN_MAX];
	int room = terminal_columns() - SIZES_COLUMNS; /* for name, bar and time left */

	p->drawn_ms = now_ms;
	human(have, done);
	human(all, p->total);
	human(speed, (int64_t)rate);
	fputc('\r', stderr);
	if (p->name != NULL)
		room -= print_name(p->name, room - 1);
	fprintf(stderr, "%3u%% ", percent);
	print_bar(percent, room < LEFT_COLUMNS ? room : room - LEFT_COLUMNS);
	fprintf(stderr, "%s of %s, %s/s", have, all, speed);
	if (room >= LEFT_COLUMNS && done < p->total && rate >= 1)
		print_time_left((int64_t)((double)(p->total - done) / rate));
	fputs("\033[K", stderr);
}

void progress_start(struct progress *p, const char *name, int64_t first, int64_t total)
{
	*p = (struct progress){
		.name = name, .first = first, .total = total, .began_ms = io_clock_ms()};
	p->shown = isatty(STDERR_FILENO);
	if (p->shown)
		draw(p, first);
}

void progress_update(struct progress *p, int64_t done)
{
	if (p->shown && io_clock_ms() - p->drawn_ms >= DRAW_EVERY_MS)
		draw(p, done);
}

void progress_end(struct progress *p, int64_t done)
{
	if (!p->shown)
		return;
	draw(p, done);
	fputc('\n', stderr);
	p->shown = false;
}
