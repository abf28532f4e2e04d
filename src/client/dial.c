/* SPDX-License-Identifier: MIT */
#include "client/dial.h"

#include "client/io.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BACKLOG_WAIT_MS 50 /* a full UNIX backlog cannot be polled for */
#define BACKLOG_TRIES 100

/* connect(2) cannot be waited for with a UNIX socket: a full backlog is EAGAIN at once. */
static int connect_patiently(int fd, const struct addr *a, int64_t give_up_ms)
{
	int tries = BACKLOG_TRIES;

	while (connect(fd, &a->sa, a->len) < 0) {
		if (a->transport != TRANSPORT_UNIX || errno != EAGAIN || --tries == 0 ||
		    io_patience_ms(give_up_ms) == 0)
			return -1;
		poll(NULL, 0, BACKLOG_WAIT_MS);
	}
	return 0;
}

/* Returns 0 once connected, or -1 with errno. */
static int connect_finish(int fd, int64_t give_up_ms)
{
	struct pollfd pfd = {fd, POLLOUT, 0};
	int error = 0, ready;
	socklen_t len = sizeof(error);

	do
		ready = poll(&pfd, 1, io_patience_ms(give_up_ms));
	while (ready < 0 && errno == EINTR);
	if (ready == 0)
		errno = ETIMEDOUT;
	if (ready <= 0)
		return -1;
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) < 0)
		return -1;
	errno = error;
	return error == 0 ? 0 : -1;
}

/* Returns a connected socket, or -1 with errno. */
static int connect_one(const struct addr *a, int64_t give_up_ms)
{
	int error, fd;

	fd = socket(a->sa.sa_family, addr_type(a) | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -1;
	if (connect_patiently(fd, a, give_up_ms) == 0)
		return fd;
	if ((errno == EINPROGRESS || errno == EINTR) && connect_finish(fd, give_up_ms) == 0)
		return fd;
	error = errno;
	close(fd);
	errno = error;
	return -1;
}

/* Returns a socket connected to the first address that answers, or -1 with errno. */
static int connect_any(const struct addr *addrs, int count, int64_t give_up_ms)
{
	int fd = -1;

	for (int i = 0; i < count && fd < 0; i++)
		fd = connect_one(&addrs[i], give_up_ms);
	return fd;
}

int dial(const struct addr_spec *spec, int64_t give_up_ms, char *reason)
{
	struct addr *addrs;
	int count = addr_resolve(spec, &addrs, reason, DIAL_REASON_MAX);
	int fd;

	if (count < 0)
		return -1;
	fd = connect_any(addrs, count, give_up_ms);
	if (fd < 0)
		snprintf(reason, DIAL_REASON_MAX, "cannot connect to %s: %s", spec->text,
			 strerror(errno));
	free(addrs);
	return fd;
}

void dial_reset_on_exit(int fd, bool reset)
{
	struct linger linger = {.l_onoff = reset};

	/* A UNIX socket takes it and has no use for it: there the server sees a full close. */
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
}
