/* SPDX-License-Identifier: MIT */
#ifndef CORE_LOOP_H
#define CORE_LOOP_H
/*
 * poll(2) over watches, and deadlines on the monotonic clock. Watches and deadlines are
 * embedded in their owner's struct: the loop borrows them and never allocates or frees one.
 * A handler may add and drop any watch, its own included; memory of an owner is freed in
 * before_wait, between turns.
 */
#include <bsd/sys/queue.h>
#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define container_of(ptr, type, member) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))

struct watch {
	int fd;      /* the owner's; closed only after loop_drop() */
	size_t slot; /* place in the loop's arrays */
	void (*ready)(struct watch *w, short revents);
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
	size_t len, cap;
	int64_t now_ms;  /* monotonic, read once a turn */
	int64_t next_ms; /* no deadline is due before this */
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
