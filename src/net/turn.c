/* SPDX-License-Identifier: MIT */
#include "net/turn.h"

#include <errno.h>

#include "core/stats.h"
#include "net/conn.h"
#include "net/conn_count.h"
#include "net/ending.h"
#include "net/receive.h"
#include "net/request_log.h"

#define HIGH_WATER CONN_SCRATCH /* bytes owed, beyond which no further request is served */
#define ROUNDS_PER_TURN 4       /* so that no client keeps the others waiting */
#define MUCH_IN 4096 /* bytes in `in`, of one request or of many, that may be much work */
#define LOOK_WORK 32 /* between two looks at the clock, as conn_charge() counts */

/* Whether the call of the loop has lasted long enough, be it for one connection or for many. */
static bool turn_is_over(struct conn_table *table)
{
	if (table->work < LOOK_WORK)
		return false;
	if (ready_call_is_over(&table->loop->watches.ready))
		return true;
	table->work = 0;
	return false;
}

/* ---- what a connection waits for ---- */

static bool conn_feeds_task(const struct conn *c)
{
	return c->task != NULL && c->task->request != NULL;
}

/* Whether all input is received, or in a drain, all that had arrived before. Requests that a task
 * takes belong to the one that it answers, and are received while draining, too. */
static bool conn_input_ended(const struct conn *c)
{
	if (c->draining && !conn_feeds_task(c) &&
	    (c->drain_left == 0 || c->listener->conf->service->request == NULL))
		return true;
	return c->eof;
}

/* Whether to receive more. A service that answers no input has it thrown away, at any time. A task
 * that takes requests gets more as soon as it has taken all whole ones in `in`. Else nothing is
 * received while anything is owed or unserved, so that memory stays bounded; but of a protocol
 * whose clients may write all they want to ask before they read, up to max_owed bytes ahead. */
static bool conn_may_read(const struct conn *c)
{
	const struct listener_conf *conf = c->listener->conf;

	if (c->state != CONN_OPEN || conn_input_ended(c))
		return false;
	if (conf->service->request == NULL)
		return true;
	if (conn_feeds_task(c) ? !c->held
			       : buf_len(&c->out) == 0 && !c->unserved && c->task == NULL)
		return true;
	return conf->wire->ahead && buf_len(&c->in) + buf_len(&c->out) < (size_t)conf->max_owed;
}

/* The events of input to poll for. POLLRDHUP tells of the end of input while the bytes before it
 * are not read yet, where a task wants to know. */
static int conn_input_events(const struct conn *c)
{
	if (c->state == CONN_OPENING || conn_may_read(c))
		return POLLIN;
	return c->task != NULL && c->task->eof != NULL && !c->ended ? POLLRDHUP : 0;
}

static bool conn_has_output(const struct conn *c)
{
	return buf_len(&c->out) > 0 || c->unserved;
}

/* Bytes that poll(2) does not know of are received as soon as there is room for output. */
static uint16_t conn_events(const struct conn *c, bool writes)
{
	int events = conn_input_events(c);

	if (c->state == CONN_WAITING)
		return WATCH_IGNORED;
	if (c->channel->wants != 0)
		return c->channel->wants;
	if (writes || ((events & POLLIN) && c->channel->ops->pending(c->channel)))
		events |= POLLOUT;
	return (uint16_t)events;
}

/* The deadline that runs; NULL: none, as the peer waits for us, and not we for the peer. */
static struct deadline_queue *conn_deadlines(const struct conn *c, bool writes)
{
	if (c->state == CONN_OPENING)
		return &c->listener->opening;
	if (c->state == CONN_WAITING || (c->task != NULL && !writes))
		return NULL;
	return writes ? &c->listener->stalled : &c->listener->idle;
}

/* Derive from the state what to poll for, and which deadline runs. progressed: it starts anew. */
static void conn_update(struct conn *c, bool progressed)
{
	bool writes = conn_has_output(c);
	struct deadline_queue *q = conn_deadlines(c, writes);

	if (q == NULL)
		deadline_cancel(&c->deadline);
	else if (progressed || c->deadline.queue != q) {
		c->untaken = UINT32_MAX;
		deadline_start(q, &c->deadline);
	}
	watches_want(&c->table->loop->watches, &c->watch, conn_events(c, writes));
}

void conn_settle(struct conn *c, bool progressed)
{
	if (c->state == CONN_DEAD)
		return;
	if (buf_settle(&c->in) < 0 || buf_settle(&c->out) < 0) {
		conn_close(c, ENDING_error);
		return;
	}
	if (conn_is_opening(c->state) || conn_has_output(c) || c->task != NULL ||
	    (c->state == CONN_OPEN && !conn_input_ended(c)))
		conn_update(c, progressed);
	else if (c->eof)
		conn_close(c, c->ending);
	else
		conn_hang_up(c);
}

/* ---- a turn: flush, receive, serve ---- */

/* Send what is owed, once; what the kernel does not take stays in `out`, in order. */
static void conn_flush(struct conn *c)
{
	ssize_t n;

	if (buf_len(&c->out) == 0)
		return;
	n = c->channel->ops->send(c->channel, c->watch.fd, buf_data(&c->out), buf_len(&c->out));
	c->watch.full = n < 0 && errno == EAGAIN;
	if (n >= 0) {
		buf_consume(&c->out, (size_t)n);
		conn_count_sent(c, (size_t)n);
	} else if (errno != EAGAIN && errno != EINTR) {
		conn_close(c, ENDING_reset);
	}
}

/* Where *len bytes of input go: the scratch area, or after what waits in `in`. NULL: ENOMEM. */
static char *conn_input_space(struct conn *c, size_t *len)
{
	size_t waiting = buf_len(&c->in);

	*len = CONN_SCRATCH;
	if (c->listener->conf->service->request == NULL)
		return c->table->in;
	buf_borrow(&c->in, c->table->in, CONN_SCRATCH);
	if (waiting > 0)
		*len = waiting < 4096 ? 4096 : waiting < CONN_SCRATCH ? waiting : CONN_SCRATCH;
	if (c->draining && !conn_feeds_task(c) && *len > c->drain_left)
		*len = c->drain_left;
	return buf_reserve(&c->in, *len);
}

static void conn_end_input(struct conn *c)
{
	struct call call = conn_call(c);

	if (c->task != NULL && c->task->eof != NULL)
		c->task->eof(&call, c->task);
	c->ended = true;
}

static void conn_receive(struct conn *c)
{
	size_t len;
	char *space = conn_input_space(c, &len);
	ssize_t n = conn_recv(c, space, len);

	if (n < 0) {
		if (errno != EAGAIN && errno != EINTR)
			conn_close(c, conn_recv_ending(c));
		return;
	}
	c->drain_left -= n < c->drain_left ? (uint32_t)n : c->drain_left;
	if (c->listener->conf->service->request != NULL)
		buf_commit(&c->in, (size_t)n);
	if (c->eof && !c->ended) {
		conn_end_input(c);
		conn_flush(c);
	}
}

static int conn_continue(struct conn *c, const struct call *call)
{
	struct answers *answers = c->task->answers;
	int64_t began_ns = c->task->began_ns;
	enum task_progress progress = c->task->more(call, c->task);

	c->unserved = progress == TASK_WRITES || (progress == TASK_DONE && buf_len(&c->in) > 0);
	if (progress == TASK_DONE) {
		c->task = NULL;
		request_log_end(c, false);
		conn_count_task(c, answers, began_ns);
	}
	return progress == TASK_FAILED ? -1 : 0;
}

/* Take the first request in `in`, without consuming it. Returns its length in bytes (> 0); 0 where
 * there is no whole one, or a malformed one, which is answered with an error and ends the input; or
 * -1 where a malformed one gets no answer. */
static ssize_t conn_next(struct conn *c, struct request *req)
{
	const struct listener_conf *conf = c->listener->conf;
	static struct slice argv[REQUEST_ARGS_MAX];
	ssize_t used;

	*req = (struct request){.argv = argv};
	used = conf->wire->next(buf_data(&c->in), buf_len(&c->in), conf->max_request, c->eof,
				&c->framing, req);
	if (used >= 0)
		return used;
	stats.refused_malformed++;
	if (req->error == NULL)
		return -1;
	conn_fail(c, ENDING_error, req->error);
	return 0;
}

/* Let the task say more, or a service that speaks without end, or answer the requests in `in`,
 * within bounds; unserved: there is more of it. Returns 0, or -1 where the service gives up, or a
 * malformed request gets no answer. */
static int conn_answer(struct conn *c)
{
	const struct listener_conf *conf = c->listener->conf;
	struct request req;
	struct call call = conn_call(c);
	unsigned verb = 0;
	ssize_t used;

	if (c->task != NULL)
		return conn_continue(c, &call);
	c->unserved = false;
	if (conf->service->more != NULL && !c->draining) { /* RFC 864: until the caller closes */
		c->unserved = true;
		return conf->service->more(&call);
	}
	while (buf_len(&c->in) > 0) {
		c->unserved = turn_is_over(c->table) || buf_len(&c->out) >= HIGH_WATER ||
			      (buf_len(&c->in) >= MUCH_IN &&
			       ready_call_is_for_little(&c->table->loop->watches.ready));
		if (c->unserved)
			return 0;
		used = conn_next(c, &req);
		if (used <= 0)
			return (int)used;
		conn_count_request(c);
		call.argv = req.argv;
		call.argc = req.argc;
		call.get = req.get;
		call.verb = &verb;
		if (req.argc > 0 && request_answer(c, &call) < 0)
			return -1;
		if (req.argc > 0)
			conn_count_answer(c, verb);
		buf_consume(&c->in, (size_t)used);
		if (req.last)
			conn_take_no_more(c);
		if (c->task != NULL || c->state != CONN_OPEN)
			return 0;
	}
	return 0;
}

static void conn_give_up(struct conn *c)
{
	conn_flush(c); /* the replies before that */
	conn_close(c, c->broken ? ENDING_reset : ENDING_error);
}

/* Offer the task the whole requests in `in`, one by one, within bounds. Returns 1 if it has taken
 * all of them, 0 if not, or -1 where it gives up, or a malformed request gets no answer. */
static int conn_offer(struct conn *c, struct task *t)
{
	struct call call = conn_call(c);
	struct request req;
	ssize_t used;
	int taken = 1;

	while (taken > 0 && t->request != NULL && buf_len(&c->in) > 0) {
		if (turn_is_over(c->table)) {
			c->unserved = true;
			return 0;
		}
		used = conn_next(c, &req);
		if (used <= 0)
			return used == 0 ? 1 : -1;
		call.argv = req.argv;
		call.argc = req.argc;
		taken = req.argc > 0 ? t->request(&call, t) : 1;
		if (taken <= 0)
			break;
		conn_count_request(c);
		buf_consume(&c->in, (size_t)used);
	}
	return taken;
}

/* Offer the task what it takes, and at the end of the input tell it so. Where the input ends within
 * a request, that is an error: the task must not take a part for the whole. */
static void conn_feed_task(struct conn *c)
{
	struct call call = conn_call(c); /* without a request */
	int taken = conn_offer(c, c->task);

	if (taken > 0 && c->eof && conn_feeds_task(c)) {
		if (buf_len(&c->in) > 0)
			conn_fail(c, ENDING_error,
				  "ERR Protocol error: the connection ends within a request");
		else
			taken = c->task->request(&call, c->task);
	}
	c->held = taken == 0;
	if (taken < 0)
		conn_give_up(c);
}

/* Answer and send, a few times: while the kernel takes all of it, and something is left to say. */
static void conn_serve(struct conn *c)
{
	for (int round = 0; round < ROUNDS_PER_TURN; round++) {
		bool continues = c->task != NULL; /* a task is called once a turn */

		if (c->state != CONN_OPEN || buf_len(&c->out) > 0)
			return;
		if (conn_answer(c) < 0) {
			conn_give_up(c);
			return;
		}
		conn_flush(c);
		if (!c->unserved || continues)
			return;
	}
}

size_t conn_room(const struct conn *c)
{
	return CONN_SCRATCH / ROUNDS_PER_TURN;
}

bool conn_turn(struct conn *c, bool readable)
{
	uint64_t in = c->bytes_in, out = c->bytes_out;
	bool progressed;

	c->table->turning = true;
	c->table->work = 0;
	buf_borrow(&c->out, c->table->out, SCRATCH_OUT);
	conn_flush(c);
	if ((readable || c->channel->wants != 0 || c->channel->ops->pending(c->channel)) &&
	    conn_may_read(c))
		conn_receive(c);
	conn_serve(c);
	if (c->state == CONN_OPEN && conn_feeds_task(c))
		conn_feed_task(c);
	progressed = c->bytes_out != out || (c->bytes_in != in && !conn_has_output(c) &&
					     c->listener->conf->service->request == NULL);
	conn_settle(c, progressed);
	c->table->turning = false;
	return progressed;
}

void conn_ready(struct watch *w, short revents)
{
	struct conn *c = container_of(w, struct conn, watch);

	if (c->task != NULL && (revents & (POLLHUP | POLLERR))) {
		conn_close(c, ENDING_reset);
		return;
	}
	if (revents & POLLRDHUP)
		conn_end_input(c);
	conn_turn(c, revents & (POLLIN | POLLHUP | POLLERR));
}

/* The scratch areas are lent to one connection at a time: within the turn of another one, leave it
 * to the loop, which calls conn_ready() as soon as there is room for output. */
void conn_wake(struct conn *c)
{
	if (c->table->turning)
		watches_want(&c->table->loop->watches, &c->watch, POLLOUT);
	else
		conn_turn(c, false);
}

/* ---- the beginning, and a drain ---- */

void conn_begin(struct conn *c, bool at_once)
{
	const struct service *service = c->listener->conf->service;
	struct call call = conn_call(c);

	buf_borrow(&c->out, c->table->out, SCRATCH_OUT);
	if (service->open != NULL && service->open(&call) < 0) {
		conn_close(c, ENDING_error);
		return;
	}
	if (service->open != NULL && service->request == NULL && service->more == NULL)
		c->state = CONN_FLUSH;
	if (service->request == NULL)
		buf_consume(&c->in, buf_len(&c->in));
	c->unserved = service->more != NULL || buf_len(&c->in) > 0;
	if (at_once && !ready_is_late(&c->table->loop->watches.ready))
		conn_turn(c, true);
	else
		conn_settle(c, true); /* the first turn comes in the next turn of the loop */
}

void conn_drain(struct conn *c)
{
	if (c->state != CONN_OPEN)
		return;
	c->draining = true;
	c->drain_left = (uint32_t)c->channel->ops->unread(c->channel, c->watch.fd);
	c->ending = ENDING_drain;
	conn_settle(c, false);
}
