/* SPDX-License-Identifier: MIT */
#ifndef CORE_ORDER_H
#define CORE_ORDER_H
/*
 * The order to reload, SIGHUP, and its outcome. The process that gives the order, the asker, may
 * wait for an answer: a datagram to the abstract socket (unix(7)) whose name has the asker's
 * process number. So an answer needs no file, no permission and nothing that listens in the daemon.
 * A process that does not wait gets none.
 */
#include <stdbool.h>
#include <sys/types.h>

#include "core/reason.h"

#define ORDER_ASKERS 16 /* that are told the outcome of one reload */

enum order_outcome {
	ORDER_DONE,
	ORDER_REFUSED, /* the daemon goes on with what it had */
	ORDER_FAILED,  /* not given, or not answered; the reason says why */
};

/* Have the daemon pid reload, and wait for the outcome, for more than a minute at most.
 * The reason is for ORDER_FAILED. */
enum order_outcome order_reload(pid_t pid, struct reason *reason);

/* In the daemon: the processes that gave the order and are to be told. One that finds no room gets
 * no answer, and order_reload() gives the order again. Zeroed, there are none. */
struct order_askers {
	pid_t pids[ORDER_ASKERS];
	unsigned count;
};

/* Note that asker has given the order; 0: a process that cannot be told. */
void order_take(struct order_askers *askers, pid_t asker);

/* Tell all askers whether the reload was done or refused, and forget them. */
void order_answer(struct order_askers *askers, bool done);

#endif
