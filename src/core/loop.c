/* SPDX-License-Identifier: MIT */
#include "core/loop.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <time.h>

static int64_t monotonic_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

void loop_init(struct loop *loop, void (*before_wait)(void *arg), void *arg)
{
	*loop = (struct loop){.before_wait = before_wait, .arg = arg, .next_ms = INT64_MAX};
	LIST_INIT(&loop->queues);
	loop->now_ms = monotonic_ms();
}

void loop_free(struct loop *loop)
{
	free(loop->pfds);
	free(loop->watches);
	*loop = (struct loop){0};
}

static int loop_grow(struct loop *loop)
{
	size_t cap = loop->cap > 0 ? loop->cap * 2 : 64;
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

int loop_watch(struct loop *loop, struct watch *w, short events)
{
	if (loop->len == loop->cap && loop_grow(loop) < 0)
		return -1;
	w->slot = loop->len++;
	loop->watches[w->slot] = w;
	loop->pfds[w->slot] = (struct pollfd){.fd = w->fd, .events = events};
	return 0;
}

void loop_want(struct loop *loop, const struct watch *w, short events)
{
	loop->pfds[w->slot].events = events;
}

/* The last watch takes the place. Dispatch runs downwards, so the one that moves has had
 * its turn, or was added in this one. */
void loop_drop(struct loop *loop, struct watch *w)
{
	size_t last = --loop->len;

	loop->pfds[w->slot] = loop->pfds[last];
	loop->watches[w->slot] = loop->watches[last];
	loop->watches[w->slot]->slot = w->slot;
}

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

static void expire(struct loop *loop)
{
	struct deadline_queue *q, *next_queue;
	struct deadline *d;

	if (loop->now_ms < loop->next_ms)
		return;
	LIST_FOREACH_SAFE(q, &loop->queues, entry, next_queue) {
		while ((d = TAILQ_FIRST(&q->waiting)) != NULL && d->due_ms <= loop->now_ms) {
			deadline_cancel(d);
			q->expired(d);
		}
	}
	loop->next_ms = INT64_MAX;
	LIST_FOREACH(q, &loop->queues, entry) {
		d = TAILQ_FIRST(&q->waiting);
		if (d != NULL && d->due_ms < loop->next_ms)
			loop->next_ms = d->due_ms;
	}
}

static int wait_ms(const struct loop *loop)
{
	int64_t left_ms = loop->next_ms - loop->now_ms;

	if (loop->next_ms == INT64_MAX)
		return -1;
	if (left_ms < 0)
		return 0;
	return left_ms < INT_MAX ? (int)left_ms : INT_MAX;
}

static void dispatch(struct loop *loop, int ready)
{
	struct watch *w;
	short revents;

	for (size_t i = loop->len; ready > 0 && i-- > 0;) {
		if (i >= loop->len || loop->pfds[i].revents == 0)
			continue;
		revents = loop->pfds[i].revents;
		loop->pfds[i].revents = 0;
		w = loop->watches[i];
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
	ready = poll(loop->pfds, loop->len, wait_ms(loop));
	if (ready < 0 && errno != EINTR)
		return -1;
	loop->now_ms = monotonic_ms();
	dispatch(loop, ready);
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
