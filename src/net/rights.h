/* SPDX-License-Identifier: MIT */
#ifndef NET_RIGHTS_H
#define NET_RIGHTS_H
/*
 * Descriptors that a peer passes over a UNIX socket, SCM_RIGHTS of unix(7). Nobody here wants them,
 * and whoever closes the last reference to one may wait for as long as its owner likes (SO_LINGER):
 * the kernel closes it within recv(2) and close(2). From Linux 6.16 on the kernel can be told to
 * refuse descriptors. Before that, this process never receives one, and a socket that has some
 * unread is closed by a child.
 */
#include <stdbool.h>
#include <sys/types.h>

/* Have the kernel refuse descriptors from whoever calls fd, a UNIX socket, from now on. Returns 0,
 * or -1 where it cannot. */
int rights_refuse(int fd);

/* Whether descriptors can come over fd, an accepted UNIX socket: passed from now on, or before they
 * were refused. If so, fd is to be read with rights_recv() and closed with rights_close(). */
bool rights_may_come(int fd);

/* As recv(2), but fails with EPERM where descriptors come with the bytes, and leaves both unread.
 */
ssize_t rights_recv(int fd, void *data, size_t len) __attribute__((warn_unused_result));

/* As close(2), for a UNIX socket with descriptors that are perhaps unread: where anything is
 * unread, a child closes it last. fd listens, or has been shut down. */
void rights_close(int fd);

/* Reap the children of rights_close() that have ended, without a wait; call between turns. */
void rights_reap(void);

#endif
