/* SPDX-License-Identifier: MIT */
#ifndef NET_CONN_H
#define NET_CONN_H
/* A connection as services see it; what it is made of is in net/table.h. */
#include "core/loop.h"
#include "net/call.h"

struct conn;

/*
 * A reply that takes more than one turn: a file on its way, a command that runs. While there is
 * one, no further request of the connection is served, but for those that the task takes itself.
 */
enum task_progress {
	TASK_FAILED = -1, /* end the connection */
	TASK_WAITS,       /* nothing to say now; conn_wake() when there is */
	TASK_WRITES,      /* call again when what it said is taken */
	TASK_DONE,        /* the reply is whole; the task is not called again */
};

struct task {
	/* Of the request that it answers, set by conn_task(). */
	struct answers *answers; /* that count it; NULL: none do */
	int64_t began_ns;        /* of the loop's clock */
	/* All that was owed is taken: say more. */
	enum task_progress (*more)(const struct call *call, struct task *t);
	/* The connection has ended before the reply did. */
	void (*gone)(struct task *t);
	/* The peer has stopped sending, or has gone, which looks the same: begin the reply with
	 * what is certain of it. One that has gone answers that with a reset. NULL: nothing is. */
	void (*eof)(const struct call *call, struct task *t);
	/* A request behind the one that the task answers; call->argc 0: none will come.
	 * Returns 1: taken, it has no reply of its own; 0: not now, it is offered again after
	 * conn_wake(); or -1 to end the connection. Whoever wants no more sets this member to NULL:
	 * what was not taken is served after the task. One that takes requests says whole replies
	 * only: what is no request ends the connection with an error in its place. NULL: all wait.
	 */
	int (*request)(const struct call *call, struct task *t);
};

/* A call without a request, for a reply that is said later: in a task, or between turns, when
 * conn_wake() sends it. */
struct call conn_call(struct conn *c);

/* The request may take so many times as long as a simple one: look at the clock sooner. The turn of
 * a connection ends when it has lasted too long. */
void conn_charge(struct conn *c, unsigned work);
/* Answer the request with a task, which is called at once. */
void conn_task(struct conn *c, struct task *t);
/* The task has something to say; not from within its own more(). */
void conn_wake(struct conn *c);
/* Hang up when all is said. */
void conn_quit(struct conn *c);
/* Bytes that a service's more() should add at most. */
size_t conn_room(const struct conn *c);
/* Whether the peer has not taken all that was said. */
bool conn_owes(const struct conn *c);
/* Whether the peer has stopped sending, or has gone. */
bool conn_has_ended(const struct conn *c);
/* A number that no other connection has had. */
uint32_t conn_id(const struct conn *c);
/* What the client calls itself; NULL: nothing. */
const char *conn_name(const struct conn *c);
/* len 0: nothing. Returns 0, or -1 with ENOMEM. */
int conn_set_name(struct conn *c, const char *name, size_t len) __attribute__((warn_unused_result));
struct loop *conn_loop(const struct conn *c);

#endif
