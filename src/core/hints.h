/* SPDX-License-Identifier: MIT */
#ifndef CORE_HINTS_H
#define CORE_HINTS_H
/*
 * How the kernel tells of descriptors that nobody polls: signal-driven I/O, fcntl(2). An armed
 * descriptor queues a realtime signal with its number when something happens on it, and
 * signalfd(2) gives these to read. A signal is a hint and no more: it may be stale, its number
 * another descriptor's by now. Where the queue has no place (RLIMIT_SIGPENDING) there is one plain
 * SIGIO for all. Both signals are blocked, here and in no child.
 */
#include <stdbool.h>

/* Returns the descriptor that is readable when there are hints, the caller's; or -1 with errno. */
int hints_open(void) __attribute__((warn_unused_result));

/* Have fd, which is O_NONBLOCK, give hints from now on. again: it was armed before. Returns 0, or
 * -1 with errno. */
int hints_arm(int fd, bool again);
void hints_disarm(int fd);

/* Hand those that wait, up to some thousands, to heard(arg, fd); fd may be any number. Returns
 * whether others were lost: something may have happened on any armed descriptor then. */
bool hints_read(int hints_fd, void (*heard)(void *arg, int fd), void *arg);

#endif
