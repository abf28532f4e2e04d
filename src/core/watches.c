/* SPDX-License-Identifier: MIT */
#include "core/watches.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/deadline.h"
#include "core/hints.h"

#define QUIET_MS 20         /* without an event, until a hot watch is on its way to be cold */
#define HOT_FEW 64          /* quiet ones that are not worth a wakeup */
#define ARMED_PER_TURN 256  /* so that no turn is long */
#define POLLED_PER_CALL 256 /* cold ones, where hints were lost */

/* ---- places ---- */

static bool watch_can_be_cold(const struct watch *w)
{
	return w->tells != WATCH_TELLS_NOTHING;
}

/* There is place for all of them, so that a hint never fails for want of memory. */
static int hot_reserve(struct watches *ws, uint32_t count)
{
	uint32_t cap = ws->hot_cap > 0 ? ws->hot_cap * 2 : 64;
	struct pollfd *hot;

	if (count <= ws->hot_cap)
		return 0;
	hot = reallocarray(ws->hot, cap, sizeof(*hot));
	if (hot == NULL)
		return -1;
	ws->hot = hot;
	ws->hot_cap = cap;
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

static void hot_enter(struct watches *ws, struct watch *w)
{
	w->slot = ws->hot_count++;
	w->seen_ms = ws->now_ms;
	ws->hot[w->slot] = (struct pollfd){.fd = w->fd, .events = w->events};
	ws->restless += watch_can_be_cold(w);
}

/* The last one fills the hole. */
static void hot_leave(struct watches *ws, struct watch *w)
{
	uint32_t hole = w->slot, last = --ws->hot_count;

	if (ws->hot[hole].revents != 0)
		ws->ready_count--;
	ws->hot[hole] = ws->hot[last];
	ws->by_fd[ws->hot[hole].fd]->slot = hole;
	w->slot = WATCH_COLD;
	ws->restless -= watch_can_be_cold(w);
}

/* ---- hot, armed, cold ---- */

/* One whose descriptor cannot be armed stays hot for ever. */
static void watch_arm(struct watches *ws, struct watch *w)
{
	if (hints_arm(w->fd, w->known) < 0) {
		w->tells = WATCH_TELLS_NOTHING;
		ws->restless--;
		return;
	}
	w->armed = w->known = true;
	w->hinted = w->full = false;
}

/* Who waits for room on a UNIX socket is called until its send(2) fails: before that, the kernel
 * would not tell. */
static bool watch_must_send(const struct watch *w)
{
	return w->tells == WATCH_TELLS_AFTER_SEND && (w->events & POLLOUT) && !w->full;
}

static void watch_cool(struct watches *ws, struct watch *w)
{
	if (!w->armed) {
		watch_arm(ws, w);
	} else if (watch_must_send(w)) {
		ws->hot[w->slot].revents = POLLOUT;
		ws->ready_count++;
		w->hinted = true;
	} else {
		hot_leave(ws, w);
	}
}

/* Those that have been quiet, and that the poll(2) just now found nothing on. */
static void watches_cool(struct watches *ws)
{
	int armed = 0;
	struct watch *w;

	if (ws->now_ms - ws->cooled_ms < QUIET_MS && !ws->cooling)
		return;
	ws->cooled_ms = ws->now_ms;
	for (uint32_t i = ws->hot_count; i-- > 0 && armed < ARMED_PER_TURN;) {
		w = ws->by_fd[ws->hot[i].fd];
		if (ws->hot[i].revents != 0 || !watch_can_be_cold(w) ||
		    ws->now_ms - w->seen_ms < QUIET_MS)
			continue;
		armed += !w->armed;
		watch_cool(ws, w);
	}
	ws->cooling = armed == ARMED_PER_TURN;
}

static void watch_heat(struct watches *ws, struct watch *w)
{
	if (watch_is_hot(w) || w->events == WATCH_IGNORED)
		return;
	w->hinted = true;
	hot_enter(ws, w);
}

static void hint_heard(void *arg, int fd)
{
	struct watches *ws = arg;

	if (fd >= 0 && (uint32_t)fd < ws->fd_cap && ws->by_fd[fd] != NULL)
		watch_heat(ws, ws->by_fd[fd]);
}

/* Make hot what has an event among count descriptors. */
static void cold_found(struct watches *ws, struct pollfd *pfds, nfds_t count)
{
	if (poll(pfds, count, 0) <= 0)
		return;
	for (nfds_t i = 0; i < count; i++)
		if (pfds[i].revents != 0)
			watch_heat(ws, ws->by_fd[pfds[i].fd]);
}

/* Hints were lost: look at all the cold ones. */
static void cold_poll(struct watches *ws)
{
	struct pollfd pfds[POLLED_PER_CALL];
	nfds_t count = 0;

	for (uint32_t fd = 0; fd < ws->fd_cap; fd++) {
		const struct watch *w = ws->by_fd[fd];

		if (w == NULL || watch_is_hot(w) || w->events == WATCH_IGNORED)
			continue;
		pfds[count++] = (struct pollfd){.fd = w->fd, .events = w->events};
		if (count == POLLED_PER_CALL) {
			cold_found(ws, pfds, count);
			count = 0;
		}
	}
	cold_found(ws, pfds, count);
}

static void hints_ready(struct watch *w, short revents)
{
	struct watches *ws = container_of(w, struct watches, hints);

	if (hints_read(w->fd, hint_heard, ws))
		cold_poll(ws);
}

/* ---- for owners ---- */

int watches_init(struct watches *ws)
{
	*ws = (struct watches){.hints = {.fd = hints_open(), .ready = hints_ready}};
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
	free(ws->hot);
	free(ws->by_fd);
	*ws = (struct watches){.hints.fd = -1};
	errno = error;
}

int watches_add(struct watches *ws, struct watch *w, short events)
{
	assert(w->fd >= 0);
	if (hot_reserve(ws, ws->count + 1) < 0 || by_fd_reserve(ws, (uint32_t)w->fd + 1) < 0)
		return -1;
	assert(ws->by_fd[w->fd] == NULL);
	ws->count++;
	ws->by_fd[w->fd] = w;
	w->events = events;
	w->armed = w->known = w->hinted = w->full = false;
	w->slot = WATCH_COLD;
	if (events != WATCH_IGNORED)
		hot_enter(ws, w);
	return 0;
}

void watches_want(struct watches *ws, struct watch *w, short events)
{
	if (w->events == events)
		return;
	w->events = events;
	if (events == WATCH_IGNORED && watch_is_hot(w))
		hot_leave(ws, w);
	else if (watch_is_hot(w))
		ws->hot[w->slot].events = events;
	else if (events != WATCH_IGNORED)
		hot_enter(ws, w);
}

void watches_drop(struct watches *ws, struct watch *w)
{
	assert(ws->by_fd[w->fd] == w);
	if (watch_is_hot(w))
		hot_leave(ws, w);
	ws->by_fd[w->fd] = NULL;
	ws->count--;
}

/* ---- a turn ---- */

/* Until when there is something to cool. */
static int cooling_wait_ms(const struct watches *ws)
{
	if (ws->cooling)
		return 0;
	return ws->restless > HOT_FEW ? QUIET_MS : -1;
}

int watches_poll(struct watches *ws, int timeout_ms)
{
	int cooling_ms = cooling_wait_ms(ws);

	if (cooling_ms >= 0 && (timeout_ms < 0 || cooling_ms < timeout_ms))
		timeout_ms = cooling_ms;
	ws->ready_count = poll(ws->hot, ws->hot_count, timeout_ms);
	return ws->ready_count < 0 ? -1 : 0;
}

/* The first event after a hint costs no call; with a second one it is worth to disarm. */
static void watch_seen(struct watches *ws, struct watch *w)
{
	w->seen_ms = ws->now_ms;
	if (w->armed && !w->hinted) {
		hints_disarm(w->fd);
		w->armed = false;
	}
	w->hinted = false;
}

/* Downwards: whichever fills a hole has had its turn, or was added in this one. */
void watches_dispatch(struct watches *ws, int64_t now_ms)
{
	struct watch *w;
	short revents;

	ws->now_ms = (uint32_t)now_ms;
	watches_cool(ws);
	for (uint32_t i = ws->hot_count; ws->ready_count > 0 && i-- > 0;) {
		if (i >= ws->hot_count || ws->hot[i].revents == 0)
			continue;
		revents = ws->hot[i].revents;
		ws->hot[i].revents = 0;
		ws->ready_count--;
		w = ws->by_fd[ws->hot[i].fd];
		watch_seen(ws, w);
		w->ready(w, revents);
	}
}

/* Without the one of the hints. */
uint32_t watches_count(const struct watches *ws)
{
	return ws->count - 1;
}

bool watches_are_ready(const struct watches *ws)
{
	return poll(ws->hot, ws->hot_count, 0) > 0;
}
