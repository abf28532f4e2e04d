/* SPDX-License-Identifier: MIT */
#ifndef CORE_HINTS_H
#define CORE_HINTS_H
/*
 * How the kernel tells of descriptors that nobody polls: signal-driven I/O, fcntl(2). When
 * something happens on an armed descriptor, the kernel queues a realtime signal that bears the
 * descriptor's number, and signalfd(2) gives the signals to read. A signal is a hint and no more:
 * the number may be another descriptor's by now. Where the queue is full (RLIMIT_SIGPENDING) one
 * plain SIGIO comes for all that found no place. Both signals are blocked, here and in no child.
 */
#include <stdbool.h>

/* Block both signals. Returns a new descriptor, which is readable when there are hints; or -1 with
 * errno. */
int hints_open(void) __attribute__((warn_unused_result));

/* Have fd, which is O_NONBLOCK, give hints from now on. again: fd was armed before, since it was
 * opened. Returns 0, or -1 with errno. */
int hints_arm(int fd, bool again);
/* fd gives no further hint; one that is queued may still come. */
void hints_disarm(int fd);

/* Call heard(arg, fd) for each hint that waits, up to some thousands; fd may be any number. Returns
 * whether hints were lost: something may have happened on any armed descriptor then. */
bool hints_read(int hints_fd, void (*heard)(void *arg, int fd), void *arg);

#endif
