/* SPDX-License-Identifier: MIT */
#include "net/conn.h"

#include <bsd/stdlib.h>
#include <errno.h>
#include <inttypes.h>
#include <linux/sockios.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/sendfile.h>
#include <unistd.h>

#include "core/log.h"
#include "core/stats.h"
#include "net/rights.h"

#define HIGH_WATER CONN_SCRATCH             /* bytes owed; no request is served beyond it */
#define SCRATCH_OUT (2 * CONN_SCRATCH + 16) /* high water and the longest reply over it */
#define ROUNDS_PER_TURN 4                   /* so that no client keeps the others waiting */
#define MUCH_IN 4096     /* bytes of requests, or of one, that may be much work */
#define LOOK_WORK 32     /* between looks at the clock; as conn_charge() counts */
#define LINGER_MS 2000   /* for the peer to hang up after we have */
#define LINGERING_MAX 64 /* callers that are being told there is no place */
#define GROUPS_MAX 65536 /* NGROUPS_MAX of Linux */

static const char *const reason_names[] = {
#define X(name) #name,
	REASONS(X)
#undef X
};

static void conn_ready(struct watch *w, short revents);
static void linger_expired(struct deadline *d);
static bool conn_turn(struct conn *c, bool readable);

/* ---- the peer ---- */

void peer_set(union peer *peer, const struct sockaddr *sa, int fd)
{
	struct ucred cred = {0};
	socklen_t len = sizeof(cred);

	*peer = (union peer){0};
	if (sa->sa_family == AF_INET) {
		peer->in = *(const struct sockaddr_in *)(const void *)sa;
	} else if (sa->sa_family == AF_INET6) {
		peer->in6 = *(const struct sockaddr_in6 *)(const void *)sa;
	} else {
		if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) < 0)
			cred.uid = (uid_t)-1;
		peer->local.family = AF_UNIX;
		peer->local.pid = cred.pid;
		peer->local.uid = cred.uid;
	}
}

void peer_print(const union peer *peer, char *text, size_t size)
{
	if (peer->sa.sa_family == AF_UNIX)
		snprintf(text, size, "unix:uid=%u,pid=%d", peer->local.uid, (int)peer->local.pid);
	else
		sockaddr_print(&peer->sa, text, size);
}

/* ---- its end ---- */

static void conn_log_end(const struct conn *c, enum reason reason)
{
	char peer[80];

	peer_print(&c->peer, peer, sizeof(peer));
	log_info("closed listener=%s peer=%s in=%" PRIu64 " out=%" PRIu64 " ms=%" PRId64
		 " reason=%s",
		 c->listener->conf->section.name, peer, c->bytes_in, c->bytes_out,
		 loop_now_ms(c->table->loop) - c->opened_ms, reason_names[reason]);
}

static void stats_end(enum reason reason)
{
	uint64_t *const counters[] = {
#define X(name) &stats.ended_##name,
		REASONS(X)
#undef X
	};

	++*counters[reason];
}

/* rights: descriptors may be unread. */
static void socket_close(int fd, bool rights)
{
	if (!rights) {
		close(fd);
		return;
	}
	shutdown(fd, SHUT_RDWR); /* nothing is added to what is unread */
	rights_close(fd);
}

/* Its reply will not be whole. */
static void conn_abandon_task(struct conn *c)
{
	struct task *t = c->task;

	c->task = NULL;
	if (t != NULL)
		t->gone(t);
}

static void conn_close(struct conn *c, enum reason reason)
{
	struct conn_table *table = c->table;

	if (c->state == CONN_DEAD)
		return;
	conn_log_end(c, reason);
	stats_end(reason);
	table->changes++;
	if (c->counted) {
		table->clients--;
		c->listener->tally->clients--;
	} else {
		table->lingering--;
	}
	tally_leave(c->source);
	deadline_cancel(&c->deadline);
	watches_drop(&table->loop->watches, &c->watch);
	socket_close(c->watch.fd, c->rights && !c->eof);
	buf_free(&c->in);
	buf_free(&c->out);
	free(c->name);
	c->state = CONN_DEAD;
	c->reason = (uint8_t)reason;
	conn_abandon_task(c);
	TAILQ_REMOVE(&table->live, c, entry);
	TAILQ_INSERT_TAIL(&table->dead, c, entry);
}

/* Whether the peer has acknowledged something since the last question. poll(2) says so late: when a
 * third of the kernel's buffer is free, which can be a megabyte. */
static bool conn_peer_takes(struct conn *c)
{
	int unsent = 0;
	bool takes;

	if (ioctl(c->watch.fd, SIOCOUTQ, &unsent) < 0)
		return false;
	takes = (uint32_t)unsent < c->unsent;
	c->unsent = (uint32_t)unsent;
	return takes;
}

/* Closing with unread input would make the kernel send RST, which can destroy what we have just
 * said: hang up, and wait for the peer to do so. */
static void conn_hang_up(struct conn *c)
{
	shutdown(c->watch.fd, SHUT_WR);
	buf_free(&c->in);
	c->state = CONN_LINGER;
	c->unsent = UINT32_MAX;
	deadline_start(&c->table->linger, &c->deadline);
	watches_want(&c->table->loop->watches, &c->watch, POLLIN);
}

/* Whether this call of the loop has lasted long enough, be it for one connection or for many. */
static bool turn_is_over(struct conn_table *table)
{
	if (table->work < LOOK_WORK)
		return false;
	if (watches_call_is_over(&table->loop->watches))
		return true;
	table->work = 0;
	return false;
}

static ssize_t conn_recv(const struct conn *c, void *data, size_t len)
{
	return c->rights ? rights_recv(c->watch.fd, data, len) : recv(c->watch.fd, data, len, 0);
}

static void conn_discard(struct conn *c)
{
	ssize_t n = conn_recv(c, c->table->in, CONN_SCRATCH);

	if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
		conn_close(c, c->reason);
}

/* Say why, and hang up. */
static void conn_fail(struct conn *c, enum reason reason, const char *text)
{
	c->state = CONN_FLUSH;
	c->reason = reason;
	c->unserved = false;
	conn_abandon_task(c);
	if (c->listener->conf->wire->error(&c->out, text) < 0)
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

static void linger_expired(struct deadline *d)
{
	struct conn *c = container_of(d, struct conn, deadline);

	if (conn_peer_takes(c) && c->unsent > 0) {
		deadline_start(&c->table->linger, d);
		return;
	}
	conn_discard(c);
	conn_close(c, c->reason);
}

/* ---- what it waits for ---- */

static bool conn_feeds_task(const struct conn *c)
{
	return c->task != NULL && c->task->request != NULL;
}

/* What a task takes belongs to the request that it answers, and is read while draining, too. */
static bool conn_input_ended(const struct conn *c)
{
	if (c->draining && !conn_feeds_task(c) &&
	    (c->drain_left == 0 || c->listener->conf->service->request == NULL))
		return true;
	return c->eof;
}

/* A service that does not answer input has it thrown away at any time; a task that takes requests
 * has all but the part of one taken before more is read. Else, while something is owed, memory
 * stays bounded: nothing is read, or, of a protocol whose clients may write all they want to ask
 * before they read, so many bytes ahead. */
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

/* Where a task wants to know, the end of the input is told of even if what is before it cannot be
 * read yet. */
static int conn_input_events(const struct conn *c)
{
	if (conn_may_read(c))
		return POLLIN;
	return c->task != NULL && c->task->eof != NULL && !c->ended ? POLLRDHUP : 0;
}

static bool conn_has_output(const struct conn *c)
{
	return buf_len(&c->out) > 0 || c->unserved;
}

static void conn_update(struct conn *c, bool progressed)
{
	bool writes = conn_has_output(c);
	struct deadline_queue *q = writes ? &c->listener->stalled : &c->listener->idle;

	if (c->task != NULL && !writes)
		deadline_cancel(&c->deadline); /* it waits for us */
	else if (progressed || c->deadline.queue != q) {
		c->unsent = UINT32_MAX;
		deadline_start(q, &c->deadline);
	}
	watches_want(&c->table->loop->watches, &c->watch,
		     (uint16_t)((writes ? POLLOUT : 0) | conn_input_events(c)));
}

/* The end of a turn: give the scratch areas back, then finish or wait. */
static void conn_settle(struct conn *c, bool progressed)
{
	if (c->state == CONN_DEAD)
		return;
	if (buf_settle(&c->in) < 0 || buf_settle(&c->out) < 0) {
		conn_close(c, REASON_error);
		return;
	}
	if (conn_has_output(c) || c->task != NULL ||
	    (c->state == CONN_OPEN && !conn_input_ended(c)))
		conn_update(c, progressed);
	else if (c->eof)
		conn_close(c, c->reason);
	else
		conn_hang_up(c);
}

/* ---- a turn: flush, receive, serve ---- */

/* One send; what the kernel does not take stays, in order. */
static void conn_flush(struct conn *c)
{
	ssize_t n;

	if (buf_len(&c->out) == 0)
		return;
	n = send(c->watch.fd, buf_data(&c->out), buf_len(&c->out), MSG_NOSIGNAL);
	c->watch.full = n < 0 && errno == EAGAIN;
	if (n >= 0) {
		buf_consume(&c->out, (size_t)n);
		c->bytes_out += (size_t)n;
		stats.bytes_out += (size_t)n;
	} else if (errno != EAGAIN && errno != EINTR) {
		conn_close(c, REASON_reset);
	}
}

/* Where input goes: the scratch area, or behind an unfinished request. */
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

static void conn_receive_failed(struct conn *c)
{
	char peer[80];

	if (errno == EAGAIN || errno == EINTR)
		return;
	if (errno == EPERM) {
		peer_print(&c->peer, peer, sizeof(peer));
		log_info("listener %s: %s passes descriptors, which are not taken",
			 c->listener->conf->section.name, peer);
	}
	conn_close(c, errno == ENOMEM || errno == EPERM ? REASON_error : REASON_reset);
}

static void conn_end_input(struct conn *c)
{
	if (c->task != NULL && c->task->eof != NULL)
		c->task->eof(c, c->task);
	c->ended = true;
}

static void conn_receive(struct conn *c)
{
	size_t len;
	char *space = conn_input_space(c, &len);
	ssize_t n = space != NULL ? conn_recv(c, space, len) : -1;

	if (n < 0) {
		conn_receive_failed(c);
		return;
	}
	c->eof = n == 0;
	c->bytes_in += (size_t)n;
	stats.bytes_in += (size_t)n;
	c->drain_left -= n < c->drain_left ? (uint32_t)n : c->drain_left;
	if (c->listener->conf->service->request != NULL)
		buf_commit(&c->in, (size_t)n);
	if (c->eof && !c->ended) {
		conn_end_input(c);
		conn_flush(c);
	}
}

static int conn_continue(struct conn *c)
{
	enum task_progress progress = c->task->more(c, c->task);

	c->unserved = progress == TASK_WRITES || (progress == TASK_DONE && buf_len(&c->in) > 0);
	if (progress == TASK_DONE)
		c->task = NULL;
	return progress == TASK_FAILED ? -1 : 0;
}

/* Cut off the first request in in, which is not consumed. Returns its bytes (> 0); 0 where there
 * is none, or it was answered with an error; or -1 where it is not worth an answer. */
static ssize_t conn_next(struct conn *c, struct request *req)
{
	const struct listener_conf *conf = c->listener->conf;
	static struct slice argv[REQUEST_ARGS_MAX];
	ssize_t used;

	*req = (struct request){.argv = argv, .searched = c->searched};
	used = conf->wire->next(buf_data(&c->in), buf_len(&c->in), conf->max_request, c->eof, req);
	if (used < 0 && req->error == NULL)
		return -1;
	c->searched = used == 0 ? (uint32_t)req->searched : 0;
	if (used < 0)
		conn_fail(c, REASON_error, req->error);
	return used < 0 ? 0 : used;
}

static void conn_count_request(struct conn *c)
{
	c->table->work++;
	stats.requests++;
}

/* Answer what waits in in, within bounds. Returns 0, or -1 where the service gives up or
 * the request is not worth an answer. */
static int conn_answer(struct conn *c)
{
	const struct listener_conf *conf = c->listener->conf;
	struct request req;
	ssize_t used;

	if (c->task != NULL)
		return conn_continue(c);
	c->unserved = false;
	if (conf->service->more != NULL && !c->draining) { /* RFC 864: until the caller closes */
		c->unserved = true;
		return conf->service->more(c);
	}
	while (buf_len(&c->in) > 0) {
		c->unserved = turn_is_over(c->table) || buf_len(&c->out) >= HIGH_WATER ||
			      (buf_len(&c->in) >= MUCH_IN &&
			       watches_call_is_for_little(&c->table->loop->watches));
		if (c->unserved)
			return 0;
		used = conn_next(c, &req);
		if (used <= 0)
			return (int)used;
		c->crlf = req.crlf;
		conn_count_request(c);
		if (req.argc > 0 && conf->service->request(c, &req) < 0)
			return -1;
		buf_consume(&c->in, (size_t)used);
		if (c->task != NULL || c->state != CONN_OPEN)
			return 0;
	}
	return 0;
}

static void conn_give_up(struct conn *c)
{
	conn_flush(c); /* the answers before */
	conn_close(c, c->broken ? REASON_reset : REASON_error);
}

/* Offer the task the whole requests in in, one by one, within bounds. Returns 1 if it has taken all
 * of them, 0 if not, or -1 where it gives up or a request is not worth an answer. */
static int conn_offer(struct conn *c, struct task *t)
{
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
		taken = req.argc > 0 ? t->request(c, t, &req) : 1;
		if (taken <= 0)
			break;
		conn_count_request(c);
		buf_consume(&c->in, (size_t)used);
	}
	return taken;
}

/* What was sent by halves must not be taken for the whole. */
static void conn_feed_task(struct conn *c)
{
	int taken = conn_offer(c, c->task);

	if (taken > 0 && c->eof && conn_feeds_task(c)) {
		if (buf_len(&c->in) > 0)
			conn_fail(c, REASON_error,
				  "ERR Protocol error: the connection ends within a request");
		else
			taken = c->task->request(c, c->task, NULL);
	}
	c->held = taken == 0;
	if (taken < 0)
		conn_give_up(c);
}

static void conn_serve(struct conn *c)
{
	for (int round = 0; round < ROUNDS_PER_TURN; round++) {
		bool continues = c->task != NULL; /* which is called once a turn */

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

/* Returns whether the peer did something that counts: took bytes, or sent some that nobody answers.
 */
static bool conn_turn(struct conn *c, bool readable)
{
	uint64_t in = c->bytes_in, out = c->bytes_out;
	bool progressed;

	c->table->turning = true;
	c->table->work = 0;
	buf_borrow(&c->out, c->table->out, SCRATCH_OUT);
	conn_flush(c);
	if (readable && conn_may_read(c))
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

static void conn_ready(struct watch *w, short revents)
{
	struct conn *c = container_of(w, struct conn, watch);

	if (c->state == CONN_LINGER) {
		conn_discard(c);
	} else if (c->task != NULL && (revents & (POLLHUP | POLLERR))) {
		conn_close(c, REASON_reset);
	} else {
		if (revents & POLLRDHUP)
			conn_end_input(c);
		conn_turn(c, revents & (POLLIN | POLLHUP | POLLERR));
	}
}

/* ---- its beginning ---- */

static bool groups_allowed(const struct id_list *allowed, int fd)
{
	static gid_t groups[GROUPS_MAX];
	struct ucred cred;
	socklen_t len = sizeof(cred);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) == 0 &&
	    id_list_has(allowed, cred.gid))
		return true;
	len = sizeof(groups);
	if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &len) < 0)
		return false;
	for (size_t i = 0; i < len / sizeof(groups[0]); i++)
		if (id_list_has(allowed, groups[i]))
			return true;
	return false;
}

bool conn_is_named(const struct conn *c, const struct cidr_list *networks,
		   const struct id_list *users, const struct id_list *groups)
{
	if (networks->count == 0 && users->count == 0 && groups->count == 0)
		return true;
	if (c->peer.sa.sa_family != AF_UNIX)
		return cidr_list_has(networks, &c->peer.sa);
	return id_list_has(users, c->peer.local.uid) ||
	       (groups->count > 0 && groups_allowed(groups, c->watch.fd));
}

/* A listener's networks are for IP peers, its users and groups for those on UNIX sockets. */
static bool conn_is_allowed(const struct conn *c)
{
	static const struct cidr_list no_networks;
	static const struct id_list no_ids;
	const struct listener_conf *conf = c->listener->conf;

	if (c->peer.sa.sa_family == AF_UNIX)
		return conn_is_named(c, &no_networks, &conf->allow_users, &conf->allow_groups);
	return conn_is_named(c, &conf->allow, &no_ids, &no_ids);
}

static bool table_has_place(const struct conn_table *table, const struct listener *l)
{
	if (table->clients >= table->max_clients)
		return false;
	return l->conf->max_clients == 0 || l->tally->clients < (unsigned)l->conf->max_clients;
}

/* Give c a place, or the words that it is turned away with. */
static const char *conn_admit(struct conn *c, const struct sockaddr *sa)
{
	struct listener *l = c->listener;

	if (!table_has_place(c->table, l))
		return "ERR too many clients, try again later";
	if (c->peer.sa.sa_family != AF_UNIX) {
		c->source = tally_enter(l->tally, sa, (unsigned)l->conf->max_clients_per_ip);
		if (c->source == NULL)
			return "ERR too many clients from your address";
	}
	c->counted = true;
	c->table->clients++;
	c->table->changes++;
	l->tally->clients++;
	return NULL;
}

static void conn_begin(struct conn *c)
{
	const struct service *service = c->listener->conf->service;

	buf_borrow(&c->out, c->table->out, SCRATCH_OUT);
	if (service->open != NULL && service->open(c) < 0) {
		conn_close(c, REASON_error);
		return;
	}
	if (service->open != NULL && service->request == NULL && service->more == NULL)
		c->state = CONN_FLUSH;
	if (watches_are_late(&c->table->loop->watches))
		conn_settle(c, true); /* its turn comes with the next one of the loop */
	else
		conn_turn(c, true);
}

static struct conn *conn_new(struct conn_table *table, struct listener *l, int fd,
			     const struct sockaddr *sa, bool rights)
{
	struct conn *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return NULL;
	*c = (struct conn){
		.watch = {.fd = fd,
			  .ready = conn_ready,
			  .tells = sa->sa_family == AF_UNIX ? WATCH_TELLS_AFTER_SEND
							    : WATCH_TELLS_ALL},
		.table = table,
		.listener = l,
		.opened_ms = loop_now_ms(table->loop),
		.rights = rights,
	};
	if (watches_add(&table->loop->watches, &c->watch, 0) < 0) {
		free(c);
		return NULL;
	}
	c->id = (uint32_t)stats.accepted++;
	listener_ref(l);
	TAILQ_INSERT_TAIL(&table->live, c, entry);
	return c;
}

void conn_open(struct conn_table *table, struct listener *l, int fd, const struct sockaddr *sa,
	       bool rights)
{
	struct conn *c = conn_new(table, l, fd, sa, rights);
	const char *refusal;

	if (c == NULL) {
		socket_close(fd, rights);
		return;
	}
	peer_set(&c->peer, sa, fd);
	if (!conn_is_allowed(c)) {
		table->lingering++;
		conn_close(c, REASON_refused);
		return;
	}
	refusal = conn_admit(c, sa);
	if (refusal == NULL) {
		conn_begin(c);
	} else if (table->lingering++ < LINGERING_MAX) {
		conn_fail(c, REASON_full, refusal);
		if (c->state != CONN_DEAD)
			conn_turn(c, false);
	} else {
		conn_close(c, REASON_full);
	}
}

/* ---- for services ---- */

char *conn_reply_space(struct conn *c, size_t len)
{
	return c->listener->conf->wire->reply(&c->out, len, c->crlf);
}

int conn_reply(struct conn *c, const void *data, size_t len)
{
	char *to = conn_reply_space(c, len);

	if (to == NULL)
		return -1;
	if (len > 0)
		memcpy(to, data, len);
	return 0;
}

void conn_charge(struct conn *c, unsigned work)
{
	c->table->work += work;
}

void conn_task(struct conn *c, struct task *t)
{
	c->task = t;
	c->unserved = true;
	if (c->ended && t->eof != NULL)
		t->eof(c, t);
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
	ssize_t n = sendfile(c->watch.fd, fd, offset, count);

	c->watch.full = n < 0 && errno == EAGAIN;
	c->broken = n < 0 && (errno == EPIPE || errno == ECONNRESET || errno == ETIMEDOUT);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -1;
	if (n == 0) {
		errno = ENODATA;
		return -1;
	}
	c->bytes_out += (size_t)n;
	stats.bytes_out += (size_t)n;
	return n;
}

size_t conn_room(const struct conn *c)
{
	return c->watch.fd < 0 ? arc4random_uniform(513) /* RFC 864: 0 to 512 */
			       : CONN_SCRATCH / ROUNDS_PER_TURN;
}

/* ---- the table ---- */

int conn_table_init(struct conn_table *table, struct loop *loop)
{
	*table = (struct conn_table){
		.loop = loop,
		.in = malloc(CONN_SCRATCH),
		.out = malloc(SCRATCH_OUT),
	};
	TAILQ_INIT(&table->live);
	TAILQ_INIT(&table->dead);
	deadline_queue_init(&loop->deadlines, &table->linger, LINGER_MS, linger_expired);
	if (table->in != NULL && table->out != NULL)
		return 0;
	conn_table_free(table);
	return -1;
}

void conn_table_free(struct conn_table *table)
{
	conn_table_close(table);
	conn_table_reap(table);
	deadline_queue_free(&table->linger);
	free(table->in);
	free(table->out);
}

void conn_table_reap(struct conn_table *table)
{
	struct conn *c;

	while ((c = TAILQ_FIRST(&table->dead)) != NULL) {
		TAILQ_REMOVE(&table->dead, c, entry);
		listener_unref(c->listener);
		free(c);
	}
	rights_reap();
}

/* What has arrived up to now is answered; what comes later is not. */
static void conn_drain(struct conn *c)
{
	int arrived = 0;

	if (c->state != CONN_OPEN)
		return;
	if (ioctl(c->watch.fd, FIONREAD, &arrived) < 0)
		arrived = 0;
	c->draining = true;
	c->drain_left = (uint32_t)arrived;
	c->reason = REASON_drain;
	conn_settle(c, false);
}

void conn_table_drain(struct conn_table *table)
{
	struct conn *c, *next;

	table->draining = true;
	TAILQ_FOREACH_SAFE(c, &table->live, entry, next)
		conn_drain(c);
}

/* One that ends can give another its turn, which ends too. */
void conn_table_close(struct conn_table *table)
{
	struct conn *c;

	while ((c = TAILQ_FIRST(&table->live)) != NULL)
		conn_close(c, REASON_drain);
}
