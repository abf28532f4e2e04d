/* SPDX-License-Identifier: MIT */
#include "client/io.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <time.h>
#include <unistd.h>

int io_write_all(int fd, const void *data, size_t len)
{
	const char *from = data;
	ssize_t written;

	while (len > 0) {
		written = write(fd, from, len);
		if (written >= 0) {
			from += written;
			len -= (size_t)written;
		} else if (errno == EAGAIN) {
			/* Whoever shares a standard descriptor may have made it non-blocking. */
			poll(&(struct pollfd){fd, POLLOUT, 0}, 1, -1);
		} else if (errno != EINTR) {
			return -1;
		}
	}
	return 0;
}

int64_t io_clock_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int io_patience_ms(int64_t give_up_ms)
{
	int64_t left_ms;

	if (give_up_ms == 0)
		return -1;
	left_ms = give_up_ms - io_clock_ms();
	return left_ms > INT_MAX ? INT_MAX : left_ms > 0 ? (int)left_ms : 0;
}
