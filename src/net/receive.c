/* SPDX-License-Identifier: MIT */
#include "net/receive.h"

#include <errno.h>

#include "core/burst.h"
#include "core/log.h"
#include "net/conn_count.h"

static void conn_log_rights(const struct conn *c)
{
	const char *name = c->listener->conf->section.name;
	char peer[PEER_TEXT_MAX];

	if (burst_takes("descriptors_passed", "listener", name, NULL))
		log_info("descriptors_passed", log_text("listener", name),
			 log_text("peer", peer_print(&c->peer, peer)));
}

enum ending conn_recv_ending(const struct conn *c)
{
	int error = errno;

	if (error == EPERM)
		conn_log_rights(c);
	return error == ENOMEM || error == EPERM ? ENDING_error : ENDING_reset;
}

ssize_t conn_recv(struct conn *c, char *space, size_t len)
{
	ssize_t n = space != NULL ? c->channel->ops->recv(c->channel, c->watch.fd, space, len) : -1;

	if (n < 0)
		return -1;
	c->eof = n == 0;
	conn_count_received(c, (size_t)n);
	return n;
}
