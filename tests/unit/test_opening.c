/* SPDX-License-Identifier: MIT */
/* What lies between accept(2) and the first request, with steps that the tests make up. */
#include "caller.h"

#include <fcntl.h>

#include "net/opening.h"
#include "server/listeners.h"

/* ---- steps ---- */

#define LINE_SIZE 32 /* with the NUL */

static unsigned runs; /* of any step */

/* Receive up to len bytes of what is to be the line "WORD ...\n", which may bring what is behind
 * it. STEP_DONE: line has it, without its end, and it is consumed. */
static enum step take_line(struct conn *c, size_t len, const char *word, char *line)
{
	const char *end = NULL;
	enum step received;

	runs++;
	while (buf_len(&c->in) == 0 ||
	       (end = memchr(buf_data(&c->in), '\n', buf_len(&c->in))) == NULL) {
		received = opening_receive(c, len);
		if (received != STEP_DONE)
			return received;
	}
	snprintf(line, LINE_SIZE, "%.*s", (int)(end - buf_data(&c->in)), buf_data(&c->in));
	buf_consume(&c->in, (size_t)(end + 1 - buf_data(&c->in)));
	if (strncmp(line, word, strlen(word)) == 0)
		return STEP_DONE;
	c->ending = ENDING_error;
	return STEP_FAILED;
}

static enum step greet_run(struct conn *c)
{
	char line[LINE_SIZE];

	return take_line(c, 4096, "hello", line);
}

static enum step byte_run(struct conn *c)
{
	char line[LINE_SIZE];

	return take_line(c, 1, "hello", line);
}

static enum step peer_run(struct conn *c)
{
	char line[LINE_SIZE];
	enum step result = take_line(c, 4096, "from ", line);
	struct addr addr;

	if (result != STEP_DONE)
		return result;
	addr = addr_of("tcp", line + 5, 4711);
	peer_set(&c->peer, &addr.sa, -1);
	return STEP_DONE;
}

static const struct opening_step greet = {.name = "greet", .run = greet_run},
				 byte = {.name = "byte", .run = byte_run},
				 tells = {.name = "tells", .tells_peer = true, .run = peer_run};

/* ---- a step that exchanges the channel for one that turns each bit of a byte around ---- */

struct inverted {
	struct channel channel;
	char kept[4096]; /* [given, taken): came before the channel was made */
	size_t given, taken;
	bool has_sent; /* before it did, nothing is received */
};

static unsigned inverted_live;

static ssize_t inverted_recv(struct channel *ch, int fd, void *data, size_t len)
{
	struct inverted *inverted = container_of(ch, struct inverted, channel);
	size_t kept = inverted->taken - inverted->given;
	ssize_t n;

	len = len > 3 ? 3 : len; /* so that some is pending */
	if (kept > 0) {
		n = (ssize_t)(kept < len ? kept : len);
		memcpy(data, inverted->kept + inverted->given, (size_t)n);
		inverted->given += (size_t)n;
	} else {
		n = recv(fd, data, len, 0);
	}
	for (ssize_t i = 0; i < n; i++)
		((char *)data)[i] = (char)~((char *)data)[i];
	return n;
}

static ssize_t inverted_send(struct channel *ch, int fd, const void *data, size_t len)
{
	char bytes[4096];

	len = len > sizeof(bytes) ? sizeof(bytes) : len;
	for (size_t i = 0; i < len; i++)
		bytes[i] = (char)~((const char *)data)[i];
	return send(fd, bytes, len, MSG_NOSIGNAL);
}

static bool inverted_pending(struct channel *ch)
{
	const struct inverted *inverted = container_of(ch, struct inverted, channel);

	return inverted->given < inverted->taken;
}

static size_t inverted_unread(struct channel *ch, int fd)
{
	return 1 << 16;
}

static ssize_t inverted_untaken(struct channel *ch, int fd)
{
	return -1;
}

static void inverted_hang_up(struct channel *ch, int fd)
{
	shutdown(fd, SHUT_WR);
}

static void inverted_close(struct channel *ch, int fd, bool at_end)
{
	close(fd);
	free(container_of(ch, struct inverted, channel));
	inverted_live--;
}

static const struct channel_ops inverted_ops = {
	.recv = inverted_recv,
	.send = inverted_send,
	.pending = inverted_pending,
	.unread = inverted_unread,
	.untaken = inverted_untaken,
	.hang_up = inverted_hang_up,
	.close = inverted_close,
};

/* It takes along what was read before it, and says a word, in a second call, before it waits for
 * one. */
static enum step invert_run(struct conn *c)
{
	struct inverted *inverted;
	char line[LINE_SIZE];

	if (c->channel->ops != &inverted_ops) {
		inverted = calloc(1, sizeof(*inverted));
		inverted_live++;
		inverted->channel.ops = &inverted_ops;
		inverted->channel.wants = POLLOUT;
		inverted->taken = buf_len(&c->in);
		if (inverted->taken > 0)
			memcpy(inverted->kept, buf_data(&c->in), inverted->taken);
		buf_consume(&c->in, inverted->taken);
		c->channel = &inverted->channel;
		return STEP_WAITS;
	}
	inverted = container_of(c->channel, struct inverted, channel);
	if (!inverted->has_sent)
		assert_int_equal(inverted_send(c->channel, c->watch.fd, "hi\n", 3), 3);
	inverted->has_sent = true;
	c->channel->wants = 0;
	return take_line(c, 3, "inverted", line);
}

static const struct opening_step invert = {.name = "invert", .run = invert_run};

/* ---- callers ---- */

/* A listener of these keys, whose callers have to do first, and second. */
static struct listener *listener_with(const char *keys, const struct opening_step *first,
				      const struct opening_step *second)
{
	struct listener *l = listener_of(keys);

	l->conf->steps[0] = first;
	l->conf->steps[1] = second;
	return l;
}

/* A connection on l from host, or from a UNIX socket, which has said something; *fd is the caller's
 * end. */
static struct conn *call_from(struct listener *l, const char *host, const char *said, int *fd)
{
	struct addr addr;
	int ours = pair_open(fd);

	if (host != NULL)
		addr = addr_of("tcp", host, 1234);
	assert_int_equal(send(*fd, said, strlen(said), 0), strlen(said));
	return enter(l, ours, host != NULL ? &addr.sa : NULL, channel_plain(false));
}

static struct conn *call(struct listener *l, const char *said, int *fd)
{
	return call_from(l, NULL, said, fd);
}

static void assert_ended(const struct conn *c, uint64_t ended)
{
	assert_int_equal(c->state, CONN_DEAD);
	assert_int_equal(ended, 1);
	assert_int_equal(table.openings, 0);
}

#define LINES "services = upper\nprotocol = line\n"

/* ---- steps ---- */

static void without_steps_a_caller_is_served_in_the_turn_of_accept(void **state)
{
	struct listener *l = listener_of(LINES);
	int fd;
	struct conn *c = call(l, "abc\n", &fd);

	assert_int_equal(recv(fd, text, sizeof(text), 0), 4);
	assert_memory_equal(text, "ABC\n", 4);
	assert_int_equal(c->state, CONN_OPEN);
	assert_int_equal(c->place, PLACE_CLIENT);
	assert_ptr_equal(c->deadline.queue, &l->idle);
	assert_true(TAILQ_EMPTY(&l->opening.waiting));
	assert_null(c->in.data);
	close(fd);
}

static void a_row_of_the_table_has_248_bytes_at_most(void **state)
{
	assert_in_range(sizeof(struct conn), 1, 248);
}

static void who_is_in_its_opening_has_no_place_and_is_served_nothing(void **state)
{
	struct listener *l = listener_with(LINES, &byte, NULL);
	int fd;
	struct conn *c = call(l, "", &fd);

	for (const char *at = "hello"; *at != '\0'; at++) {
		say(fd, (char[]){*at, '\0'});
		assert_int_equal(c->state, CONN_OPENING);
		assert_int_equal(c->place, PLACE_NONE);
		assert_int_equal(table.clients, 0);
		assert_int_equal(l->tally->clients, 0);
		assert_int_equal(table.openings, 1);
		assert_int_equal(wanted(&c->watch), POLLIN);
		assert_ptr_equal(c->deadline.queue, &l->opening);
		assert_false(c->in.borrowed);
		assert_in_range(c->in.cap, 1, 16);
		assert_string_equal(l->conf->steps[c->step]->name, "byte");
	}
	assert_int_equal(stats.requests, 0);
	say(fd, "\n");
	assert_int_equal(c->state, CONN_OPEN);
	assert_int_equal(table.clients, 1);
	assert_int_equal(table.openings, 0);
	assert_ptr_equal(c->deadline.queue, &l->idle);
	assert_null(l->conf->steps[c->step]);
	say(fd, "abc\n");
	assert_hears(fd, "ABC\n");
	assert_int_equal(c->bytes_in, 10);
	assert_int_equal(stats.bytes_in, 10);
	close(fd);
}

static void what_came_with_a_step_belongs_to_the_next_and_to_the_first_request(void **state)
{
	static const char said[] = "hello\nfrom 10.0.0.1\nabc\nde";
	struct listener *l = listener_with(LINES, &greet, &tells);
	char first[sizeof(said)];
	struct conn *c;
	int fd;

	for (size_t cut = 0; cut < sizeof(said); cut++) {
		snprintf(first, cut + 1, "%s", said);
		c = call(l, first, &fd);
		if (cut + 1 == sizeof(said)) { /* all in the turn of accept(2) */
			assert_int_equal(recv(fd, text, sizeof(text), MSG_PEEK), 4);
			assert_int_equal(c->state, CONN_OPEN);
		}
		settle();
		say(fd, said + cut);
		assert_hears(fd, "ABC\n");
		say(fd, "f\n");
		assert_hears(fd, "DEF\n");
		peer_print(&c->peer, text);
		assert_string_equal(text, "10.0.0.1:4711");
		close(fd);
		settle();
	}
	assert_int_equal(stats.requests, 2 * sizeof(said));
}

static void what_came_with_a_step_is_answered_on_a_busy_daemon_too(void **state)
{
	static const char *const names[] = {"line", "raw", "resp"};
	struct conn *c;
	char keys[64];
	int fd;

	for (int i = 0; i < 3; i++) {
		snprintf(keys, sizeof(keys), "services = upper\nprotocol = %s\n", names[i]);
		loop.watches.ready.late = true;
		c = call(listener_with(keys, &greet, NULL), "hello\nupper a\n", &fd);
		assert_int_equal(c->state, CONN_OPENING);
		loop.watches.ready.late = true;
		c->watch.ready(&c->watch, POLLIN);
		assert_int_equal(c->state, CONN_OPEN);
		assert_int_equal(recv(fd, text, sizeof(text), 0), -1);
		assert_hears(fd, i == 2 ? "$1\r\nA\r\n" : "UPPER A\n");
		close(fd);
		settle();
	}
}

/* Where nothing is asked, nothing is kept. */
static void what_came_with_a_step_is_dropped_where_nothing_is_asked(void **state)
{
	static const char *const keys[] = {"services = discard\n", "services = chargen\n",
					   "services = time\n"};
	struct conn *c;
	int fd;

	for (int i = 0; i < 3; i++) {
		c = call(listener_with(keys[i], &greet, NULL), "hello\nand more", &fd);
		settle();
		assert_int_equal(buf_len(&c->in), 0);
		assert_null(c->in.data);
		assert_int_equal(recv(fd, text, 4, 0), i == 0 ? -1 : 4);
		close(fd);
		settle();
	}
}

static void a_step_that_fails_ends_the_connection_with_its_reason(void **state)
{
	int fd;
	struct conn *c = call(listener_with(LINES, &greet, &tells), "hallo\nabc\n", &fd);

	assert_ended(c, stats.ended_error);
	assert_hears_last(fd, "");
	assert_int_equal(stats.requests, 0);
	close(fd);
}

static void a_peer_that_leaves_ends_its_opening(void **state)
{
	struct listener *l = listener_with(LINES, &greet, NULL);
	struct conn *c;
	int fd;

	c = call(l, "hel", &fd);
	shutdown(fd, SHUT_WR);
	settle();
	assert_ended(c, stats.ended_eof);
	assert_hears_last(fd, "");
	close(fd);
	c = call(listener_with(LINES, &invert, NULL), "", &fd);
	settle(); /* it is told something, and does not read that */
	close(fd);
	settle();
	assert_ended(c, stats.ended_reset);
	assert_int_equal(inverted_live, 0);
}

static void a_peer_that_passes_a_descriptor_ends_its_opening(void **state)
{
	struct listener *l = listener_with(LINES, &greet, NULL);
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control = {.header = {CMSG_LEN(sizeof(int)), SOL_SOCKET, SCM_RIGHTS}};
	struct iovec iov = {(char[]){"hello\nabc\n"}, 10};
	const struct msghdr msg = {.msg_iov = &iov,
				   .msg_iovlen = 1,
				   .msg_control = &control,
				   .msg_controllen = sizeof(control)};
	int fd, ours = pair_open(&fd);
	struct conn *c;

	memcpy(CMSG_DATA(&control.header), &fd, sizeof(int));
	assert_int_equal(sendmsg(fd, &msg, 0), 10);
	c = enter(l, ours, NULL, channel_plain(true));
	settle();
	assert_ended(c, stats.ended_error);
	assert_int_equal(stats.requests, 0);
	close(fd);
}

static void who_asks_and_stops_sending_in_one_is_answered(void **state)
{
	int fd;
	struct conn *c = call(listener_with(LINES, &byte, NULL), "", &fd);

	assert_int_equal(send(fd, "hello\nabc", 9, 0), 9);
	shutdown(fd, SHUT_WR);
	assert_hears_last(fd, "ABC\n");
	assert_ended(c, stats.ended_eof);
	close(fd);
}

static void a_step_may_exchange_the_channel_which_takes_along_what_was_read(void **state)
{
	static const char said[] = "hello\n\x96\x91\x89\x9a\x8d\x8b\x9a\x9b\xf5\x9e\x9d\x9c\xf5";
	struct listener *l = listener_with(LINES, &greet, &invert);
	char first[sizeof(said)];
	struct conn *c;
	int fd;

	for (size_t cut = 0; cut < sizeof(said); cut++) {
		snprintf(first, cut + 1, "%s", said);
		c = call(l, first, &fd);
		if (cut == 6) {
			assert_int_equal(wanted(&c->watch), POLLOUT);
			assert_int_equal(loop_turn(&loop), 0);
			assert_int_equal(wanted(&c->watch), POLLIN);
		}
		settle();
		say(fd, said + cut);
		assert_hears(fd, "\x97\x96\xf5\xbe\xbd\xbc\xf5");
		assert_int_equal(inverted_live, 1);
		assert_ptr_equal(c->channel->ops, &inverted_ops);
		close(fd);
		settle();
		assert_int_equal(inverted_live, 0);
	}
}

/* ---- who may call ---- */

static void a_stranger_is_refused_before_any_step(void **state)
{
	struct listener *l = listener_with(LINES "allow = 10.0.0.0/8\n", &greet, NULL);
	struct conn *c;
	int fd;

	runs = 0;
	c = call_from(l, "11.0.0.1", "hello\nabc\n", &fd);
	assert_ended(c, stats.ended_refused);
	assert_int_equal(runs, 0);
	close(fd);
	assert_int_equal(call_from(l, "10.0.0.1", "hello\nabc\n", &fd)->state, CONN_OPEN);
	close(fd);
}

static void the_peer_that_a_step_tells_of_is_asked_for(void **state)
{
	struct listener *l = listener_with(LINES "allow = 10.0.0.0/8\n", &tells, &greet);
	struct conn *c;
	int fd;

	runs = 0;
	c = call_from(l, "10.0.0.1", "from 11.0.0.1\nhello\nabc\n", &fd);
	assert_ended(c, stats.ended_refused);
	assert_int_equal(runs, 1); /* the step behind it is not for strangers */
	close(fd);
	c = call_from(l, "11.0.0.1", "from 10.0.0.2\nhello\nabc\n", &fd);
	assert_hears(fd, "ABC\n");
	peer_print(&c->peer, text);
	assert_string_equal(text, "10.0.0.2:4711");
	close(fd);
}

static void who_is_told_of_last_is_the_peer(void **state)
{
	struct listener *l = listener_with(LINES "allow = 10.0.0.0/8\n", &tells, &tells);
	struct conn *c;
	int fd;

	call_from(l, "11.0.0.1", "from 11.0.0.2\nfrom 10.0.0.1\nabc\n", &fd);
	assert_hears(fd, "ABC\n");
	close(fd);
	settle();
	c = call_from(l, "10.0.0.1", "from 10.0.0.2\nfrom 11.0.0.1\nabc\n", &fd);
	assert_ended(c, stats.ended_refused);
	close(fd);
}

static void the_peer_that_a_step_tells_of_is_the_source_that_counts(void **state)
{
	struct listener *l = listener_with(LINES "max_clients_per_ip = 1\n", &tells, NULL);
	int first, second, third;

	call_from(l, "10.9.9.9", "from 10.0.0.1\n", &first);
	call_from(l, "10.9.9.9", "from 10.0.0.2\nabc\n", &second);
	assert_hears(second, "ABC\n");
	call_from(l, "10.8.8.8", "from 10.0.0.1\nabc\n", &third);
	assert_hears_last(third, "ERR too many clients from your address\n");
	close(first);
	close(second);
	close(third);
}

/* ---- deadlines ---- */

static void who_does_not_finish_in_time_is_cut_off(void **state)
{
	struct listener *l = listener_with(LINES "opening_timeout = 10ms\n", &byte, NULL);
	int fd;
	struct conn *c = call(l, "hel", &fd);

	turn_until(c->state == CONN_DEAD);
	assert_ended(c, stats.ended_opening);
	assert_hears_last(fd, "");
	close(fd);
}

static void nothing_postpones_the_deadline_of_an_opening(void **state)
{
	struct listener *l = listener_with(LINES, &greet, &byte);
	int fd;
	struct conn *c = call(l, "", &fd);
	int64_t due_ms = --c->deadline.due_ms;

	say(fd, "hel");
	say(fd, "lo\n");
	assert_int_equal(c->step, 1);
	say(fd, "he");
	assert_int_equal(c->deadline.due_ms, due_ms);
	close(fd);
}

static void what_came_in_time_opens_at_the_deadline(void **state)
{
	struct listener *l = listener_with(LINES, &greet, NULL);
	int fd;
	struct conn *c = call(l, "hel", &fd);

	assert_int_equal(send(fd, "lo\nabc\n", 7, 0), 7);
	deadline_cancel(&c->deadline);
	opening_expired(&c->deadline);
	assert_int_equal(c->state, CONN_OPEN);
	assert_ptr_equal(c->deadline.queue, &l->idle);
	assert_hears(fd, "ABC\n");
	close(fd);
}

static void without_a_timeout_an_opening_may_last(void **state)
{
	struct listener *l = listener_with(LINES "opening_timeout = 0\n", &greet, NULL);
	int fd;
	struct conn *c = call(l, "hel", &fd);

	assert_null(c->deadline.queue);
	say(fd, "lo\nabc\n");
	assert_hears(fd, "ABC\n");
	assert_ptr_equal(c->deadline.queue, &l->idle);
	close(fd);
}

/* ---- the daemon stops ---- */

static void draining_ends_an_opening_that_is_not_through(void **state)
{
	struct listener *l = listener_with(LINES, &greet, NULL);
	struct conn *late, *in;
	int a, b;

	late = call(l, "hel", &a);
	in = call(l, "", &b);
	assert_int_equal(send(b, "hello\nabc\n", 10, 0), 10);
	conn_table_drain(&table);
	assert_ended(late, stats.ended_drain);
	assert_hears_last(a, "");
	assert_hears_last(b, "ABC\n");
	close(b);
	settle();
	assert_int_equal(in->state, CONN_DEAD);
	assert_int_equal(stats.ended_drain, 2);
	assert_true(TAILQ_EMPTY(&table.live));
	close(a);
}

static void draining_ends_who_waits_for_a_place(void **state)
{
	struct listener *l = listener_with(LINES, &greet, NULL);
	int a, b;

	table.max_clients = 1;
	call(l, "hello\n", &a);
	assert_int_equal(call(l, "hello\n", &b)->state, CONN_WAITING);
	conn_table_drain(&table);
	assert_true(TAILQ_EMPTY(&table.waiting));
	assert_hears_last(b, "");
	close(a);
	close(b);
}

static void closing_ends_openings_too(void **state)
{
	struct listener *l = listener_with(LINES, &greet, NULL);
	int fds[3];

	table.max_clients = 1;
	call(l, "hello\n", &fds[0]);
	call(l, "hello\n", &fds[1]);
	call(l, "hel", &fds[2]);
	assert_int_equal(table.openings, 2);
	conn_table_close(&table);
	assert_int_equal(stats.ended_drain, 3);
	assert_int_equal(watches_count(&loop.watches), 0);
	conn_table_reap(&table);
	assert_int_equal(l->refs, 1);
	for (int i = 0; i < 3; i++)
		close(fds[i]);
}

/* ---- places ---- */

static void with_reject_who_finds_no_place_is_told_when_it_is_through(void **state)
{
	struct listener *l = listener_with(LINES, &greet, NULL);
	int first, second;
	struct conn *c;

	table.max_clients = 1;
	table.reject = true;
	call(l, "hello\n", &first);
	c = call(l, "hel", &second);
	assert_hears(second, "");
	say(second, "lo\nabc\n");
	assert_hears_last(second, "ERR too many clients, try again later\n");
	assert_int_equal(table.turned_away, 1);
	close(second);
	settle();
	assert_ended(c, stats.ended_full);
	close(first);
}

static void with_wait_who_finds_no_place_waits_for_one_in_the_order_of_coming(void **state)
{
	struct listener *l = listener_with(LINES, &greet, NULL);
	struct conn *second, *third;
	int fds[3];

	table.max_clients = 1;
	call(l, "hello\n", &fds[0]);
	third = call(l, "hel", &fds[2]);
	second = call(l, "hello\nsecond\n", &fds[1]);
	say(fds[2], "lo\nth");
	assert_int_equal(second->state, CONN_WAITING);
	assert_int_equal(third->state, CONN_WAITING);
	assert_int_equal(second->place, PLACE_NONE);
	assert_int_equal(wanted(&second->watch), 0);
	assert_null(second->deadline.queue);
	assert_false(second->in.borrowed);
	say(fds[2], "ird\n");
	assert_hears(fds[1], "");
	opening_admit_waiting(&table);
	assert_int_equal(table.openings, 2);
	close(fds[0]);
	settle();
	opening_admit_waiting(&table);
	assert_int_equal(third->state, CONN_WAITING);
	assert_hears(fds[1], "SECOND\n");
	assert_ptr_equal(second->deadline.queue, &l->idle);
	close(fds[1]);
	settle();
	opening_admit_waiting(&table);
	assert_hears(fds[2], "THIRD\n");
	assert_int_equal(table.openings, 0);
	assert_int_equal(table.clients, 1);
	close(fds[2]);
}

/* What it has asked is done, as of one that leaves the backlog. */
static void who_leaves_while_it_waits_is_like_one_who_has_left_the_backlog(void **state)
{
	struct listener *l = listener_with(LINES, &greet, NULL);
	struct conn *c;
	int first, second;

	table.max_clients = 1;
	call(l, "hello\n", &first);
	c = call(l, "hello\nabc\n", &second);
	close(second);
	settle(); /* nothing calls, or this would have no end */
	assert_int_equal(c->state, CONN_WAITING);
	close(first);
	settle();
	opening_admit_waiting(&table);
	settle();
	assert_int_equal(c->state, CONN_DEAD);
	assert_int_equal(stats.requests, 1);
	assert_int_equal(table.openings, 0);
}

static void who_had_to_wait_hears_what_is_said_unasked(void **state)
{
	static const char *const keys[] = {"services = time\n", "services = chargen\n"};
	int first, second;

	table.max_clients = 1;
	for (int i = 0; i < 2; i++) {
		call(listener_of(LINES), "", &first);
		call(listener_with(keys[i], &greet, NULL), "hello\n", &second);
		close(first);
		settle();
		assert_int_equal(recv(second, text, 4, 0), -1);
		opening_admit_waiting(&table);
		assert_int_equal(recv(second, text, 4, 0), -1); /* in a turn of its own */
		settle();
		assert_int_equal(recv(second, text, 4, 0), 4);
		close(second);
		settle();
	}
}

static void who_waits_for_a_place_of_its_listener_keeps_nobody_else_waiting(void **state)
{
	struct listener *l = listener_with(LINES "max_clients = 1\n", &greet, NULL);
	struct listener *other = listener_with(LINES "max_clients = 1\n", &greet, NULL);
	int fds[4];

	call(l, "hello\n", &fds[0]);
	call(l, "hello\n", &fds[1]);
	call(other, "hello\n", &fds[2]);
	call(other, "hello\nabc\n", &fds[3]);
	assert_int_equal(table.openings, 2);
	close(fds[2]);
	settle();
	opening_admit_waiting(&table);
	assert_hears(fds[3], "ABC\n");
	assert_int_equal(table.openings, 1);
	for (int i = 0; i < 4; i++)
		if (i != 2)
			close(fds[i]);
}

static void who_waits_is_told_when_callers_are_told_from_now_on(void **state)
{
	struct listener *l = listener_with(LINES, &greet, NULL);
	int first, second;

	table.max_clients = 1;
	call(l, "hello\n", &first);
	call(l, "hello\n", &second);
	table.reject = true;
	opening_admit_waiting(&table);
	assert_hears_last(second, "ERR too many clients, try again later\n");
	close(first);
	close(second);
}

static void who_waits_and_comes_from_a_source_with_too_many_is_told(void **state)
{
	struct listener *l = listener_with(LINES "max_clients_per_ip = 1\n", &greet, NULL);
	int a, b, c;

	table.max_clients = 1;
	call_from(l, "10.0.0.1", "hello\n", &a);
	call_from(l, "10.0.0.2", "hello\n", &b);
	call_from(l, "10.0.0.2", "hello\n", &c);
	close(a);
	settle();
	table.max_clients = 2;
	opening_admit_waiting(&table);
	assert_int_equal(table.clients, 1);
	assert_hears_last(c, "ERR too many clients from your address\n");
	close(b);
	close(c);
}

static unsigned waiting_count(void)
{
	struct conn *c;
	unsigned count = 0;

	TAILQ_FOREACH(c, &table.waiting, entry)
		count++;
	return count;
}

/* With no place taken, callers are accepted; with all taken they wait in the backlog, whatever is
 * in its opening. */
static void those_in_their_opening_keep_nobody_in_the_backlog(void **state)
{
	struct addr addr = addr_of("tcp", "127.0.0.1", 0);
	struct reason reason;
	struct listener *l = listener_with(LINES, &greet, NULL);
	struct endpoint *e = endpoint_open(l, &table, &addr, "tcp:", -1, 8, &reason);
	struct listeners ls;
	int fds[4];

	table.max_clients = 1;
	for (int i = 0; i < 4; i++) {
		fds[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
		assert_int_equal(connect(fds[i], &e->addr.sa, e->addr.len), 0);
		if (i == 0)
			turn_until(table.openings == 1);
		if (i == 1)
			turn_until(table.openings == 2);
		if (i != 1)
			continue;
		assert_int_equal(send(fds[1], "hello\n", 6, 0), 6);
		turn_until(table.clients == 1);
		endpoint_update(e);
	}
	assert_int_equal(wanted(&e->watch), 0);
	settle();
	assert_int_equal(stats.accepted, 2);
	assert_int_equal(send(fds[0], "hello\n", 6, 0), 6);
	turn_until(waiting_count() == 1);
	close(fds[1]);
	turn_until(table.clients == 0);
	listeners_init(&ls, &table);
	listeners_update(&ls);
	endpoint_update(e);
	assert_int_equal(table.clients, 1);
	assert_int_equal(wanted(&e->watch), 0);
	for (int i = 0; i < 4; i++)
		if (i != 1)
			close(fds[i]);
}

/* ---- many that never finish ---- */

#define MANY (2 + OPENINGS_SPARE) /* that may be in their opening where there are two places */

static void who_never_finishes_keeps_nobody_out(void **state)
{
	struct listener *l = listener_with(LINES, &greet, NULL);
	int fds[3 * MANY], fd;
	struct conn *oldest;
	bool ended;

	table.max_clients = 2;
	for (int i = 0; i < 3 * MANY; i++) {
		oldest = i < MANY ? NULL : TAILQ_FIRST(&table.opening);
		call(l, "hel", &fds[i]);
		assert_int_equal(table.openings, i < MANY ? i + 1 : MANY);
		assert_true(oldest == NULL || oldest->state == CONN_DEAD);
		assert_int_equal(stats.ended_opening, i < MANY ? 0 : i + 1 - MANY);
	}
	hear(fds[0], &ended);
	assert_true(ended);
	hear(fds[3 * MANY - 1], &ended);
	assert_false(ended);
	call(l, "hello\nabc\n", &fd);
	assert_hears(fd, "ABC\n");
	close(fd);
	for (int i = 0; i < 3 * MANY; i++)
		close(fds[i]);
	settle();
	assert_int_equal(table.openings, 0);
}

static void who_is_to_be_pushed_out_may_be_through(void **state)
{
	struct listener *l = listener_with(LINES, &greet, NULL);
	int fds[MANY + 1];

	table.max_clients = 2;
	for (int i = 0; i < MANY; i++)
		call(l, "hel", &fds[i]);
	assert_int_equal(send(fds[0], "lo\nabc\n", 7, 0), 7);
	call(l, "hel", &fds[MANY]);
	assert_int_equal(stats.ended_opening, 0);
	assert_int_equal(table.openings, MANY);
	assert_hears(fds[0], "ABC\n");
	for (int i = 0; i <= MANY; i++)
		close(fds[i]);
}

static void those_who_wait_for_a_place_of_a_listener_keep_nobody_out_of_others(void **state)
{
	struct listener *l = listener_with(LINES "max_clients = 1\n", &greet, NULL);
	struct listener *other = listener_with(LINES, &greet, NULL);
	int fds[MANY + 1], fd;

	table.max_clients = 2;
	for (int i = 0; i <= MANY; i++)
		call(l, "hello\n", &fds[i]);
	assert_int_equal(table.openings, MANY);
	assert_int_equal(waiting_count(), MANY);
	call(other, "hel", &fd);
	assert_int_equal(table.openings, MANY);
	assert_int_equal(stats.ended_full, 1);
	say(fd, "lo\nabc\n");
	assert_hears(fd, "ABC\n");
	close(fd);
	for (int i = 0; i <= MANY; i++)
		close(fds[i]);
}

/* ---- the log ---- */

static void the_log_says_at_which_step_it_ended(void **state)
{
	int log = memfd_create("log", MFD_CLOEXEC),
	    saved = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 0);
	struct conn *c;
	int fd;
	ssize_t n;

	assert_true(log >= 0 && saved >= 0);
	dup2(log, STDERR_FILENO);
	log_open(LOG_TARGET_STDERR, "", LOG_DAEMON, LOG_INFO);
	c = call(listener_with(LINES "opening_timeout = 10ms\n", &tells, &greet),
		 "from 10.0.0.1\nhel", &fd);
	turn_until(c->state == CONN_DEAD);
	close(fd);
	call(listener_with(LINES, &greet, NULL), "hello\nabc\n", &fd);
	close(fd);
	settle();
	dup2(saved, STDERR_FILENO);
	close(saved);
	log_open(LOG_TARGET_STDERR, "", LOG_DAEMON, LOG_ERR);
	n = pread(log, text, sizeof(text) - 1, 0);
	close(log);
	assert_true(n > 0);
	text[n] = '\0';
	assert_non_null(strstr(text, "closed listener=a peer=10.0.0.1:4711 in=17 out=0 ms="));
	assert_non_null(strstr(text, " reason=opening step=greet\n"));
	assert_non_null(strstr(text, " reason=reset\n"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FIXTURE_TEST(without_steps_a_caller_is_served_in_the_turn_of_accept),
		FIXTURE_TEST(a_row_of_the_table_has_248_bytes_at_most),
		FIXTURE_TEST(who_is_in_its_opening_has_no_place_and_is_served_nothing),
		FIXTURE_TEST(what_came_with_a_step_belongs_to_the_next_and_to_the_first_request),
		FIXTURE_TEST(what_came_with_a_step_is_answered_on_a_busy_daemon_too),
		FIXTURE_TEST(what_came_with_a_step_is_dropped_where_nothing_is_asked),
		FIXTURE_TEST(a_step_that_fails_ends_the_connection_with_its_reason),
		FIXTURE_TEST(a_peer_that_leaves_ends_its_opening),
		FIXTURE_TEST(a_peer_that_passes_a_descriptor_ends_its_opening),
		FIXTURE_TEST(who_asks_and_stops_sending_in_one_is_answered),
		FIXTURE_TEST(a_step_may_exchange_the_channel_which_takes_along_what_was_read),
		FIXTURE_TEST(a_stranger_is_refused_before_any_step),
		FIXTURE_TEST(the_peer_that_a_step_tells_of_is_asked_for),
		FIXTURE_TEST(who_is_told_of_last_is_the_peer),
		FIXTURE_TEST(the_peer_that_a_step_tells_of_is_the_source_that_counts),
		FIXTURE_TEST(who_does_not_finish_in_time_is_cut_off),
		FIXTURE_TEST(nothing_postpones_the_deadline_of_an_opening),
		FIXTURE_TEST(what_came_in_time_opens_at_the_deadline),
		FIXTURE_TEST(without_a_timeout_an_opening_may_last),
		FIXTURE_TEST(draining_ends_an_opening_that_is_not_through),
		FIXTURE_TEST(draining_ends_who_waits_for_a_place),
		FIXTURE_TEST(closing_ends_openings_too),
		FIXTURE_TEST(with_reject_who_finds_no_place_is_told_when_it_is_through),
		FIXTURE_TEST(with_wait_who_finds_no_place_waits_for_one_in_the_order_of_coming),
		FIXTURE_TEST(who_leaves_while_it_waits_is_like_one_who_has_left_the_backlog),
		FIXTURE_TEST(who_had_to_wait_hears_what_is_said_unasked),
		FIXTURE_TEST(who_waits_for_a_place_of_its_listener_keeps_nobody_else_waiting),
		FIXTURE_TEST(who_waits_is_told_when_callers_are_told_from_now_on),
		FIXTURE_TEST(who_waits_and_comes_from_a_source_with_too_many_is_told),
		FIXTURE_TEST(those_in_their_opening_keep_nobody_in_the_backlog),
		FIXTURE_TEST(who_never_finishes_keeps_nobody_out),
		FIXTURE_TEST(who_is_to_be_pushed_out_may_be_through),
		FIXTURE_TEST(those_who_wait_for_a_place_of_a_listener_keep_nobody_out_of_others),
		FIXTURE_TEST(the_log_says_at_which_step_it_ended),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
