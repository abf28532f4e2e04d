/* SPDX-License-Identifier: MIT */
#ifndef NET_CHANNEL_H
#define NET_CHANNEL_H
/*
 * How the bytes of a connection move: what lies between a connection and its socket. No function of
 * a channel blocks, and a connection makes no system call on its socket but through them.
 *
 * A channel that encrypts may have to send in order to receive, and the other way round, and may
 * hold bytes that have left the socket already: hence wants and pending.
 */
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct channel;

struct channel_ops {
	/* As recv(2), send(2) and sendfile(2). Return how many bytes, 0 at the end, or -1 with
	 * errno, EAGAIN where poll(2) will tell when to try again. */
	ssize_t (*recv)(struct channel *ch, int fd, void *data, size_t len);
	ssize_t (*send)(struct channel *ch, int fd, const void *data, size_t len);
	ssize_t (*send_file)(struct channel *ch, int fd, int file, off_t *offset, size_t count);
	/* Whether recv() has bytes that poll(2) does not know of. */
	bool (*pending)(struct channel *ch);
	/* How many bytes have arrived and are not received, as far as is known. */
	size_t (*unread)(struct channel *ch, int fd);
	/* How many bytes were sent that the peer has not acknowledged; -1: not known. */
	ssize_t (*untaken)(struct channel *ch, int fd);
	/* Send no more; the peer reads an end. */
	void (*hang_up)(struct channel *ch, int fd);
	/* Close fd, and free ch. at_end: all that the peer sent has been received. */
	void (*close)(struct channel *ch, int fd, bool at_end);
};

struct channel {
	const struct channel_ops *ops;
	uint16_t wants; /* events of poll(2) to wait for instead of the connection's; 0: those */
};

/* The channel of an accepted socket without encryption: one for all sockets, static. guarded:
 * descriptors may come with the bytes (net/rights.h); they are not taken, recv() fails with EPERM.
 */
struct channel *channel_plain(bool guarded);

#endif
