/* SPDX-License-Identifier: MIT */
#ifndef NET_RIGHTS_H
#define NET_RIGHTS_H
/*
 * Descriptors that a peer passes over a UNIX socket, SCM_RIGHTS of unix(7). Nobody here wants them,
 * and whoever closes the last reference to one may wait for as long as its owner likes (SO_LINGER):
 * the kernel does so within recv(2) and close(2). Linux 6.16 refuses them. Before that, this
 * process never takes one: what it does not read is closed by a child.
 */
#include <stdbool.h>
#include <sys/types.h>

/* Have the kernel refuse descriptors from whoever calls fd, a UNIX socket, from now on. Returns 0,
 * or -1 where it cannot. */
int rights_refuse(int fd);

/* Whether descriptors may be passed to fd, or may have been before they were refused. It is to be
 * read with rights_recv() then. */
bool rights_may_come(int fd);

/* As recv(2), but takes nothing that descriptors come with: fails with EPERM. */
ssize_t rights_recv(int fd, void *data, size_t len) __attribute__((warn_unused_result));

/* As close(2), for a socket that descriptors may be unread in; a child waits for those. fd listens,
 * or has been shut down. */
void rights_close(int fd);

/* Wait for the children that have ended; between turns. */
void rights_reap(void);

#endif
