/* SPDX-License-Identifier: MIT */
#include "core/watches.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/deadline.h"
#include "core/hints.h"

#define QUIET_MS 20         /* without an event, until a hot watch is armed */
#define HOT_FEW 64          /* quiet ones that are not worth a wakeup */
#define ARMED_PER_TURN 256  /* so that no turn is long */
#define POLLED_PER_CALL 256 /* cold ones, where hints were lost */
#define TURN_NS 20000000    /* of calls, then the loop looks around again */
#define QUICK_NS 250000     /* a call of who is quick, and of who may be, should end then */
#define CALL_NS 2000000     /* and of anybody else */
#define HEAVY_US 400        /* whose calls cost more is not quick; one that lasts is forgiven */
#define COST_CALLS 8        /* that the average is of, roughly */
#define FRESH_PART 2        /* of the first call, which may have found everything cold */

static bool watch_can_be_cold(const struct watch *w)
{
	return w->tells != WATCH_TELLS_NOTHING;
}

/* Soon after the one before. */
static bool watch_is_busy(const struct watches *ws, const struct watch *w)
{
	return (uint16_t)(ws->now_ms - w->seen_ms) < QUIET_MS;
}

/* ---- places: hot | polled once more ---- */

static int ready_reserve(struct ready *ready, uint32_t cap)
{
	int *fds = reallocarray(ready->fds, cap, sizeof(*fds));

	if (fds == NULL)
		return -1;
	ready->fds = fds;
	return 0;
}

/* There is place for all of them, so that a hint never fails for want of memory. */
static int pfds_reserve(struct watches *ws, uint32_t count)
{
	uint32_t cap = ws->pfd_cap > 0 ? ws->pfd_cap * 2 : 64;
	struct pollfd *pfds;

	if (count <= ws->pfd_cap)
		return 0;
	for (int line = 0; line < WATCH_LINES; line++)
		if (ready_reserve(&ws->lines[line], cap) < 0)
			return -1;
	pfds = reallocarray(ws->pfds, cap, sizeof(*pfds));
	if (pfds == NULL)
		return -1;
	ws->pfds = pfds;
	ws->pfd_cap = cap;
	return 0;
}

static int by_fd_reserve(struct watches *ws, uint32_t count)
{
	uint32_t cap = ws->fd_cap > 0 ? ws->fd_cap : 64;
	struct watch **by_fd;

	if (count <= ws->fd_cap)
		return 0;
	while (cap < count)
		cap *= 2;
	by_fd = reallocarray(ws->by_fd, cap, sizeof(struct watch *));
	if (by_fd == NULL)
		return -1;
	memset(by_fd + ws->fd_cap, 0, (cap - ws->fd_cap) * sizeof(struct watch *));
	ws->by_fd = by_fd;
	ws->fd_cap = cap;
	return 0;
}

static void place_set(struct watches *ws, uint32_t slot, struct pollfd pfd)
{
	ws->pfds[slot] = pfd;
	ws->by_fd[pfd.fd]->slot = slot & WATCH_COLD;
}

/* The one at from fills a hole. Returns the new hole. */
static uint32_t place_move(struct watches *ws, uint32_t hole, uint32_t from)
{
	if (hole != from)
		place_set(ws, hole, ws->pfds[from]);
	return from;
}

/* Once more, or, unless it is armed, hot: the first of the others makes place for it. */
static void place_enter(struct watches *ws, const struct watch *w)
{
	const struct pollfd pfd = {.fd = w->fd, .events = (short)w->events};

	if (w->armed) {
		place_set(ws, ws->polled++, pfd);
		return;
	}
	if (ws->hot < ws->polled)
		place_set(ws, ws->polled, ws->pfds[ws->hot]);
	ws->polled++;
	place_set(ws, ws->hot++, pfd);
	ws->restless += watch_can_be_cold(w);
}

/* The last of each part fills the hole. */
static void place_leave(struct watches *ws, struct watch *w)
{
	uint32_t hole = w->slot;

	if (hole < ws->hot) {
		ws->restless -= watch_can_be_cold(w);
		hole = place_move(ws, hole, --ws->hot);
	}
	place_move(ws, hole, --ws->polled);
	w->slot = WATCH_COLD;
}

/* ---- hot, once more, cold ---- */

/* One whose descriptor cannot be armed stays hot for ever. */
static void watch_arm(struct watches *ws, struct watch *w)
{
	place_leave(ws, w);
	if (hints_arm(w->fd, w->known) < 0)
		w->tells = WATCH_TELLS_NOTHING;
	else
		w->armed = w->known = true;
	w->full = false;
	place_enter(ws, w);
}

static void watch_disarm(struct watches *ws, struct watch *w)
{
	short revents = ws->pfds[w->slot].revents;

	hints_disarm(w->fd);
	place_leave(ws, w);
	w->armed = false;
	place_enter(ws, w);
	ws->pfds[w->slot].revents = revents;
}

/* Who waits for room on a UNIX socket is called until its send(2) fails: before that, the kernel
 * would not tell. */
static bool watch_must_send(const struct watch *w)
{
	return w->tells == WATCH_TELLS_AFTER_SEND && (w->events & POLLOUT) && !w->full;
}

/* Those that were polled once more, from this place on: cold where that found nothing, hot where
 * they are busy. */
static void armed_settle(struct watches *ws, uint32_t first)
{
	struct watch *w;

	for (uint32_t i = ws->polled; i-- > first && i >= ws->hot;) {
		w = ws->by_fd[ws->pfds[i].fd];
		if (ws->pfds[i].revents != 0) {
			if (watch_is_busy(ws, w))
				watch_disarm(ws, w);
		} else if (watch_must_send(w)) {
			ws->pfds[i].revents = POLLOUT;
			ws->found++;
		} else {
			place_leave(ws, w);
		}
	}
}

/* Arm those that have been quiet. */
static void hot_cool(struct watches *ws)
{
	int armed = 0;
	struct watch *w;

	if (ws->now_ms - ws->cooled_ms < QUIET_MS && !ws->cooling)
		return;
	ws->cooled_ms = ws->now_ms;
	for (uint32_t i = ws->hot; i-- > 0 && armed < ARMED_PER_TURN;) {
		w = ws->by_fd[ws->pfds[i].fd];
		if (ws->pfds[i].revents != 0 || !watch_can_be_cold(w) || watch_is_busy(ws, w))
			continue;
		watch_arm(ws, w);
		armed++;
	}
	ws->cooling = armed == ARMED_PER_TURN;
}

static void watch_wake(struct watches *ws, const struct watch *w)
{
	if (!watch_is_polled(w) && w->events != WATCH_IGNORED)
		place_enter(ws, w);
}

static void hint_heard(void *arg, int fd)
{
	struct watches *ws = arg;

	if (fd >= 0 && (uint32_t)fd < ws->fd_cap && ws->by_fd[fd] != NULL)
		watch_wake(ws, ws->by_fd[fd]);
}

/* Wake those of count cold ones that have an event. */
static void cold_poll_some(struct watches *ws, struct pollfd *pfds, nfds_t count)
{
	if (poll(pfds, count, 0) <= 0)
		return;
	for (nfds_t i = 0; i < count; i++)
		if (pfds[i].revents != 0)
			watch_wake(ws, ws->by_fd[pfds[i].fd]);
}

/* Hints were lost: look at all the cold ones. */
static void cold_poll(struct watches *ws)
{
	struct pollfd pfds[POLLED_PER_CALL];
	nfds_t count = 0;

	for (uint32_t fd = 0; fd < ws->fd_cap; fd++) {
		const struct watch *w = ws->by_fd[fd];

		if (w == NULL || watch_is_polled(w) || w->events == WATCH_IGNORED)
			continue;
		pfds[count++] = (struct pollfd){.fd = w->fd, .events = (short)w->events};
		if (count == POLLED_PER_CALL) {
			cold_poll_some(ws, pfds, count);
			count = 0;
		}
	}
	cold_poll_some(ws, pfds, count);
}

/* Poll those that hints are about along with the others of this turn: who slept does not wait for
 * one more turn, however much there is to do in this one. Whoever is to go cold has done so by now:
 * among the hints may be one of what happened since the wait. */
static void hints_take(struct watches *ws)
{
	struct pollfd *hints = &ws->pfds[ws->hints.slot];
	uint32_t first = ws->polled;
	int found;

	if (hints->revents == 0)
		return;
	hints->revents = 0;
	ws->found--;
	if (hints_read(ws->hints.fd, hint_heard, ws))
		cold_poll(ws);
	found = ws->polled > first ? poll(ws->pfds + first, ws->polled - first, 0) : 0;
	if (found > 0)
		ws->found += found;
	armed_settle(ws, first);
}

/* ---- for owners ---- */

int watches_init(struct watches *ws)
{
	*ws = (struct watches){.hints.fd = hints_open()};
	if (ws->hints.fd < 0)
		return -1;
	if (watches_add(ws, &ws->hints, POLLIN) == 0)
		return 0;
	watches_free(ws);
	return -1;
}

void watches_free(struct watches *ws)
{
	int error = errno;

	if (ws->hints.fd >= 0)
		close(ws->hints.fd);
	free(ws->pfds);
	for (int line = 0; line < WATCH_LINES; line++)
		free(ws->lines[line].fds);
	free(ws->by_fd);
	*ws = (struct watches){.hints.fd = -1};
	errno = error;
}

int watches_add(struct watches *ws, struct watch *w, uint16_t events)
{
	assert(w->fd >= 0);
	if (pfds_reserve(ws, ws->count + 1) < 0 || by_fd_reserve(ws, (uint32_t)w->fd + 1) < 0)
		return -1;
	assert(ws->by_fd[w->fd] == NULL);
	ws->count++;
	ws->by_fd[w->fd] = w;
	w->events = events;
	w->seen_ms = (uint16_t)ws->now_ms;
	w->armed = w->known = w->full = false;
	w->fresh = true;
	w->revents = 0;
	w->slot = WATCH_COLD;
	watch_wake(ws, w);
	return 0;
}

void watches_want(struct watches *ws, struct watch *w, uint16_t events)
{
	if (w->events == events)
		return;
	w->events = events;
	if (events == WATCH_IGNORED)
		w->revents = 0;
	if (!watch_is_polled(w))
		watch_wake(ws, w);
	else if (events == WATCH_IGNORED)
		place_leave(ws, w);
	else
		ws->pfds[w->slot].events = (short)events;
}

void watches_drop(struct watches *ws, struct watch *w)
{
	assert(ws->by_fd[w->fd] == w);
	if (watch_is_polled(w))
		place_leave(ws, w);
	ws->by_fd[w->fd] = NULL;
	ws->count--;
}

/* ---- who is to be called ---- */

/* Of those left over from the last turn, keep who is still ready. */
static void ready_refresh(const struct watches *ws, struct ready *ready)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < ready->count; i++) {
		struct watch *w = ws->by_fd[ready->fds[i]];

		if (w == NULL || w->revents == 0)
			continue; /* dropped meanwhile, and perhaps added anew */
		w->revents = watch_is_polled(w) ? (uint16_t)ws->pfds[w->slot].revents : 0;
		if (w->revents != 0)
			ready->fds[kept++] = w->fd;
	}
	ready->count = kept;
}

static enum watch_line watch_line(const struct watch *w)
{
	if (w->for_all)
		return WATCH_QUICK;
	if (w->fresh)
		return WATCH_FRESH;
	return w->cost_us > HEAVY_US ? WATCH_HEAVY : WATCH_QUICK;
}

static void ready_collect(struct watches *ws)
{
	for (int line = 0; line < WATCH_LINES; line++)
		ready_refresh(ws, &ws->lines[line]);
	for (uint32_t i = ws->polled; ws->found > 0 && i-- > 0;) {
		struct watch *w;
		struct ready *ready;

		if (ws->pfds[i].revents == 0)
			continue;
		ws->found--;
		w = ws->by_fd[ws->pfds[i].fd];
		ready = &ws->lines[watch_line(w)];
		if (w->revents == 0)
			ready->fds[ready->count++] = w->fd;
		w->revents = (uint16_t)ws->pfds[i].revents;
	}
}

/* Processor time since the last question, if another process has had the processor since; else -1:
 * whatever lasted, lasted because of us, be it that we waited for a disk. */
static int64_t interrupted_ns(struct watches *ws)
{
	int64_t before_ns = ws->used_ns;
	long interrupts = ws->interrupts;
	struct rusage now;

	if (getrusage(RUSAGE_THREAD, &now) < 0)
		return -1;
	ws->interrupts = now.ru_nivcsw;
	ws->used_ns = clock_used_ns(); /* getrusage(2) knows it as of the last tick */
	return ws->interrupts != interrupts ? ws->used_ns - before_ns : -1;
}

/* What the present call, which lasted so long, is to be blamed for: who was just answered may run
 * before we go on. */
static int64_t call_took_ns(struct watches *ws, int64_t lasted_ns)
{
	int64_t used_ns = lasted_ns >= QUICK_NS ? interrupted_ns(ws) : -1;

	if (ws->was_over)
		return CALL_NS;
	return used_ns >= 0 && used_ns < lasted_ns ? used_ns : lasted_ns;
}

static void watch_weigh(struct watch *w, int64_t took_ns)
{
	int64_t us = (took_ns < CALL_NS ? took_ns : CALL_NS) / 1000;

	if (w->fresh)
		w->cost_us = (uint16_t)(us / FRESH_PART);
	else
		w->cost_us = (uint16_t)((w->cost_us * (COST_CALLS - 1) + us) / COST_CALLS);
	w->fresh = false;
}

/* The owner may free w. */
static void watch_call(struct watches *ws, struct watch *w)
{
	int64_t began_ns = ws->clock_ns;
	short revents = (short)w->revents;
	int fd = w->fd;

	w->revents = 0;
	w->seen_ms = (uint16_t)ws->now_ms;
	ws->call_ns = w->for_all || watch_line(w) == WATCH_HEAVY ? CALL_NS : QUICK_NS;
	ws->was_over = false;
	w->ready(w, revents);
	ws->clock_ns = clock_ns();
	if (ws->by_fd[fd] == w)
		watch_weigh(w, call_took_ns(ws, ws->clock_ns - began_ns));
}

/* One of them at least, and others until then. */
static void ready_call(struct watches *ws, struct ready *ready, int64_t until_ns)
{
	uint32_t called = 0;

	while (called < ready->count) {
		struct watch *w = ws->by_fd[ready->fds[called++]];

		if (w == NULL || w->revents == 0)
			continue;
		watch_call(ws, w);
		if (ws->clock_ns >= until_ns)
			break;
	}
	ready->count -= called;
	if (ready->count > 0)
		memmove(ready->fds, ready->fds + called, ready->count * sizeof(ready->fds[0]));
}

/* ---- a turn ---- */

static bool somebody_is_left(const struct watches *ws)
{
	for (int line = 0; line < WATCH_LINES; line++)
		if (ws->lines[line].count > 0)
			return true;
	return false;
}

/* Until when there is something to cool, or to call. */
static int own_wait_ms(const struct watches *ws)
{
	if (ws->cooling || somebody_is_left(ws))
		return 0;
	return ws->restless > HOT_FEW ? QUIET_MS : -1;
}

int watches_poll(struct watches *ws, int timeout_ms)
{
	int own_ms = own_wait_ms(ws);

	if (own_ms >= 0 && (timeout_ms < 0 || own_ms < timeout_ms))
		timeout_ms = own_ms;
	ws->found = poll(ws->pfds, ws->polled, timeout_ms);
	return ws->found < 0 ? -1 : 0;
}

void watches_dispatch(struct watches *ws, int64_t now_ms)
{
	static const int64_t share_ns[WATCH_LINES] = {TURN_NS / 2, TURN_NS / 4, TURN_NS / 4};
	int64_t until_ns;

	ws->now_ms = (uint32_t)now_ms;
	ws->late = somebody_is_left(ws);
	armed_settle(ws, 0);
	hints_take(ws);
	hot_cool(ws);
	ready_collect(ws);
	if (ws->late || ws->lines[WATCH_FRESH].count > 0)
		interrupted_ns(ws); /* no caller is to blame for the wait */
	ws->clock_ns = until_ns = clock_ns();
	for (int line = 0; line < WATCH_LINES; line++) {
		until_ns += share_ns[line]; /* and what those before have left */
		ready_call(ws, &ws->lines[line], until_ns);
	}
}

bool watches_call_is_over(struct watches *ws)
{
	ws->was_over = clock_ns() - ws->clock_ns >= ws->call_ns;
	return ws->was_over;
}

bool watches_are_late(const struct watches *ws)
{
	return ws->late;
}

bool watches_call_is_for_little(struct watches *ws)
{
	if (!ws->late || ws->call_ns != QUICK_NS)
		return false;
	ws->was_over = true;
	return true;
}

/* Without the one of the hints. */
uint32_t watches_count(const struct watches *ws)
{
	return ws->count - 1;
}

bool watches_are_ready(const struct watches *ws)
{
	return somebody_is_left(ws) || poll(ws->pfds, ws->polled, 0) > 0;
}
