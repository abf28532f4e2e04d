/* SPDX-License-Identifier: MIT */
#include "client/io.h"

#include "core/clock.h"

#include <err.h>
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

static const char standard_output[] = "standard output";

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
			/* Another process may have made a standard descriptor non-blocking. */
			poll(&(struct pollfd){fd, POLLOUT, 0}, 1, -1);
		} else if (errno != EINTR) {
			return -1;
		}
	}
	return 0;
}

void io_write_failed(const char *name)
{
	if (errno == EPIPE) {
		signal(SIGPIPE, SIG_DFL);
		raise(SIGPIPE);
	}
	warn("%s", name);
}

int io_output(struct buf *out)
{
	int result = 0;

	if (buf_len(out) > 0)
		result = io_write_all(STDOUT_FILENO, buf_data(out), buf_len(out));
	if (result < 0)
		io_write_failed(standard_output);
	buf_consume(out, buf_len(out));
	return result;
}

int io_flush(void)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return 0;
	io_write_failed(standard_output);
	return -1;
}

bool io_try_again(int error)
{
	return error == EAGAIN || error == EWOULDBLOCK || error == EINTR;
}

int64_t io_clock_ms(void)
{
	return clock_ns() / 1000000;
}

int io_patience_ms(int64_t give_up_ms)
{
	int64_t left_ms;

	if (give_up_ms == 0)
		return -1;
	left_ms = give_up_ms - io_clock_ms();
	return left_ms > INT_MAX ? INT_MAX : left_ms > 0 ? (int)left_ms : 0;
}
