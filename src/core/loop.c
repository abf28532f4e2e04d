/* SPDX-License-Identifier: MIT */
#include "core/loop.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <time.h>

#define SLICE 256            /* cold watches polled at a time */
#define SWEEP_SHARE 20       /* sweeping takes one part in so many of the time, */
#define ROUND_NS 40000000    /* or more where a round would take longer than this, */
#define SWEEP_SHARE_MIN 10   /* up to one part in so many */
#define SLICE_MIN_NS 500000  /* between slices, so that few cold watches cause few wakeups */
#define SWEEP_LAG_NS 5000000 /* a sweep that is later than this does not catch up */
#define QUIET_MS 20          /* without an event, until a hot watch is cold */

static void clock_read(struct loop *loop)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	loop->now_ns = (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
	loop->now_ms = loop->now_ns / 1000000;
}

void loop_init(struct loop *loop, void (*before_wait)(void *arg), void *arg)
{
	*loop = (struct loop){.before_wait = before_wait, .arg = arg, .next_ms = INT64_MAX};
	LIST_INIT(&loop->queues);
	clock_read(loop);
}

void loop_free(struct loop *loop)
{
	free(loop->pfds);
	free(loop->watches);
	*loop = (struct loop){0};
}

/* ---- places: hot | to be swept | swept ---- */

static int loop_grow(struct loop *loop)
{
	uint32_t cap = loop->cap > 0 ? loop->cap * 2 : 64;
	struct pollfd *pfds = reallocarray(loop->pfds, cap, sizeof(*pfds));
	struct watch **watches;

	if (pfds == NULL)
		return -1;
	loop->pfds = pfds;
	watches = reallocarray(loop->watches, cap, sizeof(struct watch *));
	if (watches == NULL)
		return -1;
	loop->watches = watches;
	loop->cap = cap;
	return 0;
}

static void place_swap(struct loop *loop, uint32_t a, uint32_t b)
{
	struct pollfd pfd = loop->pfds[a];
	struct watch *w = loop->watches[a];

	loop->pfds[a] = loop->pfds[b];
	loop->watches[a] = loop->watches[b];
	loop->watches[a]->slot = a;
	loop->pfds[b] = pfd;
	loop->watches[b] = w;
	w->slot = b;
}

/* The watch at from fills a hole. Returns the new hole. */
static uint32_t place_move(struct loop *loop, uint32_t hole, uint32_t from)
{
	if (hole == from)
		return from;
	loop->pfds[hole] = loop->pfds[from];
	loop->watches[hole] = loop->watches[from];
	loop->watches[hole]->slot = hole;
	return from;
}

/* slot >= swept. None of those to be swept is passed over: the first of them only moves. */
static void promote(struct loop *loop, uint32_t slot)
{
	loop->watches[slot]->seen_ms = (uint32_t)loop->now_ms;
	place_swap(loop, slot, loop->swept);
	place_swap(loop, loop->swept++, loop->hot++);
}

/* Those that have been quiet are cold from now on. */
static void cool(struct loop *loop)
{
	const struct watch *w;

	if (loop->now_ms - loop->cooling_ms < QUIET_MS)
		return;
	loop->cooling_ms = loop->now_ms;
	for (uint32_t i = loop->hot; i-- > 0;) {
		w = loop->watches[i];
		if (!w->stays_hot && (uint32_t)loop->now_ms - w->seen_ms >= QUIET_MS)
			place_swap(loop, i, --loop->hot);
	}
}

/* A new watch is hot. */
int loop_watch(struct loop *loop, struct watch *w, short events)
{
	if (loop->len == loop->cap && loop_grow(loop) < 0)
		return -1;
	w->slot = loop->len++;
	loop->watches[w->slot] = w;
	loop->pfds[w->slot] = (struct pollfd){.fd = w->fd, .events = events};
	promote(loop, w->slot);
	return 0;
}

void loop_want(struct loop *loop, const struct watch *w, short events)
{
	loop->pfds[w->slot].fd = w->fd;
	loop->pfds[w->slot].events = events;
}

void loop_ignore(struct loop *loop, const struct watch *w)
{
	loop->pfds[w->slot] = (struct pollfd){.fd = -1};
}

/* The last of each part fills the hole. Dispatch runs downwards in the hot part, so whichever
 * moves there has had its turn, or was added in this one. */
void loop_drop(struct loop *loop, struct watch *w)
{
	uint32_t hole = w->slot;

	if (hole < loop->hot)
		hole = place_move(loop, hole, --loop->hot);
	if (hole < loop->swept)
		hole = place_move(loop, hole, --loop->swept);
	place_move(loop, hole, --loop->len);
}

/* ---- deadlines ---- */

void deadline_queue_init(struct loop *loop, struct deadline_queue *q, int64_t timeout_ms,
			 void (*expired)(struct deadline *d))
{
	TAILQ_INIT(&q->waiting);
	q->timeout_ms = timeout_ms;
	q->expired = expired;
	LIST_INSERT_HEAD(&loop->queues, q, entry);
}

void deadline_queue_free(struct deadline_queue *q)
{
	struct deadline *d;

	while ((d = TAILQ_FIRST(&q->waiting)) != NULL)
		deadline_cancel(d);
	LIST_REMOVE(q, entry);
}

void deadline_start(struct loop *loop, struct deadline_queue *q, struct deadline *d)
{
	int64_t due_ms = loop->now_ms + q->timeout_ms;

	if (d->queue == q && d->due_ms == due_ms)
		return;
	deadline_cancel(d);
	if (q->timeout_ms == 0)
		return;
	d->queue = q;
	d->due_ms = due_ms;
	TAILQ_INSERT_TAIL(&q->waiting, d, entry);
	if (due_ms < loop->next_ms)
		loop->next_ms = due_ms;
}

void deadline_cancel(struct deadline *d)
{
	if (d->queue != NULL)
		TAILQ_REMOVE(&d->queue->waiting, d, entry);
	d->queue = NULL;
}

static struct deadline *deadline_due(const struct loop *loop)
{
	struct deadline_queue *q;
	struct deadline *d;

	LIST_FOREACH(q, &loop->queues, entry) {
		d = TAILQ_FIRST(&q->waiting);
		if (d != NULL && d->due_ms <= loop->now_ms)
			return d;
	}
	return NULL;
}

/* Whoever is called may free queues. */
static void expire(struct loop *loop)
{
	struct deadline_queue *q;
	struct deadline *d;

	if (loop->now_ms < loop->next_ms)
		return;
	while ((d = deadline_due(loop)) != NULL) {
		q = d->queue;
		deadline_cancel(d);
		q->expired(d);
	}
	loop->next_ms = INT64_MAX;
	LIST_FOREACH(q, &loop->queues, entry) {
		d = TAILQ_FIRST(&q->waiting);
		if (d != NULL && d->due_ms < loop->next_ms)
			loop->next_ms = d->due_ms;
	}
}

/* ---- a turn ---- */

/* [from, to) has just been polled, and all behind it in this round. */
static void promote_found(struct loop *loop, uint32_t from, uint32_t to)
{
	loop->swept = from;
	for (uint32_t i = from; i < to; i++)
		if (loop->pfds[i].revents != 0)
			promote(loop, i);
}

static int slice_poll(struct loop *loop)
{
	uint32_t cold = loop->swept - loop->hot, count = cold < SLICE ? cold : SLICE;
	uint32_t from = loop->swept - count;
	int found = poll(loop->pfds + from, count, 0);

	promote_found(loop, from, from + count);
	return found > 0 ? found : 0;
}

/* Time from one slice to the next, after one that cost so much. A cost far above the usual is that
 * of another process which had the processor. */
static int64_t sweep_pace(struct loop *loop, int64_t cost_ns)
{
	uint32_t cold = loop->len - loop->hot;
	int64_t usual_ns = loop->slice_ns, pace_ns, round_ns;

	if (usual_ns > 0 && cost_ns > 4 * usual_ns)
		cost_ns = 4 * usual_ns;
	usual_ns += usual_ns > 0 ? (cost_ns - usual_ns) / 8 : cost_ns;
	loop->slice_ns = usual_ns;
	pace_ns = usual_ns * SWEEP_SHARE;
	round_ns = cold > SLICE ? (int64_t)ROUND_NS * SLICE / cold : ROUND_NS;
	if (pace_ns > round_ns)
		pace_ns = usual_ns * SWEEP_SHARE_MIN > round_ns ? usual_ns * SWEEP_SHARE_MIN
								: round_ns;
	return pace_ns > SLICE_MIN_NS ? pace_ns : SLICE_MIN_NS;
}

/* Poll as many slices as are due; a round at most. Returns how many watches have an event. */
static int sweep(struct loop *loop)
{
	int64_t began_ns;
	int found = 0;

	if (loop->now_ns - loop->sweep_ns > SWEEP_LAG_NS)
		loop->sweep_ns = loop->now_ns - SWEEP_LAG_NS;
	while (loop->sweep_ns <= loop->now_ns) {
		began_ns = loop->now_ns;
		found += slice_poll(loop);
		clock_read(loop);
		loop->sweep_ns += sweep_pace(loop, loop->now_ns - began_ns);
		if (loop->swept == loop->hot) {
			loop->quiet_rounds++;
			loop->swept = loop->len;
			break;
		}
	}
	return found;
}

/* Until when ppoll(2) may wait. Returns NULL for ever. */
static const struct timespec *wait_time(const struct loop *loop, bool sweeping, struct timespec *ts)
{
	int64_t left_ns = INT64_MAX;

	if (loop->next_ms < INT64_MAX)
		left_ns = (loop->next_ms - loop->now_ms) * 1000000;
	if (sweeping && loop->sweep_ns - loop->now_ns < left_ns)
		left_ns = loop->sweep_ns - loop->now_ns;
	if (left_ns == INT64_MAX)
		return NULL;
	if (left_ns < 0)
		left_ns = 0;
	*ts = (struct timespec){left_ns / 1000000000, left_ns % 1000000000};
	return ts;
}

/* Wait for the hot watches and sweep the others, or wait for all. Those with an event are hot
 * then. Returns how many, or -1 with errno. */
static int wait_for_events(struct loop *loop)
{
	bool sweeping = loop->quiet_rounds < 2 && loop->hot < loop->len;
	struct timespec ts;
	int found = ppoll(loop->pfds, sweeping ? loop->hot : loop->len,
			  wait_time(loop, sweeping, &ts), NULL);

	if (found < 0 && errno != EINTR)
		return -1;
	clock_read(loop);
	if (found < 0)
		found = 0;
	if (sweeping)
		return found + sweep(loop);
	if (found > 0)
		promote_found(loop, loop->hot, loop->len);
	loop->swept = loop->len;
	loop->sweep_ns = loop->now_ns + SLICE_MIN_NS;
	return found;
}

static void dispatch(struct loop *loop, int ready)
{
	struct watch *w;
	short revents;

	for (uint32_t i = loop->hot; ready > 0 && i-- > 0;) {
		if (i >= loop->hot || loop->pfds[i].revents == 0)
			continue;
		revents = loop->pfds[i].revents;
		loop->pfds[i].revents = 0;
		w = loop->watches[i];
		w->seen_ms = (uint32_t)loop->now_ms;
		ready--;
		w->ready(w, revents);
	}
}

int loop_turn(struct loop *loop)
{
	int ready;

	if (loop->before_wait != NULL)
		loop->before_wait(loop->arg);
	if (loop->stop)
		return 0;
	ready = wait_for_events(loop);
	if (ready < 0)
		return -1;
	if (ready > 0)
		loop->quiet_rounds = 0;
	dispatch(loop, ready);
	cool(loop);
	expire(loop);
	return 0;
}

int loop_run(struct loop *loop)
{
	while (!loop->stop)
		if (loop_turn(loop) < 0)
			return -1;
	return 0;
}
