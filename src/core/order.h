/* SPDX-License-Identifier: MIT */
#ifndef CORE_ORDER_H
#define CORE_ORDER_H
/*
 * The order to reload, SIGHUP, and its outcome. Who gives it may wait for an answer: a datagram
 * to the abstract socket (unix(7)) that bears its process's number, so it needs no file, no
 * permission and nothing that listens in the daemon. Whoever is not waiting gets none.
 */
#include <stdbool.h>
#include <sys/types.h>

#include "core/reason.h"

#define ORDER_ASKERS 16

enum order_outcome {
	ORDER_DONE,
	ORDER_REFUSED, /* the daemon goes on with what it had */
	ORDER_FAILED,  /* nobody knows, with the reason */
};

/* Have the daemon pid reload, and wait until it has. The reason is for ORDER_FAILED. */
enum order_outcome order_reload(pid_t pid, struct reason *reason);

/* In the daemon: the processes that gave the order. Who finds no room gives it again. */
struct order_askers {
	pid_t pids[ORDER_ASKERS];
	unsigned count;
};

/* asker has given the order; 0: nobody who could be told. */
void order_take(struct order_askers *askers, pid_t asker);

/* Tell them all, and forget them. */
void order_answer(struct order_askers *askers, bool done);

#endif
