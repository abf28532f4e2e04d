/* SPDX-License-Identifier: MIT */
#include "client/progress.h"

#include "client/io.h"

#include <bsd/libutil.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define DRAW_EVERY_MS 200
#define BAR_MAX 40       /* columns */
#define TEXT_COLUMNS 52U /* beside the bar, at most */
#define HUMAN_MAX 6      /* "1023M" */

static void human(char *text, int64_t bytes)
{
	humanize_number(text, HUMAN_MAX, bytes, "", HN_AUTOSCALE, HN_DECIMAL | HN_NOSPACE | HN_B);
}

static unsigned bar_columns(void)
{
	struct winsize size = {0};
	unsigned columns = 80;

	if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
		columns = size.ws_col;
	if (columns <= TEXT_COLUMNS)
		return 0;
	return columns - TEXT_COLUMNS < BAR_MAX ? columns - TEXT_COLUMNS : BAR_MAX;
}

/* "[====>     ] ", or nothing where there is no room for it. */
static void print_bar(unsigned percent)
{
	static const char full[] = "========================================";
	unsigned columns = bar_columns();
	int filled = (int)(columns * percent / 100);

	if (columns > 0)
		fprintf(stderr, "[%.*s%*s] ", filled, full, (int)columns - filled, "");
}

static void print_time_left(int64_t seconds)
{
	if (seconds >= 3600)
		fprintf(stderr, "%" PRId64 ":%02" PRId64 ":%02" PRId64 " left", seconds / 3600,
			seconds / 60 % 60, seconds % 60);
	else
		fprintf(stderr, "%" PRId64 ":%02" PRId64 " left", seconds / 60, seconds % 60);
}

static void draw(struct progress *p, int64_t done)
{
	int64_t now_ms = io_clock_ms(), took_ms = now_ms - p->began_ms;
	double rate = (double)(done - p->first) * 1000 / (double)(took_ms > 0 ? took_ms : 1);
	unsigned percent = p->total > 0 ? (unsigned)((double)done * 100 / (double)p->total) : 100;
	char have[HUMAN_MAX], all[HUMAN_MAX], speed[HUMAN_MAX];

	p->drawn_ms = now_ms;
	human(have, done);
	human(all, p->total);
	human(speed, (int64_t)rate);
	fprintf(stderr, "\r%3u%% ", percent);
	print_bar(percent);
	fprintf(stderr, "%s of %s, %s/s", have, all, speed);
	if (done < p->total && rate >= 1) {
		fputs(", ", stderr);
		print_time_left((int64_t)((double)(p->total - done) / rate));
	}
	fputs("\033[K", stderr);
}

void progress_start(struct progress *p, int64_t first, int64_t total)
{
	*p = (struct progress){.first = first, .total = total, .began_ms = io_clock_ms()};
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
