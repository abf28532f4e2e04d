/* SPDX-License-Identifier: MIT */
#ifndef NET_CONN_H
#define NET_CONN_H
/* A connection as services see it; what it is made of is in net/table.h. */
#include <bsd/sys/queue.h>

#include "core/loop.h"
#include "net/call.h"

struct conn;

/*
 * A reply that takes more than one turn: a file on its way, a command that runs. While there is
 * one, no further request of the connection is served, but for those that the task takes itself.
 */
enum task_progress {
	TASK_FAILED = -1, /* end the connection; gone() is called */
	TASK_WAITS,       /* there is nothing to say now; conn_wake() will tell when there is */
	TASK_WRITES,      /* call again when what was said is taken */
	TASK_DONE,        /* the reply is whole; no function of the task is called again */
};

/* Embedded in its owner's struct, which lives until more() returns TASK_DONE or gone() is called.
 */
struct task {
	/* Of the request that it answers, set by conn_task(). */
	struct answers *answers; /* that count it; NULL: none do */
	int64_t began_ns;        /* of the loop's clock */
	/* All that was owed is taken: say more. Called at most once a turn of the connection. */
	enum task_progress (*more)(const struct call *call, struct task *t);
	/* The connection has ended before the reply did. No function is called after this. */
	void (*gone)(struct task *t);
	/* The peer has stopped sending, or has gone, which looks the same: begin the reply with
	 * what is certain of the reply. A peer that has gone answers with a reset. NULL: nothing is
	 * certain. */
	void (*eof)(const struct call *call, struct task *t);
	/* A request has come after the one that the task answers; call->argc 0: none will come.
	 * Returns 1: the request is taken, and has no reply of its own; 0: not now, the request is
	 * offered again after conn_wake(); or -1 to end the connection. A task that wants no
	 * further requests sets this member to NULL: those not taken are served after the task. A
	 * task that takes requests says whole replies only: where what comes is no request, the
	 * connection ends with an error in the place of the next reply. NULL: all requests wait. */
	int (*request)(const struct call *call, struct task *t);
};

/* Something that ends with a connection, whatever the connection is asked meanwhile; embedded in
 * its owner's struct. */
struct companion {
	LIST_ENTRY(companion) entry;
	void (*gone)(struct companion *x); /* the connection has ended, and lets go of it */
};

/* Have x, borrowed, accompany c: gone() is called unless conn_leave() comes first. Returns 0, or -1
 * with ENOMEM. */
int conn_accompany(struct conn *c, struct companion *x) __attribute__((warn_unused_result));
/* x ends before its connection does. */
void conn_leave(struct companion *x);
/* Returns the companion of c that came after x, or the first where x is NULL; NULL: there is none.
 */
struct companion *conn_companion_next(const struct conn *c, const struct companion *x);

/* A call without a request, for a reply that is said later: in a task, or between turns, when
 * conn_wake() sends the reply. */
struct call conn_call(struct conn *c);

/* Say before it is done that a request may take `work` times as long as a simple one, which is less
 * than a microsecond. The connection's turn looks at the clock by that, and ends when it has lasted
 * too long. */
void conn_charge(struct conn *c, unsigned work);
/* Answer the present request with t, borrowed. Its more() is called when all that is owed is taken,
 * which can be in this turn. */
void conn_task(struct conn *c, struct task *t);
/* The task of c has something to say, or takes requests again. Not from within its own more(). May
 * call functions of the task, and end it, before it returns. */
void conn_wake(struct conn *c);
/* Hang up when all is said. */
void conn_quit(struct conn *c);
/* How many bytes more() of a service should say at a time. */
size_t conn_room(const struct conn *c);
/* Whether the peer has not taken all that was said. */
bool conn_owes(const struct conn *c);
/* Whether the peer has stopped sending, or has gone. */
bool conn_has_ended(const struct conn *c);
/* A number that no other connection of this process has, until 2^32 of them have been accepted. */
uint32_t conn_id(const struct conn *c);
/* Milliseconds since c was accepted. */
int64_t conn_age_ms(const struct conn *c);
/* How many connections hold a place, and how many may. */
unsigned conn_clients(const struct conn *c);
unsigned conn_max_clients(const struct conn *c);
/* The name that the client gave itself, borrowed; NULL: none. */
const char *conn_name(const struct conn *c);
/* Copies name[0, len); len 0: no name. Returns 0, or -1 with ENOMEM. */
int conn_set_name(struct conn *c, const char *name, size_t len) __attribute__((warn_unused_result));
/* The loop that c is watched by. */
struct loop *conn_loop(const struct conn *c);

#endif
