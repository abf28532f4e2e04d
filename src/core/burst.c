/* SPDX-License-Identifier: MIT */
#include "core/burst.h"

#include <bsd/string.h>

#include "core/log.h"

#define NAME_SIZE 80 /* bytes; a section's name has up to 64 */

struct row {
	struct deadline deadline; /* runs during a burst: lines are held back */
	const char *event;        /* NULL: an unused row, or the last one, of all other kinds */
	const char *key, *reason;
	char name[NAME_SIZE];
	int64_t window_ms; /* when the window before a burst began */
	unsigned lines;    /* in this window, written or held back; the deadline begins a new one */
	int64_t held_ms;   /* since when held counts */
	uint64_t held;     /* lines that were not written, and are in no count yet */
};

static struct {
	struct loop *loop; /* NULL: every line is written */
	struct deadline_queue windows;
	struct row rows[BURST_ROWS + 1];
} bursts;

static void row_report(struct row *row)
{
	int64_t now_ms = loop_now_ms(bursts.loop);

	if (row->held > 0)
		log_info("suppressed", log_text("event", row->event),
			 log_text(row->key, row->event != NULL ? row->name : NULL),
			 log_text("reason", row->reason), log_number("lines", row->held),
			 log_number("ms", (uint64_t)(now_ms - row->held_ms)));
	row->held = 0;
	row->held_ms = now_ms;
}

static void window_expired(struct deadline *d)
{
	struct row *row = container_of(d, struct row, deadline);
	bool over = row->lines <= BURST_LINES;

	if (over || loop_now_ms(bursts.loop) - row->held_ms >= BURST_REPORT_MS)
		row_report(row);
	if (over)
		return;
	row->lines = 0;
	deadline_start(&bursts.windows, d);
}

void burst_init(struct loop *loop)
{
	memset(&bursts, 0, sizeof(bursts));
	bursts.loop = loop;
	bursts.rows[BURST_ROWS].key = "name"; /* a field that row_report() leaves out */
	deadline_queue_init(&loop->deadlines, &bursts.windows, BURST_WINDOW_MS, window_expired);
}

void burst_end(void)
{
	if (bursts.loop == NULL)
		return;
	for (size_t i = 0; i <= BURST_ROWS; i++)
		row_report(&bursts.rows[i]);
	deadline_queue_free(&bursts.windows);
	bursts.loop = NULL;
}

/* Whether a row's window is over, and nothing is held back. */
static bool row_is_quiet(const struct row *row)
{
	return row->deadline.queue == NULL &&
	       loop_now_ms(bursts.loop) - row->window_ms >= BURST_WINDOW_MS;
}

/* The row of this kind, new where there was none; the last row where all others are in use. */
static struct row *row_find(const char *event, const char *key, const char *name,
			    const char *reason)
{
	struct row *row, *unused = NULL;

	for (row = bursts.rows; row < bursts.rows + BURST_ROWS; row++) {
		if (row->event == NULL || row_is_quiet(row))
			unused = row;
		else if (row->event == event && row->reason == reason &&
			 strcmp(row->name, name) == 0)
			return row;
	}
	if (unused == NULL)
		return row;
	*unused = (struct row){.event = event,
			       .key = key,
			       .reason = reason,
			       .window_ms = loop_now_ms(bursts.loop)};
	strlcpy(unused->name, name, sizeof(unused->name));
	return unused;
}

bool burst_takes(const char *event, const char *key, const char *name, const char *reason)
{
	struct row *row;
	int64_t now_ms;

	if (!log_takes(LOG_INFO) || bursts.loop == NULL)
		return log_takes(LOG_INFO);
	row = row_find(event, key, name, reason);
	now_ms = loop_now_ms(bursts.loop);
	if (row_is_quiet(row)) {
		row->window_ms = now_ms;
		row->lines = 0;
	}
	row->lines++;
	if (row->deadline.queue != NULL) {
		row->held++;
		return false;
	}
	if (row->lines <= BURST_LINES)
		return true;
	row->lines = 1;
	row->held = 1;
	row->held_ms = now_ms;
	deadline_start(&bursts.windows, &row->deadline);
	return false;
}
