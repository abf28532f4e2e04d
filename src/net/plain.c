/* SPDX-License-Identifier: MIT */
/* The channel without encryption: bytes are carried as they are. */
#include "net/channel.h"

#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/rights.h"

static ssize_t plain_recv(struct channel *ch, int fd, void *data, size_t len)
{
	return recv(fd, data, len, 0);
}

static ssize_t guarded_recv(struct channel *ch, int fd, void *data, size_t len)
{
	return rights_recv(fd, data, len);
}

static ssize_t plain_send(struct channel *ch, int fd, const void *data, size_t len)
{
	return send(fd, data, len, MSG_NOSIGNAL);
}

static ssize_t plain_send_file(struct channel *ch, int fd, int file, off_t *offset, size_t count)
{
	return sendfile(fd, file, offset, count);
}

static bool plain_pending(struct channel *ch)
{
	return false;
}

static size_t plain_unread(struct channel *ch, int fd)
{
	int bytes = 0;

	return ioctl(fd, SIOCINQ, &bytes) == 0 ? (size_t)bytes : 0;
}

static ssize_t plain_untaken(struct channel *ch, int fd)
{
	int bytes = 0;

	return ioctl(fd, SIOCOUTQ, &bytes) == 0 ? bytes : -1;
}

static void plain_hang_up(struct channel *ch, int fd)
{
	shutdown(fd, SHUT_WR);
}

static void plain_close(struct channel *ch, int fd, bool at_end)
{
	close(fd);
}

static void guarded_close(struct channel *ch, int fd, bool at_end)
{
	if (at_end) {
		close(fd);
		return;
	}
	shutdown(fd, SHUT_RDWR); /* the peer adds nothing to what is unread */
	rights_close(fd);
}

#define COMMON_OPS                                                                  \
	.send = plain_send, .send_file = plain_send_file, .pending = plain_pending, \
	.unread = plain_unread, .untaken = plain_untaken, .hang_up = plain_hang_up

static const struct channel_ops plain_ops = {
	COMMON_OPS,
	.recv = plain_recv,
	.close = plain_close,
};

static const struct channel_ops guarded_ops = {
	COMMON_OPS,
	.recv = guarded_recv,
	.close = guarded_close,
};

struct channel *channel_plain(bool guarded)
{
	static struct channel plain = {.ops = &plain_ops}, guard = {.ops = &guarded_ops};

	return guarded ? &guard : &plain;
}
