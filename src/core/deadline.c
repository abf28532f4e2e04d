/* SPDX-License-Identifier: MIT */
#include "core/deadline.h"

#include <limits.h>

#include "core/clock.h"

#define EXPIRY_NS 20000000 /* of calls in one turn of the loop; the next turn goes on */

void deadlines_init(struct deadlines *all)
{
	*all = (struct deadlines){.next_ms = INT64_MAX};
	LIST_INIT(&all->queues);
	deadlines_tick(all);
}

void deadlines_tick(struct deadlines *all)
{
	all->now_ns = clock_ns();
	all->now_ms = all->now_ns / 1000000;
}

int deadlines_wait_ms(const struct deadlines *all)
{
	int64_t left_ms = all->next_ms - all->now_ms;

	if (all->next_ms == INT64_MAX)
		return -1;
	if (left_ms < 0)
		return 0;
	return left_ms < INT_MAX ? (int)left_ms : INT_MAX;
}

/* ---- a queue, a deadline ---- */

void deadline_queue_init(struct deadlines *all, struct deadline_queue *q, int64_t timeout_ms,
			 void (*expired)(struct deadline *d))
{
	TAILQ_INIT(&q->waiting);
	q->all = all;
	q->timeout_ms = timeout_ms;
	q->expired = expired;
	LIST_INSERT_HEAD(&all->queues, q, entry);
}

void deadline_queue_free(struct deadline_queue *q)
{
	struct deadline *d;

	while ((d = TAILQ_FIRST(&q->waiting)) != NULL)
		deadline_cancel(d);
	LIST_REMOVE(q, entry);
}

void deadline_start(struct deadline_queue *q, struct deadline *d)
{
	int64_t due_ms = q->all->now_ms + q->timeout_ms;

	if (d->queue == q && d->due_ms == due_ms)
		return;
	deadline_cancel(d);
	if (q->timeout_ms == 0)
		return;
	d->queue = q;
	d->due_ms = due_ms;
	TAILQ_INSERT_TAIL(&q->waiting, d, entry);
	if (due_ms < q->all->next_ms)
		q->all->next_ms = due_ms;
}

void deadline_cancel(struct deadline *d)
{
	if (d->queue != NULL)
		TAILQ_REMOVE(&d->queue->waiting, d, entry);
	d->queue = NULL;
}

/* ---- all queues ---- */

/* Returns one that has passed, or NULL. */
static struct deadline *deadline_due(const struct deadlines *all)
{
	struct deadline_queue *q;
	struct deadline *d;

	LIST_FOREACH(q, &all->queues, entry) {
		d = TAILQ_FIRST(&q->waiting);
		if (d != NULL && d->due_ms <= all->now_ms)
			return d;
	}
	return NULL;
}

/* expired() may free any queue, its own too: the search begins anew after each call. */
bool deadlines_expire(struct deadlines *all)
{
	struct deadline_queue *q;
	struct deadline *d;
	int64_t until_ns;

	if (all->now_ms < all->next_ms)
		return false;
	until_ns = clock_ns() + EXPIRY_NS;
	while ((d = deadline_due(all)) != NULL && clock_ns() < until_ns) {
		q = d->queue;
		deadline_cancel(d);
		q->expired(d);
	}
	all->next_ms = INT64_MAX;
	LIST_FOREACH(q, &all->queues, entry) {
		d = TAILQ_FIRST(&q->waiting);
		if (d != NULL && d->due_ms < all->next_ms)
			all->next_ms = d->due_ms;
	}
	return true;
}
