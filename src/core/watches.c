/* SPDX-License-Identifier: MIT */
#include "core/watches.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/deadline.h"
#include "core/hints.h"

#define QUIET_MS 20         /* without an event, until a hot watch is armed */
#define HOT_FEW 64          /* hot watches that the loop does not wake up to look through */
#define ARMED_PER_TURN 256  /* so that no turn is long */
#define POLLED_PER_CALL 256 /* cold watches in one poll(2), where hints were lost */

static bool watch_can_be_cold(const struct watch *w)
{
	return w->tells != WATCH_TELLS_NOTHING;
}

/* Whether w was called, or added, less than QUIET_MS ago: an event now is its second one soon. */
static bool watch_is_busy(const struct watches *ws, const struct watch *w)
{
	return (uint16_t)(ws->now_ms - w->seen_ms) < QUIET_MS;
}

/* ---- places: hot | polled once more ---- */

/* Have room in pfds[], and in the lines of ready, for count watches, which is all of them, so that
 * a hint never fails for want of memory. */
static int pfds_reserve(struct watches *ws, uint32_t count)
{
	uint32_t cap = ws->pfd_cap > 0 ? ws->pfd_cap * 2 : 64;
	struct pollfd *pfds;

	if (count <= ws->pfd_cap)
		return 0;
	if (ready_reserve(&ws->ready, cap) < 0)
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

/* Put pfd at slot, and tell its watch. slot is never as large as WATCH_COLD. */
static void place_set(struct watches *ws, uint32_t slot, struct pollfd pfd)
{
	ws->pfds[slot] = pfd;
	ws->by_fd[pfd.fd]->slot = slot & WATCH_COLD;
}

/* Fill a hole with the entry at from. Returns where the hole is then. */
static uint32_t place_move(struct watches *ws, uint32_t hole, uint32_t from)
{
	if (hole != from)
		place_set(ws, hole, ws->pfds[from]);
	return from;
}

/* Poll a watch that is not polled: an armed one once more, at the end of that part; another as a
 * hot one, at the end of the hot part, from where the first armed one moves to the end of its own.
 */
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

/* Poll w no more. A hole in the hot part is filled by the last hot one; the hole which that leaves,
 * or one in the other part, by the last of all. */
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

/* From hot to once more. A watch whose descriptor cannot be armed stays hot for ever. */
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

/* From once more to hot, with the event that was found. */
static void watch_disarm(struct watches *ws, struct watch *w)
{
	short revents = ws->pfds[w->slot].revents;

	hints_disarm(w->fd);
	place_leave(ws, w);
	w->armed = false;
	place_enter(ws, w);
	ws->pfds[w->slot].revents = revents;
}

/* Whether w cannot go cold because it waits for room on a UNIX socket, and the kernel would give no
 * hint of that before a send(2) has failed. Its owner is called until then. */
static bool watch_must_send(const struct watch *w)
{
	return w->tells == WATCH_TELLS_AFTER_SEND && (w->events & POLLOUT) && !w->full;
}

/* Watches that were polled once more, from place first on, go cold where nothing was found, and hot
 * where they are busy. One that a busy one's move carries past the walk is polled once more again.
 */
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

/* Arm hot watches that have been quiet, a bounded number of them each turn. */
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

/* Poll w, unless it is polled already, or waits for nothing. */
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

/* Wake those of count cold watches that have an event now. */
static void cold_poll_some(struct watches *ws, struct pollfd *pfds, nfds_t count)
{
	if (poll(pfds, count, 0) <= 0)
		return;
	for (nfds_t i = 0; i < count; i++)
		if (pfds[i].revents != 0)
			watch_wake(ws, ws->by_fd[pfds[i].fd]);
}

/* Hints were lost: wake all cold watches that have an event. */
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

/* Wake the watches that hints are about and poll them at once, so that a peer that slept does not
 * wait for one more turn, however much there is to do in this one. To be called after
 * armed_settle(): a hint does nothing to a watch that is polled, so one of an event since the
 * poll(2) would be lost if its watch went cold after this. */
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
	ready_free(&ws->ready);
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

/* ---- a turn ---- */

/* Whether the watch of fd, left over from the last turn, is still to be called; and for what this
 * turn's poll(2) has found. */
static bool watch_is_ready(void *arg, int fd)
{
	const struct watches *ws = arg;
	struct watch *w = ws->by_fd[fd];

	if (w == NULL || w->revents == 0)
		return false; /* dropped meanwhile, and perhaps added anew */
	w->revents = watch_is_polled(w) ? (uint16_t)ws->pfds[w->slot].revents : 0;
	return w->revents != 0;
}

/* Have each watch with an event join the line for its call, unless it waits there already. */
static void turn_collect(struct watches *ws)
{
	for (uint32_t i = ws->polled; ws->found > 0 && i-- > 0;) {
		struct watch *w;

		if (ws->pfds[i].revents == 0)
			continue;
		ws->found--;
		w = ws->by_fd[ws->pfds[i].fd];
		if (w->revents == 0)
			ready_join(&ws->ready, w);
		w->revents = (uint16_t)ws->pfds[i].revents;
	}
}

/* Milliseconds that a wait may last, for there are calls left over, or quiet watches to arm; -1: no
 * limit. */
static int own_wait_ms(const struct watches *ws)
{
	if (ws->cooling || ready_has_some(&ws->ready))
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
	ws->now_ms = (uint32_t)now_ms;
	armed_settle(ws, 0);
	hints_take(ws);
	hot_cool(ws);
	ready_refresh(&ws->ready, watch_is_ready, ws);
	turn_collect(ws);
	ready_call(&ws->ready, &ws->by_fd, ws->now_ms);
}

/* The watch of the hints is nobody's. */
uint32_t watches_count(const struct watches *ws)
{
	return ws->count - 1;
}

bool watches_are_ready(const struct watches *ws)
{
	return ready_has_some(&ws->ready) || poll(ws->pfds, ws->polled, 0) > 0;
}
