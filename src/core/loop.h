/* SPDX-License-Identifier: MIT */
#ifndef CORE_LOOP_H
#define CORE_LOOP_H
/*
 * poll(2) over watches, and deadlines on the monotonic clock. Watches and deadlines are
 * embedded in their owner's struct: the loop borrows them and never allocates or frees one.
 * A handler may add and drop any watch, its own included; memory of an owner is freed in
 * before_wait, between turns.
 *
 * poll(2) costs as much as it has descriptors, so only those with events lately, the hot ones,
 * are polled each turn. The cold ones are swept: a slice of them now and then, at intervals
 * that keep the cost of sweeping a small share of the time. When nothing has happened for a
 * whole round of the sweep, one poll(2) waits for all. The array has three parts:
 *
 *	0 .. hot      hot, polled each turn
 *	hot .. swept  cold, still to be swept in this round
 *	swept .. len  cold, swept
 */
#include <bsd/sys/queue.h>
#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define container_of(ptr, type, member) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))

struct watch {
	int fd;        /* the owner's; closed only after loop_drop() */
	uint32_t slot; /* place in the loop's arrays */
	void (*ready)(struct watch *w, short revents);
	uint32_t seen_ms; /* when it last had an event; modulo 2^32 */
	bool stays_hot;   /* never cold, however quiet */
};

struct deadline {
	TAILQ_ENTRY(deadline) entry;
	struct deadline_queue *queue; /* NULL: not running */
	int64_t due_ms;
};

/* Deadlines of one length. Sorted by construction, so start, cancel and next are O(1);
 * that holds because timeout_ms never changes. */
struct deadline_queue {
	TAILQ_HEAD(, deadline) waiting;
	LIST_ENTRY(deadline_queue) entry;
	int64_t timeout_ms; /* 0: never */
	void (*expired)(struct deadline *d);
};

struct loop {
	struct pollfd *pfds;    /* pfds[i] belongs to watches[i] */
	struct watch **watches; /* borrowed */
	uint32_t hot, swept, len, cap;
	unsigned quiet_rounds; /* that ended since the last event */
	int64_t now_ns;        /* monotonic, read once a turn, and once for each slice */
	int64_t now_ms;        /* the same */
	int64_t next_ms;       /* no deadline is due before this */
	int64_t slice_ns;      /* what a slice costs, on average */
	int64_t sweep_ns;      /* when the next slice is due */
	int64_t cooling_ms;    /* when hot ones were last looked through for quiet ones */
	bool stop;
	LIST_HEAD(, deadline_queue) queues;
	void (*before_wait)(void *arg);
	void *arg;
};

void loop_init(struct loop *loop, void (*before_wait)(void *arg), void *arg);
void loop_free(struct loop *loop);

/* Call w->ready when one of events, or an error, happens on w->fd. Returns 0, or -1 with
 * ENOMEM. */
int loop_watch(struct loop *loop, struct watch *w, short events)
	__attribute__((warn_unused_result));
void loop_want(struct loop *loop, const struct watch *w, short events);
/* Not even errors, until loop_want(). */
void loop_ignore(struct loop *loop, const struct watch *w);
void loop_drop(struct loop *loop, struct watch *w);

void deadline_queue_init(struct loop *loop, struct deadline_queue *q, int64_t timeout_ms,
			 void (*expired)(struct deadline *d));
/* Cancels what still waits in it. */
void deadline_queue_free(struct deadline_queue *q);

/* Run d for the queue's timeout from now; starting again starts anew. */
void deadline_start(struct loop *loop, struct deadline_queue *q, struct deadline *d);
void deadline_cancel(struct deadline *d);

/* One wait and what came of it. Returns 0, or -1 with errno when poll(2) fails. */
int loop_turn(struct loop *loop);

/* Turns until loop->stop. Returns 0, or -1 with errno. */
int loop_run(struct loop *loop);

#endif
