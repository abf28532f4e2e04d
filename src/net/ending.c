/* SPDX-License-Identifier: MIT */
/* How a connection ends. */
#include <errno.h>
#include <stdlib.h>

#include "core/burst.h"
#include "core/log.h"
#include "core/stats.h"
#include "net/admit.h"
#include "net/conn_count.h"
#include "net/opening.h"
#include "net/table.h"

static const char *const reason_names[] = {
#define X(name) #name,
	REASONS(X)
#undef X
};

/* A peer can be refused, or push another out of its opening, as fast as it calls. */
static bool end_is_logged(const char *name, enum reason reason)
{
	switch (reason) {
	case REASON_opening:
	case REASON_refused:
	case REASON_full:
	case REASON_error:
		return burst_takes("closed", "listener", name, reason_names[reason]);
	default:
		return log_takes(LOG_INFO);
	}
}

static void conn_log_end(const struct conn *c, enum reason reason)
{
	const char *name = c->listener->conf->section.name;
	char peer[PEER_TEXT_MAX];

	if (!end_is_logged(name, reason))
		return;
	log_info("closed", log_text("listener", name), log_text("peer", peer_print(&c->peer, peer)),
		 log_number("in", c->bytes_in), log_number("out", c->bytes_out),
		 log_number("ms", (uint64_t)(loop_now_ms(c->table->loop) - c->opened_ms)),
		 log_text("reason", reason_names[reason]), log_text("step", opening_step_name(c)));
}

/* Its reply will not be whole. */
static void conn_abandon_task(struct conn *c)
{
	struct task *t = c->task;

	c->task = NULL;
	if (t == NULL)
		return;
	conn_count_task(c, t->answers, t->began_ns);
	t->gone(t);
}

void conn_close(struct conn *c, enum reason reason)
{
	if (c->state == CONN_DEAD)
		return;
	conn_log_end(c, reason);
	conn_count_end(c, reason);
	admit_leave(c);
	deadline_cancel(&c->deadline);
	watches_drop(&c->table->loop->watches, &c->watch);
	c->channel->ops->close(c->channel, c->watch.fd, c->eof);
	buf_free(&c->in);
	buf_free(&c->out);
	free(c->name);
	conn_move(c, CONN_DEAD);
	c->reason = (uint8_t)reason;
	conn_abandon_task(c);
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

void conn_hang_up(struct conn *c)
{
	c->channel->ops->hang_up(c->channel, c->watch.fd);
	buf_free(&c->in);
	c->state = CONN_LINGER;
	c->untaken = UINT32_MAX;
	deadline_start(&c->table->linger, &c->deadline);
	watches_want(&c->table->loop->watches, &c->watch, POLLIN);
}

void conn_discard(struct conn *c)
{
	ssize_t n = c->channel->ops->recv(c->channel, c->watch.fd, c->table->in, CONN_SCRATCH);

	if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
		conn_close(c, c->reason);
}

void conn_take_no_more(struct conn *c)
{
	buf_consume(&c->in, buf_len(&c->in));
	c->draining = true;
	c->drain_left = 0;
	c->reason = REASON_eof;
}

void conn_fail(struct conn *c, enum reason reason, const char *text)
{
	c->state = CONN_FLUSH;
	c->reason = reason;
	c->unserved = false;
	conn_abandon_task(c);
	stats.errors++;
	if (c->listener->conf->wire->error(&c->out, &c->framing, text) < 0)
		conn_close(c, reason);
}

/* What it asked in time may lie unread. What is not a whole request does not prolong its life. */
void conn_idle_expired(struct deadline *d)
{
	struct conn *c = container_of(d, struct conn, deadline);
	uint64_t requests = stats.requests;

	if (conn_turn(c, true) || stats.requests != requests || c->unserved ||
	    c->state != CONN_OPEN)
		return;
	c->reason = REASON_idle;
	conn_hang_up(c);
}

/* The first time there is nothing to compare with: a peer that takes nothing is cut off after one
 * to two write_timeouts. */
void conn_stalled_expired(struct deadline *d)
{
	struct conn *c = container_of(d, struct conn, deadline);

	if (conn_peer_takes(c))
		deadline_start(&c->listener->stalled, d);
	else
		conn_close(c, REASON_stalled);
}

void conn_linger_expired(struct deadline *d)
{
	struct conn *c = container_of(d, struct conn, deadline);

	if (conn_peer_takes(c) && c->untaken > 0) {
		deadline_start(&c->table->linger, d);
		return;
	}
	conn_discard(c);
	conn_close(c, c->reason);
}
