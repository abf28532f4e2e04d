/* SPDX-License-Identifier: MIT */
/* What services ask of a connection, net/conn.h; but for conn_wake(), which is in turn.c. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "net/conn.h"
#include "net/conn_count.h"
#include "net/request_log.h"

struct call conn_call(struct conn *c)
{
	const struct listener_conf *conf = c->listener->conf;
	struct request_log *log = c->belongings != NULL ? c->belongings->log : NULL;

	return (struct call){
		.out = &c->out,
		.protocol = conf->wire,
		.framing = &c->framing,
		.peer = &c->peer,
		.offers = conf->offers,
		.position = &c->position,
		.conn = c,
		.outcome = log != NULL && log->pending ? &log->outcome : NULL,
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

void conn_quit(struct conn *c)
{
	c->state = CONN_FLUSH;
	c->ending = ENDING_eof;
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

int64_t conn_age_ms(const struct conn *c)
{
	return loop_now_ms(c->table->loop) - c->opened_ms;
}

unsigned conn_clients(const struct conn *c)
{
	return c->table->clients;
}

unsigned conn_max_clients(const struct conn *c)
{
	return c->table->max_clients;
}

struct belongings *conn_belongings(struct conn *c)
{
	if (c->belongings == NULL)
		c->belongings = calloc(1, sizeof(*c->belongings));
	return c->belongings;
}

int conn_accompany(struct conn *c, struct companion *x)
{
	struct belongings *b = conn_belongings(c);

	if (b == NULL)
		return -1;
	LIST_INSERT_HEAD(&b->companions, x, entry);
	return 0;
}

void conn_leave(struct companion *x)
{
	LIST_REMOVE(x, entry);
}

struct companion *conn_companion_next(const struct conn *c, const struct companion *x)
{
	if (x != NULL)
		return LIST_NEXT(x, entry);
	return c->belongings != NULL ? LIST_FIRST(&c->belongings->companions) : NULL;
}

const char *conn_name(const struct conn *c)
{
	return c->belongings != NULL ? c->belongings->name : NULL;
}

int conn_set_name(struct conn *c, const char *name, size_t len)
{
	struct belongings *b = conn_belongings(c);
	char *copy = NULL;

	if (b == NULL || (len > 0 && (copy = strndup(name, len)) == NULL))
		return -1;
	free(b->name);
	b->name = copy;
	return 0;
}

struct loop *conn_loop(const struct conn *c)
{
	return c->table->loop;
}
