/* SPDX-License-Identifier: MIT */
#ifndef UNIT_CALLER_H
#define UNIT_CALLER_H
/*
 * The caller's end of a connection, in the hands of a test: the loop takes its turns while the
 * caller speaks and listens.
 */
#include "fixture.h"

#include <sys/socket.h>

#include "core/clock.h"

static char text[1 << 20]; /* what was heard last, and a NUL */

/* Returns the daemon's end of a socket; *fd is the caller's. */
static inline int pair_open(int *fd)
{
	const int type = SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC;
	int fds[2];

	assert_int_equal(socketpair(AF_UNIX, type, 0, fds), 0);
	*fd = fds[1];
	return fds[0];
}

/* Returns the connection that the socket ours becomes on l, in the turn of accept(2), which may
 * have ended already; from: who calls, NULL: over a UNIX socket. */
static inline struct conn *enter(struct listener *l, int ours, const struct sockaddr *from,
				 struct channel *channel)
{
	const struct sockaddr nobody = {.sa_family = AF_UNIX};
	const uint64_t id = stats.accepted;
	struct conn_list *const lists[] = {&table.live, &table.opening, &table.waiting,
					   &table.dead};
	struct conn *c;

	loop.watches.ready.clock_ns = clock_ns(); /* as if the loop had called */
	conn_open(&table, l, ours, from != NULL ? from : &nobody, channel);
	assert_int_equal(stats.accepted, id + 1);
	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
		TAILQ_FOREACH(c, lists[i], entry)
			if (c->id == id)
				return c;
	fail_msg("the connection is on no list");
	return NULL;
}

/* Send text to the daemon, and have the loop take its turns. */
static inline void say(int fd, const char *what)
{
	assert_int_equal(send(fd, what, strlen(what), MSG_NOSIGNAL), strlen(what));
	settle();
}

/* Receive what the daemon says, into text, until nothing more comes. Returns how many bytes;
 * *ended: whether it has hung up. */
static inline size_t hear(int fd, bool *ended)
{
	size_t len = 0;
	ssize_t n;

	settle();
	while ((n = recv(fd, text + len, sizeof(text) - 1 - len, 0)) > 0) {
		len += (size_t)n;
		settle();
	}
	text[len] = '\0';
	*ended = n == 0;
	return len;
}

/* The daemon says just this, and does not hang up. */
static inline void assert_hears(int fd, const char *what)
{
	bool ended;

	assert_int_equal(hear(fd, &ended), strlen(what));
	assert_string_equal(text, what);
	assert_false(ended);
}

/* The daemon says just this, and hangs up. */
static inline void assert_hears_last(int fd, const char *what)
{
	bool ended;

	assert_int_equal(hear(fd, &ended), strlen(what));
	assert_string_equal(text, what);
	assert_true(ended);
}

#endif
