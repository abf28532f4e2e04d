/* SPDX-License-Identifier: MIT */
#include "net/ending.h"

#include <errno.h>
#include <stdlib.h>

#include "core/burst.h"
#include "core/log.h"
#include "core/stats.h"
#include "net/admit.h"
#include "net/conn.h"
#include "net/conn_count.h"
#include "net/request_log.h"
#include "net/step.h"

static const char *const ending_names[] = {
#define X(name) #name,
	ENDINGS(X)
#undef X
};

/* Whether the log takes one more end of a connection. Some come as fast as a peer calls: it can be
 * refused, or push another peer out of its opening. */
static bool end_is_logged(const char *name, enum ending ending)
{
	switch (ending) {
	case ENDING_opening:
	case ENDING_refused:
	case ENDING_full:
	case ENDING_error:
		return burst_takes("closed", "listener", name, ending_names[ending]);
	default:
		return log_takes(LOG_INFO);
	}
}

/* The name of the step that c is at; NULL: c is not in its opening. */
static const char *step_name(const struct conn *c)
{
	const struct opening_step *step =
		c->state == CONN_OPENING ? c->listener->conf->steps[c->step] : NULL;

	return step != NULL ? step->name : NULL;
}

static void conn_log_end(const struct conn *c, enum ending ending)
{
	const char *name = c->listener->conf->section.name;
	char peer[PEER_TEXT_MAX];

	if (!end_is_logged(name, ending))
		return;
	log_info("closed", log_text("listener", name), log_text("peer", peer_print(&c->peer, peer)),
		 log_number("in", c->bytes_in), log_number("out", c->bytes_out),
		 log_number("ms", (uint64_t)(loop_now_ms(c->table->loop) - c->opened_ms)),
		 log_text("reason", ending_names[ending]), log_text("step", step_name(c)));
}

/* Let go of the task, if any, whose reply will not be whole. */
static void conn_abandon_task(struct conn *c)
{
	struct task *t = c->task;

	c->task = NULL;
	if (t == NULL)
		return;
	conn_count_task(c, t->answers, t->began_ns);
	t->gone(t);
}

static void conn_abandon_belongings(struct conn *c)
{
	struct belongings *b = c->belongings;
	struct companion *x;

	c->belongings = NULL;
	if (b == NULL)
		return;
	while ((x = LIST_FIRST(&b->companions)) != NULL) {
		LIST_REMOVE(x, entry);
		x->gone(x);
	}
	free(b->name);
	free(b->log);
	free(b);
}

void conn_close(struct conn *c, enum ending ending)
{
	if (c->state == CONN_DEAD)
		return;
	request_log_end(c, true);
	conn_log_end(c, ending);
	conn_count_end(c, ending);
	admit_leave(c);
	deadline_cancel(&c->deadline);
	watches_drop(&c->table->loop->watches, &c->watch);
	c->channel->ops->close(c->channel, c->watch.fd, c->eof);
	buf_free(&c->in);
	buf_free(&c->out);
	conn_move(c, CONN_DEAD);
	c->ending = (uint8_t)ending;
	conn_abandon_task(c);
	conn_abandon_belongings(c);
}

/* Whether the peer has acknowledged something since the last question. poll(2) says so late: when a
 * third of the kernel's buffer is free, which can be a megabyte. */
static bool conn_peer_takes(struct conn *c)
{
	ssize_t untaken = c->channel->ops->untaken(c->channel, c->watch.fd);
	bool takes;

	if (untaken < 0)
		return false;
	takes = (uint32_t)untaken < c->untaken;
	c->untaken = (uint32_t)untaken;
	return takes;
}

/* Receive what the peer still sends after we have hung up, and drop it. */
static void conn_discard(struct conn *c)
{
	ssize_t n = c->channel->ops->recv(c->channel, c->watch.fd, c->table->in, CONN_SCRATCH);

	if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
		conn_close(c, c->ending);
}

static void linger_ready(struct watch *w, short revents)
{
	conn_discard(container_of(w, struct conn, watch));
}

void conn_hang_up(struct conn *c)
{
	c->channel->ops->hang_up(c->channel, c->watch.fd);
	buf_free(&c->in);
	c->state = CONN_LINGER;
	c->watch.ready = linger_ready;
	c->untaken = UINT32_MAX;
	deadline_start(&c->table->linger, &c->deadline);
	watches_want(&c->table->loop->watches, &c->watch, POLLIN);
}

void conn_take_no_more(struct conn *c)
{
	buf_consume(&c->in, buf_len(&c->in));
	c->draining = true;
	c->drain_left = 0;
	c->ending = ENDING_eof;
}

void conn_fail(struct conn *c, enum ending ending, const char *text)
{
	c->state = CONN_FLUSH;
	c->ending = ending;
	c->unserved = false;
	conn_abandon_task(c);
	stats.errors++;
	if (c->listener->conf->wire->error(&c->out, &c->framing, text) < 0)
		conn_close(c, ending);
}

/* The peer has taken nothing for write_timeout, as far as poll(2) tells; the kernel knows better.
 * The first time there is nothing to compare with, so a peer that really takes nothing is cut off
 * after one to two write_timeouts. */
void conn_stalled_expired(struct deadline *d)
{
	struct conn *c = container_of(d, struct conn, deadline);

	if (conn_peer_takes(c))
		deadline_start(&c->listener->stalled, d);
	else
		conn_close(c, ENDING_stalled);
}

/* The peer has not hung up after us. It gets more time only while it takes what we sent. */
void conn_linger_expired(struct deadline *d)
{
	struct conn *c = container_of(d, struct conn, deadline);

	if (conn_peer_takes(c) && c->untaken > 0) {
		deadline_start(&c->table->linger, d);
		return;
	}
	conn_discard(c);
	conn_close(c, c->ending);
}
