/* SPDX-License-Identifier: MIT */
#include "client/io.h"

#include <errno.h>
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
