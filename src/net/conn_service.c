/* SPDX-License-Identifier: MIT */
/* What services ask of a connection, net/conn.h; its turns are in conn.c. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "net/conn.h"
#include "net/conn_count.h"
#include "net/table.h"

struct call conn_call(struct conn *c)
{
	const struct listener_conf *conf = c->listener->conf;

	return (struct call){
		.out = &c->out,
		.protocol = conf->wire,
		.framing = &c->framing,
		.peer = &c->peer,
		.offers = conf->offers,
		.position = &c->position,
		.conn = c,
	};
}

void conn_charge(struct conn *c, unsigned work)
{
	c->table->work += work;
}

void conn_task(struct conn *c, struct task *t)
{
	struct call call = conn_call(c);

	c->task = t;
	t->answers = NULL;
	t->began_ns = c->table->loop->watches.ready.clock_ns;
	c->unserved = true;
	if (c->ended && t->eof != NULL)
		t->eof(&call, t);
}

/* The scratch areas are lent to one connection at a time: within the turn of another, have the
 * loop call when c can be written to, which is soon. */
void conn_wake(struct conn *c)
{
	if (c->table->turning)
		watches_want(&c->table->loop->watches, &c->watch, POLLOUT);
	else
		conn_turn(c, false);
}

void conn_quit(struct conn *c)
{
	c->state = CONN_FLUSH;
	c->reason = REASON_eof;
	c->unserved = false;
}

ssize_t conn_send_file(struct conn *c, int fd, off_t *offset, size_t count)
{
	ssize_t n = c->channel->ops->send_file(c->channel, c->watch.fd, fd, offset, count);

	c->watch.full = n < 0 && errno == EAGAIN;
	c->broken = n < 0 && (errno == EPIPE || errno == ECONNRESET || errno == ETIMEDOUT);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -1;
	if (n == 0) {
		errno = ENODATA;
		return -1;
	}
	conn_count_sent(c, (size_t)n);
	return n;
}

bool conn_owes(const struct conn *c)
{
	return buf_len(&c->out) > 0;
}

bool conn_has_ended(const struct conn *c)
{
	return c->ended;
}

uint32_t conn_id(const struct conn *c)
{
	return c->id;
}

const char *conn_name(const struct conn *c)
{
	return c->name;
}

int conn_set_name(struct conn *c, const char *name, size_t len)
{
	char *copy = NULL;

	if (len > 0 && (copy = strndup(name, len)) == NULL)
		return -1;
	free(c->name);
	c->name = copy;
	return 0;
}

struct loop *conn_loop(const struct conn *c)
{
	return c->table->loop;
}
