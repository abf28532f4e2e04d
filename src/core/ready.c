/* SPDX-License-Identifier: MIT */
#include "core/ready.h"

#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "core/clock.h"

#define TURN_NS 20000000 /* of calls in a turn of the loop, before it polls again */
#define QUICK_NS 250000  /* after which a call of a quick or fresh watch should end */
#define CALL_NS 2000000  /* after which any other call should; and the most that one can cost */
#define HEAVY_US 400 /* average cost of a heavy watch, or more: a single long call is forgiven */
#define COST_CALLS 8 /* in the average, roughly */
#define FRESH_PART 2 /* divides the cost of a first call, which may have found caches cold */

/* ---- lines ---- */

int ready_reserve(struct ready *r, uint32_t count)
{
	for (int kind = 0; kind < READY_LINES; kind++) {
		struct ready_line *line = &r->lines[kind];
		int *fds = reallocarray(line->fds, count, sizeof(*fds));

		if (fds == NULL)
			return -1;
		line->fds = fds;
	}
	return 0;
}

void ready_free(struct ready *r)
{
	for (int kind = 0; kind < READY_LINES; kind++)
		free(r->lines[kind].fds);
}

bool ready_has_some(const struct ready *r)
{
	for (int kind = 0; kind < READY_LINES; kind++)
		if (r->lines[kind].count > 0)
			return true;
	return false;
}

/* The line that w belongs in. */
static enum ready_kind ready_kind(const struct watch *w)
{
	if (w->for_all)
		return READY_QUICK;
	if (w->fresh)
		return READY_FRESH;
	return w->cost_us > HEAVY_US ? READY_HEAVY : READY_QUICK;
}

void ready_join(struct ready *r, const struct watch *w)
{
	struct ready_line *line = &r->lines[ready_kind(w)];

	line->fds[line->count++] = w->fd;
}

void ready_refresh(struct ready *r, bool (*is_ready)(void *arg, int fd), void *arg)
{
	r->late = ready_has_some(r);
	for (int kind = 0; kind < READY_LINES; kind++) {
		struct ready_line *line = &r->lines[kind];
		uint32_t kept = 0;

		for (uint32_t i = 0; i < line->count; i++)
			if (is_ready(arg, line->fds[i]))
				line->fds[kept++] = line->fds[i];
		line->count = kept;
	}
}

/* ---- what calls cost ---- */

/* Processor time that we used since the last interrupted_ns(), if another process took the
 * processor in between. Else -1: whatever lasted, lasted because of us, be it that we waited for a
 * disk. */
static int64_t interrupted_ns(struct ready *r)
{
	int64_t before_ns = r->used_ns;
	long interrupts = r->interrupts;
	struct rusage now;

	if (getrusage(RUSAGE_THREAD, &now) < 0)
		return -1;
	r->interrupts = now.ru_nivcsw;
	r->used_ns = clock_used_ns(); /* getrusage(2) knows it as of the last tick */
	return r->interrupts != interrupts ? r->used_ns - before_ns : -1;
}

/* What the present call costs, which lasted lasted_ns: without the time of other processes, as of a
 * peer that was just answered and runs before we go on. */
static int64_t call_took_ns(struct ready *r, int64_t lasted_ns)
{
	int64_t used_ns = lasted_ns >= QUICK_NS ? interrupted_ns(r) : -1;

	if (r->was_over)
		return CALL_NS;
	return used_ns >= 0 && used_ns < lasted_ns ? used_ns : lasted_ns;
}

/* Take a call of took_ns into the average of w. */
static void watch_weigh(struct watch *w, int64_t took_ns)
{
	int64_t us = (took_ns < CALL_NS ? took_ns : CALL_NS) / 1000;

	if (w->fresh)
		w->cost_us = (uint16_t)(us / FRESH_PART);
	else
		w->cost_us = (uint16_t)((w->cost_us * (COST_CALLS - 1) + us) / COST_CALLS);
	w->fresh = false;
}

/* ---- calls ---- */

void ready_settle_laps(struct ready *r, int64_t took_ns)
{
	struct lap *lap;

	while ((lap = r->laps) != NULL) {
		r->laps = lap->next;
		histogram_add(&lap->took, took_ns, lap->count);
		lap->count = 0;
	}
}

void ready_settle_laps_now(struct ready *r)
{
	ready_settle_laps(r, clock_ns() - r->clock_ns);
}

/* The owner may drop and free w in its call: then by_fd[] has w no more. */
static void watch_call(struct ready *r, struct watch *w, struct watch **const *by_fd)
{
	int64_t began_ns = r->clock_ns;
	short revents = (short)w->revents;
	int fd = w->fd;

	w->revents = 0;
	w->seen_ms = (uint16_t)r->now_ms;
	r->call_ns = w->for_all || ready_kind(w) == READY_HEAVY ? CALL_NS : QUICK_NS;
	r->was_over = false;
	w->ready(w, revents);
	r->clock_ns = clock_ns();
	if (r->laps != NULL)
		ready_settle_laps(r, r->clock_ns - began_ns);
	if ((*by_fd)[fd] == w)
		watch_weigh(w, call_took_ns(r, r->clock_ns - began_ns));
}

/* Call the first watch of a line, and further ones until until_ns of the monotonic clock; the
 * others move up. */
static void line_call(struct ready *r, struct ready_line *line, struct watch **const *by_fd,
		      int64_t until_ns)
{
	uint32_t called = 0;

	while (called < line->count) {
		struct watch *w = (*by_fd)[line->fds[called++]];

		if (w == NULL || w->revents == 0)
			continue;
		watch_call(r, w, by_fd);
		if (r->clock_ns >= until_ns)
			break;
	}
	line->count -= called;
	if (line->count > 0)
		memmove(line->fds, line->fds + called, line->count * sizeof(line->fds[0]));
}

void ready_call(struct ready *r, struct watch **const *by_fd, uint32_t now_ms)
{
	static const int64_t share_ns[READY_LINES] = {TURN_NS / 2, TURN_NS / 4, TURN_NS / 4};
	int64_t until_ns;

	r->now_ms = now_ms;
	if (r->late || r->lines[READY_FRESH].count > 0)
		interrupted_ns(r); /* begins anew: no call is to blame for the wait in poll(2) */
	r->clock_ns = until_ns = clock_ns();
	for (int kind = 0; kind < READY_LINES; kind++) {
		until_ns += share_ns[kind]; /* what the lines before have left is added */
		line_call(r, &r->lines[kind], by_fd, until_ns);
	}
}

/* ---- questions ---- */

bool ready_call_is_over(struct ready *r)
{
	r->was_over = clock_ns() - r->clock_ns >= r->call_ns;
	return r->was_over;
}

bool ready_call_is_for_little(struct ready *r)
{
	if (!r->late || r->call_ns != QUICK_NS)
		return false;
	r->was_over = true;
	return true;
}

bool ready_is_late(const struct ready *r)
{
	return r->late;
}
