/* SPDX-License-Identifier: MIT */
#include "caller.h"

#include <fcntl.h>
#include <limits.h>
#include <string.h>

/* An address to call from: IPv4, or NULL for a UNIX socket. */
static const struct sockaddr *caller(const char *host)
{
	static struct addr addr;

	addr = (struct addr){.sa.sa_family = AF_UNIX};
	if (host != NULL)
		addr = addr_of("tcp", host, 1234);
	return &addr.sa;
}

/* A connection on l, of which *fd is the caller's end. */
static struct conn *call_from(struct listener *l, const char *host, int *fd)
{
	int ours = pair_open(fd), size = 1;

	setsockopt(ours, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size)); /* the least there is */
	return enter(l, ours, caller(host), channel_plain(false));
}

static struct conn *call(struct listener *l, int *fd)
{
	return call_from(l, NULL, fd);
}

/* ended: the counter of the reason, which it is the only one of. */
static void assert_dead(const struct conn *c, uint64_t ended)
{
	assert_int_equal(c->state, CONN_DEAD);
	assert_int_equal(ended, 1);
}

/* Say as much as is taken, of "0\n1\n2\n...". Returns how much. */
static size_t say_much(int fd, size_t max)
{
	static char numbers[sizeof(text)];
	size_t sent = 0;
	ssize_t n;

	for (size_t len = 0, i = 0; len < sizeof(numbers) - 16; i++)
		len += (size_t)sprintf(numbers + len, "%zu\n", i);
	do {
		n = send(fd, numbers + sent, max - sent, MSG_NOSIGNAL);
		sent += n > 0 ? (size_t)n : 0;
		settle();
	} while (n > 0 && sent < max);
	return sent;
}

static void assert_heard_numbers(size_t len)
{
	for (size_t at = 0, i = 0; at < len; i++) {
		char number[16];
		size_t digits = (size_t)sprintf(number, "%zu\n", i);

		assert_memory_equal(text + at, number, digits < len - at ? digits : len - at);
		at += digits;
	}
}

/* ---- requests and replies ---- */

static void a_request_is_answered_in_the_turn_it_came(void **state)
{
	int fd;
	struct conn *c = call(listener_of("services = upper\n"), &fd);

	say(fd, "abc");
	assert_hears(fd, "ABC");
	assert_int_equal(stats.requests, 1);
	assert_int_equal(c->bytes_in, 3);
	assert_int_equal(c->bytes_out, 3);
	close(fd);
}

static void who_does_not_take_replies_is_not_read_from(void **state)
{
	int fd;
	struct conn *c = call(listener_of("services = echo\n"), &fd);
	size_t sent = say_much(fd, sizeof(text) - 16), owed = buf_len(&c->out);
	bool ended;

	assert_true(sent < sizeof(text) - 16);
	assert_true(owed > 0 && owed <= CONN_SCRATCH);
	assert_int_equal(wanted(&c->watch), POLLOUT);
	assert_ptr_equal(c->deadline.queue, &c->listener->stalled);
	assert_int_equal(hear(fd, &ended), sent);
	assert_heard_numbers(sent);
	assert_false(ended);
	assert_int_equal(wanted(&c->watch), POLLIN);
	assert_ptr_equal(c->deadline.queue, &c->listener->idle);
	close(fd);
}

static void an_idle_connection_holds_no_buffer(void **state)
{
	int fd;
	struct conn *c = call(listener_of("services = echo\nprotocol = line\n"), &fd);

	say(fd, "abc\n");
	assert_hears(fd, "abc\n");
	assert_null(c->in.data);
	assert_null(c->out.data);
	close(fd);
}

static void of_an_unfinished_request_only_that_is_kept(void **state)
{
	int fd;
	struct conn *c = call(listener_of("services = echo\nprotocol = line\n"), &fd);

	say(fd, "one\ntw");
	assert_int_equal(buf_len(&c->in), 2);
	assert_false(c->in.borrowed);
	assert_int_equal(c->in.cap, 2);
	assert_null(c->out.data);
	say(fd, "o\n");
	assert_hears(fd, "one\ntwo\n");
	assert_null(c->in.data);
	close(fd);
}

static void a_line_is_answered_with_the_end_it_came_with(void **state)
{
	int fd;

	call(listener_of("services = upper\nprotocol = line\n"), &fd);
	say(fd, "one\r\ntwo\nthree\r\n");
	assert_hears(fd, "ONE\r\nTWO\nTHREE\r\n");
	close(fd);
}

static void two_callers_do_not_see_each_others_bytes(void **state)
{
	struct listener *l = listener_of("services = upper\nprotocol = line\n");
	int a, b;

	call(l, &a);
	call(l, &b);
	say(a, "first half,");
	say(b, "another,");
	say(a, " second\n");
	say(b, " whole\n");
	assert_hears(a, "FIRST HALF, SECOND\n");
	assert_hears(b, "ANOTHER, WHOLE\n");
	close(a);
	close(b);
}

static char order[8];

static int toil_us; /* that a request takes */

static int toil(const struct call *call)
{
	int64_t until_ns = clock_ns() + toil_us * INT64_C(1000);

	conn_charge(call->conn, 50);
	while (clock_ns() < until_ns)
		;
	if (call->argv[0].len > 0 && strlen(order) + 1 < sizeof(order))
		strncat(order, call->argv[0].data, 1);
	return say_text(call, "");
}

static const struct service toiler = {.name = "toil", .request = toil};

static void a_request_that_takes_long_ends_the_turn(void **state)
{
	struct listener *l = listener_of("services = echo\nprotocol = line\n");
	int a, b;

	l->conf->service = &toiler;
	call(l, &a);
	call(l, &b);
	order[0] = '\0';
	toil_us = 3000;
	assert_int_equal(send(a, "a\na\n", 4, 0), 4);
	assert_int_equal(send(b, "b\nb\n", 4, 0), 4);
	settle();
	assert_string_equal(order, "baba");
	close(a);
	close(b);
}

static void a_turn_that_lasts_leaves_the_rest_to_the_next(void **state)
{
	struct listener *l = listener_of("services = echo\nprotocol = line\n");
	struct conn *c;
	bool ended;
	int fd;

	l->conf->service = &toiler;
	c = call(l, &fd);
	toil_us = 200;
	memset(text, '\n', 100);
	assert_int_equal(send(fd, text, 100, 0), 100);
	assert_int_equal(loop_turn(&loop), 0);
	assert_in_range(stats.requests, 1, 10); /* of 2 ms */
	assert_true(c->unserved);
	assert_true(wanted(&c->watch) & POLLOUT);
	assert_int_equal(hear(fd, &ended), 100);
	assert_int_equal(stats.requests, 100);
	assert_false(c->unserved);
	close(fd);
}

/* What the kernel has not taken of replies, and requests behind that. */
static void requests_are_read_ahead_of_a_caller_who_takes_nothing(void **state)
{
	struct listener *l = listener_of("services = echo\nprotocol = line\nmax_owed = 64k\n");
	int fd;
	struct conn *c = call(l, &fd);
	size_t said;

	said = say_much(fd, sizeof(text) - 16);
	assert_in_range(buf_len(&c->in) + buf_len(&c->out), 64 << 10, (64 << 10) + CONN_SCRATCH);
	assert_int_equal(wanted(&c->watch), POLLOUT);
	assert_true(said < sizeof(text) - 16);
	close(fd);
}

static void what_was_asked_in_time_is_answered_at_the_idle_deadline(void **state)
{
	struct listener *l = listener_of("services = echo\nprotocol = line\n");
	int fd;
	struct conn *c = call(l, &fd);

	assert_int_equal(send(fd, "in time\n", 8, 0), 8);
	deadline_cancel(&c->deadline);
	conn_deadlines.idle(&c->deadline);
	assert_int_equal(c->state, CONN_OPEN);
	assert_ptr_equal(c->deadline.queue, &l->idle);
	assert_hears(fd, "in time\n");
	assert_int_equal(send(fd, "a part", 6, 0), 6);
	deadline_cancel(&c->deadline);
	conn_deadlines.idle(&c->deadline);
	assert_int_equal(c->state, CONN_LINGER);
	close(fd);
}

static void a_request_that_is_too_long_is_answered_with_an_error_and_the_end(void **state)
{
	int fd;
	struct conn *c =
		call(listener_of("services = echo\nprotocol = line\nmax_request = 8\n"), &fd);

	say(fd, "12345678\n123456789\nmore\n");
	assert_hears_last(fd, "12345678\nERR the request is too long\n");
	assert_int_equal(c->state, CONN_LINGER);
	close(fd);
	settle();
	assert_dead(c, stats.ended_error);
}

static void a_service_that_only_speaks_hangs_up(void **state)
{
	int fd;
	struct conn *c = call(listener_of("services = time\n"), &fd);
	bool ended;

	assert_int_equal(hear(fd, &ended), 4);
	assert_true(ended);
	assert_int_equal(c->state, CONN_LINGER);
	close(fd);
	settle();
	assert_dead(c, stats.ended_eof);
}

static void a_service_that_wants_no_input_throws_it_away(void **state)
{
	int fd;
	struct conn *c = call(listener_of("services = chargen\n"), &fd);

	settle();
	assert_true(buf_len(&c->out) > 0);
	assert_int_equal(wanted(&c->watch), POLLOUT | POLLIN);
	assert_int_equal(say_much(fd, 100000), 100000);
	assert_int_equal(c->bytes_in, 100000);
	assert_null(c->in.data);
	close(fd);
}

static void who_calls_while_much_is_left_hears_what_is_said_unasked(void **state)
{
	static const char *const keys[] = {"services = time\n", "services = chargen\n"};
	int fd;

	for (int i = 0; i < 2; i++) {
		loop.watches.ready.late = true;
		call(listener_of(keys[i]), &fd);
		assert_int_equal(recv(fd, text, 4, 0), -1);
		settle();
		assert_int_equal(recv(fd, text, 4, 0), 4);
		close(fd);
		settle();
	}
}

/* ---- the end ---- */

static void what_is_owed_at_eof_is_sent_before_closing(void **state)
{
	int fd;
	struct conn *c = call(listener_of("services = echo\nprotocol = line\n"), &fd);
	size_t sent = say_much(fd, 30000);
	size_t heard;
	bool ended;

	assert_int_equal(sent, 30000);
	shutdown(fd, SHUT_WR);
	settle();
	assert_int_equal(c->state, CONN_OPEN);
	assert_true(buf_len(&c->out) > 0);
	heard = hear(fd, &ended);
	assert_int_equal(heard, sent + (text[sent - 1] != '\n'));
	assert_heard_numbers(sent);
	assert_true(ended);
	assert_dead(c, stats.ended_eof);
	close(fd);
}

static void the_last_line_without_end_is_answered_at_eof(void **state)
{
	int fd;
	struct conn *c = call(listener_of("services = upper\nprotocol = line\n"), &fd);

	say(fd, "one\ntwo");
	shutdown(fd, SHUT_WR);
	assert_hears_last(fd, "ONE\nTWO\n");
	assert_dead(c, stats.ended_eof);
	close(fd);
}

static void only_a_caller_who_leaves_ends_what_has_no_end(void **state)
{
	int fd;
	struct conn *c = call(listener_of("services = chargen\n"), &fd);
	size_t len = 0;
	ssize_t n;

	shutdown(fd, SHUT_WR);
	while (len < 10000000) {
		settle();
		n = recv(fd, text, sizeof(text), 0);
		assert_true(n > 0);
		len += (size_t)n;
	}
	close(fd);
	settle();
	assert_dead(c, stats.ended_reset);
}

static void a_hangup_ends_it(void **state)
{
	struct listener *l = listener_of("services = echo\n");
	struct conn *idle, *owed;
	int fd;

	idle = call(l, &fd);
	close(fd);
	settle();
	assert_dead(idle, stats.ended_eof);
	owed = call(l, &fd);
	say_much(fd, 100000);
	assert_int_equal(wanted(&owed->watch), POLLOUT);
	close(fd);
	settle();
	assert_dead(owed, stats.ended_reset);
}

static void a_reset_ends_it(void **state)
{
	int fd;
	struct conn *c = call(listener_of("services = echo\n"), &fd);

	say(fd, "abc");
	close(fd); /* what is not read makes it a reset */
	settle();
	assert_dead(c, stats.ended_reset);
}

static void a_dead_connection_gives_back_all_it_had_and_is_freed_by_reap(void **state)
{
	struct listener *l = listener_of("services = echo\nprotocol = line\n");
	struct conn *c;
	int a, b;

	c = call(l, &a);
	call(l, &b);
	say(a, "unfinished");
	assert_int_equal(l->refs, 3);
	assert_int_equal(watches_count(&loop.watches), 2);
	conn_table_reap(&table);
	assert_int_equal(l->refs, 3);
	close(a);
	settle();
	assert_int_equal(c->state, CONN_DEAD);
	assert_null(c->in.data);
	assert_null(c->deadline.queue);
	assert_int_equal(fcntl(c->watch.fd, F_GETFD), -1);
	assert_int_equal(watches_count(&loop.watches), 1);
	assert_int_equal(table.clients, 1);
	assert_int_equal(l->tally->clients, 1);
	assert_int_equal(l->refs, 3);
	conn_table_reap(&table);
	assert_int_equal(l->refs, 2);
	assert_true(TAILQ_EMPTY(&table.dead));
	close(b);
}

/* ---- deadlines ---- */

static void a_caller_who_asks_nothing_is_hung_up_on(void **state)
{
	int fd;
	struct conn *c = call(listener_of("services = echo\nidle_timeout = 10ms\n"), &fd);

	turn_until(c->state != CONN_OPEN);
	assert_int_equal(c->state, CONN_LINGER);
	assert_hears_last(fd, "");
	close(fd);
	settle();
	assert_dead(c, stats.ended_idle);
}

static void a_caller_who_takes_nothing_is_cut_off(void **state)
{
	int fd;
	struct conn *c = call(listener_of("services = chargen\nwrite_timeout = 10ms\n"), &fd);

	turn_until(c->state != CONN_OPEN);
	assert_dead(c, stats.ended_stalled);
	close(fd);
}

static void a_caller_who_was_hung_up_on_and_stays_is_cut_off(void **state)
{
	struct conn *c;
	int fd;

	table.linger.timeout_ms = 10;
	c = call(listener_of("services = time\n"), &fd);
	assert_int_equal(c->state, CONN_LINGER);
	turn_until(c->state == CONN_DEAD);
	close(fd);
}

/* Whether what is said starts the deadline anew. */
static bool postpones(const struct listener *l, struct conn *c, int fd, const char *what)
{
	int64_t due_ms = --c->deadline.due_ms;

	say(fd, what);
	assert_ptr_equal(c->deadline.queue, &l->idle);
	return c->deadline.due_ms > due_ms;
}

static void only_a_whole_request_postpones_the_idle_deadline(void **state)
{
	struct listener *l = listener_of("services = echo\nprotocol = line\n");
	int fd;
	struct conn *c = call(l, &fd);

	assert_false(postpones(l, c, fd, "par"));
	assert_false(postpones(l, c, fd, "t"));
	assert_true(postpones(l, c, fd, "\n"));
	l = listener_of("services = discard\n");
	close(fd);
	c = call(l, &fd);
	assert_true(postpones(l, c, fd, "anything"));
	close(fd);
}

static void a_caller_who_takes_something_postpones_the_write_deadline(void **state)
{
	int fd;
	struct conn *c = call(listener_of("services = chargen\n"), &fd);
	int64_t due_ms;

	settle();
	due_ms = --c->deadline.due_ms;
	say(fd, "not this");
	assert_ptr_equal(c->deadline.queue, &c->listener->stalled);
	while (recv(fd, text, sizeof(text), 0) > 0)
		continue;
	settle();
	assert_true(c->deadline.due_ms > due_ms);
	close(fd);
}

/* ---- who gets in ---- */

static void a_caller_without_a_place_is_told(void **state)
{
	struct listener *l = listener_of("services = echo\n");
	struct conn *in, *out;
	int a, b;

	table.max_clients = 1;
	in = call(l, &a);
	out = call(l, &b);
	say(b, "hello?");
	assert_hears_last(b, "ERR too many clients, try again later\n");
	assert_int_equal(out->state, CONN_LINGER);
	assert_int_equal(table.clients, 1);
	assert_int_equal(table.turned_away, 1);
	close(b);
	settle();
	assert_dead(out, stats.ended_full);
	assert_int_equal(table.turned_away, 0);
	close(a);
	settle();
	assert_dead(in, stats.ended_eof);
	assert_int_equal(table.clients, 0);
	call(l, &a);
	say(a, "now");
	assert_hears(a, "now");
	close(a);
}

static void a_full_listener_leaves_the_others_open(void **state)
{
	struct listener *l = listener_of("services = echo\nmax_clients = 1\n");
	int a, b, c;

	call(l, &a);
	call(l, &b);
	assert_hears_last(b, "ERR too many clients, try again later\n");
	call(listener_of("services = echo\n"), &c);
	say(c, "hello");
	assert_hears(c, "hello");
	close(a);
	close(b);
	close(c);
}

static void not_more_than_64_are_being_told(void **state)
{
	struct listener *l = listener_of("services = echo\n");
	struct conn *c = NULL;
	int fds[65];

	table.max_clients = 0;
	for (int i = 0; i < 65; i++)
		c = call(l, &fds[i]);
	assert_dead(c, stats.ended_full);
	assert_hears_last(fds[64], "");
	assert_int_equal(table.turned_away, 64);
	for (int i = 0; i < 65; i++)
		close(fds[i]);
	settle();
	assert_int_equal(table.turned_away, 0);
	assert_int_equal(stats.ended_full, 65);
}

static void one_address_has_its_own_limit(void **state)
{
	struct listener *l = listener_of("services = echo\nmax_clients_per_ip = 1\n");
	int first, second, other, local;

	call_from(l, "10.0.0.1", &first);
	call_from(l, "10.0.0.1", &second);
	assert_hears_last(second, "ERR too many clients from your address\n");
	call_from(l, "10.0.0.2", &other);
	assert_null(call(l, &local)->source);
	close(first);
	settle();
	close(second);
	call_from(l, "10.0.0.1", &second);
	assert_hears(second, "");
	assert_hears(other, "");
	assert_hears(local, "");
	assert_int_equal(table.clients, 3);
	close(second);
	close(other);
	close(local);
}

static void who_is_not_on_the_list_is_refused(void **state)
{
	struct listener *l = listener_of("services = echo\nallow = 10.0.0.0/8\n");
	struct conn *in, *out;
	int a, b;

	in = call_from(l, "10.1.2.3", &a);
	out = call_from(l, "11.1.2.3", &b);
	assert_int_equal(in->state, CONN_OPEN);
	assert_dead(out, stats.ended_refused);
	assert_hears_last(b, "");
	assert_int_equal(table.clients, 1);
	assert_int_equal(table.turned_away, 0);
	close(a);
	close(b);
}

static bool is_served(const char *key, unsigned id)
{
	enum conn_state now;
	char keys[128];
	int fd;

	snprintf(keys, sizeof(keys), "services = echo\n%s = %u\n", key, id);
	now = call(listener_of(keys), &fd)->state;
	close(fd);
	assert_true(now == CONN_OPEN || now == CONN_DEAD);
	return now == CONN_OPEN;
}

static void a_unix_socket_knows_users_and_groups(void **state)
{
	assert_true(is_served("allow_users", getuid()));
	assert_false(is_served("allow_users", getuid() + 1));
	assert_true(is_served("allow_groups", getgid()));
	assert_false(is_served("allow_groups", 123456));
	assert_true(is_served("allow_users = 123456\nallow_groups", getgid()));
	assert_true(is_served("allow = 10.0.0.0/8\nmax_clients", 1));
}

static void peers_are_printed_with_port_or_user(void **state)
{
	struct addr six = addr_of("tcp", "[2001:db8::1]", 443);
	char expected[64];
	struct peer peer;
	int fds[2];

	peer_set(&peer, caller("10.0.0.1"), -1);
	peer_print(&peer, text);
	assert_string_equal(text, "10.0.0.1:1234");
	peer_set(&peer, &six.sa, -1);
	peer_print(&peer, text);
	assert_string_equal(text, "[2001:db8::1]:443");
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	peer_set(&peer, caller(NULL), fds[0]);
	peer_print(&peer, text);
	snprintf(expected, sizeof(expected), "unix:uid=%u,pid=%d", getuid(), (int)getpid());
	assert_string_equal(text, expected);
	close(fds[0]);
	close(fds[1]);
}

/* ---- the daemon stops ---- */

static void draining_answers_what_had_arrived_and_no_more(void **state)
{
	int fd;
	struct conn *c = call(listener_of("services = upper\nprotocol = line\n"), &fd);

	say(fd, "one\ntw");
	assert_int_equal(send(fd, "o\nthree\nfo", 10, 0), 10);
	conn_table_drain(&table);
	say(fd, "ur\n");
	assert_hears_last(fd, "ONE\nTWO\nTHREE\n");
	assert_int_equal(c->state, CONN_LINGER);
	close(fd);
	settle();
	assert_dead(c, stats.ended_drain);
}

static void draining_waits_for_a_slow_reader(void **state)
{
	int fd;
	struct conn *c = call(listener_of("services = echo\n"), &fd);
	bool ended;

	assert_int_equal(say_much(fd, 100000), 100000);
	conn_table_drain(&table);
	say(fd, "late");
	assert_int_equal(c->state, CONN_OPEN);
	assert_int_equal(hear(fd, &ended), 100000);
	assert_heard_numbers(100000);
	assert_true(ended);
	close(fd);
	settle();
	assert_dead(c, stats.ended_drain);
}

static void draining_hangs_up_on_who_is_owed_nothing(void **state)
{
	static const char *const keys[] = {"services = echo\n", "services = discard\n",
					   "services = chargen\n"};
	int fds[3];
	bool ended;

	for (int i = 0; i < 3; i++)
		call(listener_of(keys[i]), &fds[i]);
	conn_table_drain(&table);
	for (int i = 0; i < 3; i++) {
		hear(fds[i], &ended);
		assert_true(ended);
		close(fds[i]);
	}
	settle();
	assert_int_equal(stats.ended_drain, 3);
	assert_true(TAILQ_EMPTY(&table.live));
}

static void closing_ends_all_at_once(void **state)
{
	struct listener *l = listener_of("services = chargen\n");
	int fds[2];

	for (int i = 0; i < 2; i++)
		call(l, &fds[i]);
	conn_table_close(&table);
	assert_true(TAILQ_EMPTY(&table.live));
	assert_int_equal(table.clients, 0);
	assert_int_equal(watches_count(&loop.watches), 0);
	conn_table_reap(&table);
	assert_true(TAILQ_EMPTY(&table.dead));
	close(fds[0]);
	close(fds[1]);
}

/* ---- a reply that takes more than one turn ---- */

static struct {
	struct task task;
	struct conn *c; /* NULL: gone */
	int ends;       /* of the input, that it was told of */
} waiting[3];

static bool fails;

static enum task_progress waiting_more(const struct call *call, struct task *t)
{
	return fails ? TASK_FAILED : TASK_WAITS;
}

/* The next one has its turn. */
static void waiting_gone(struct task *t)
{
	int next = 0;

	while (&waiting[next].task != t)
		next++;
	waiting[next++].c = NULL;
	if (next < 3 && waiting[next].c != NULL)
		conn_wake(waiting[next].c);
}

static void waiting_eof(const struct call *call, struct task *t)
{
	for (int i = 0; i < 3; i++)
		waiting[i].ends += &waiting[i].task == t;
}

static int wait_begin(const struct call *call)
{
	int i = call->argv[0].data[0] - '0';

	waiting[i].task =
		(struct task){.more = waiting_more, .gone = waiting_gone, .eof = waiting_eof};
	waiting[i].c = call->conn;
	waiting[i].ends = 0;
	conn_task(call->conn, &waiting[i].task);
	return 0;
}

static const struct service waiter = {.name = "wait", .request = wait_begin};

static void closing_ends_those_whose_turn_comes_by_it(void **state)
{
	struct listener *l = listener_of("services = echo\nprotocol = line\n");
	int fds[3];

	l->conf->service = &waiter;
	fails = false;
	for (int i = 0; i < 3; i++) {
		char line[] = {(char)('0' + i), '\n', '\0'};

		call(l, &fds[i]);
		say(fds[i], line);
		assert_non_null(waiting[i].c);
	}
	fails = true;
	conn_table_close(&table);
	assert_true(TAILQ_EMPTY(&table.live));
	for (int i = 0; i < 3; i++) {
		assert_null(waiting[i].c);
		close(fds[i]);
	}
}

static void a_task_is_told_once_of_the_end_even_if_what_is_before_it_cannot_be_read(void **state)
{
	struct listener *l = listener_of("services = echo\nprotocol = line\nmax_owed = 4k\n");
	int fd;
	struct conn *c = call(l, &fd);

	l->conf->service = &waiter;
	fails = false;
	say(fd, "0\n");
	say_much(fd, sizeof(text) - 16);
	assert_int_equal(wanted(&c->watch), POLLRDHUP);
	assert_int_equal(waiting[0].ends, 0);
	shutdown(fd, SHUT_WR);
	settle();
	assert_int_equal(waiting[0].ends, 1);
	assert_int_equal(wanted(&c->watch), 0);
	assert_ptr_equal(waiting[0].c, c);
	close(fd);
	settle();
	assert_null(waiting[0].c);
}

static void a_task_is_told_of_the_end_while_draining(void **state)
{
	struct listener *l = listener_of("services = echo\nprotocol = line\n");
	int fd;

	call(l, &fd);
	l->conf->service = &waiter;
	fails = false;
	say(fd, "0\n");
	conn_table_drain(&table);
	settle();
	assert_int_equal(waiting[0].ends, 0);
	shutdown(fd, SHUT_WR);
	settle();
	assert_int_equal(waiting[0].ends, 1);
	close(fd);
	settle();
	assert_null(waiting[0].c);
}

/* ---- a task that takes requests ---- */

static struct {
	struct task task;
	struct conn *c;      /* NULL: gone, or done */
	char taken[1 << 20]; /* the requests, with a newline each */
	size_t len;
	unsigned room;    /* that it takes, as of now */
	unsigned offered; /* requests */
	unsigned ends;    /* that none would come */
	bool done;
	const char *says; /* before anything else */
} taker;

static enum task_progress taker_more(const struct call *call, struct task *t)
{
	const char *says = taker.says;

	taker.says = NULL;
	if (says != NULL)
		return say_text(call, says) < 0 ? TASK_FAILED : TASK_WRITES;
	if (!taker.done)
		return TASK_WAITS;
	taker.c = NULL;
	return say_text(call, "done") < 0 ? TASK_FAILED : TASK_DONE;
}

static void taker_gone(struct task *t)
{
	taker.c = NULL;
}

static int taker_request(const struct call *call, struct task *t)
{
	taker.offered += call->argc > 0;
	if (taker.room == 0)
		return 0;
	if (call->argc == 0 || slice_is(&call->argv[0], "other")) {
		taker.ends += call->argc == 0;
		t->request = NULL;
		return 0;
	}
	if (slice_is(&call->argv[0], "fail"))
		return -1;
	for (int64_t until_ns = clock_ns() + toil_us * INT64_C(1000); clock_ns() < until_ns;)
		continue;
	taker.room--;
	memcpy(taker.taken + taker.len, call->argv[0].data, call->argv[0].len);
	taker.len += call->argv[0].len;
	taker.taken[taker.len++] = '\n';
	return 1;
}

/* "begin" is answered by the task, anything else with itself. */
static int taker_begin(const struct call *call)
{
	if (!slice_is(&call->argv[0], "begin"))
		return say_bytes(call, call->argv[0].data, call->argv[0].len);
	taker.task =
		(struct task){.more = taker_more, .gone = taker_gone, .request = taker_request};
	taker.c = call->conn;
	conn_task(call->conn, &taker.task);
	return 0;
}

static const struct service taking = {.name = "take", .request = taker_begin};

/* A connection whose first request it answers. */
static struct conn *call_taker(const char *keys, const char *begin, int *fd)
{
	struct listener *l = listener_of(keys);
	struct conn *c = call(l, fd);

	l->conf->service = &taking;
	memset(&taker, 0, sizeof(taker));
	taker.room = UINT_MAX;
	toil_us = 0;
	say(*fd, begin);
	assert_ptr_equal(taker.c, c);
	return c;
}

#define TAKES_LINES "services = echo\nprotocol = line\n"
#define TAKES_RESP "services = echo\nprotocol = resp\n"

static void assert_taken(const char *what)
{
	assert_int_equal(taker.len, strlen(what));
	assert_memory_equal(taker.taken, what, taker.len);
}

static void taker_wake(unsigned room)
{
	taker.room = room;
	loop.watches.ready.clock_ns = clock_ns();
	conn_wake(taker.c);
	settle();
}

static void taker_finish(void)
{
	taker.done = true;
	loop.watches.ready.clock_ns = clock_ns();
	conn_wake(taker.c);
	settle();
}

static void a_task_takes_what_follows_cut_at_every_byte_and_the_rest_is_served_after(void **state)
{
	static const char said[] = "begin\none\ntwo\nother\nthree\n";
	struct listener *l = listener_of(TAKES_LINES);
	int fd;

	l->conf->service = &taking;
	call(l, &fd);
	memset(&taker, 0, sizeof(taker));
	taker.room = UINT_MAX;
	toil_us = 0;
	for (size_t i = 0; said[i] != '\0'; i++)
		say(fd, (char[]){said[i], '\0'});
	assert_taken("one\ntwo\n");
	assert_hears(fd, "");
	taker_finish();
	assert_hears(fd, "done\nother\nthree\n");
	assert_int_equal(stats.requests, 5);
	close(fd);
}

static void a_task_takes_what_has_come_in_one_piece_with_its_own(void **state)
{
	int fd;

	call_taker(TAKES_LINES, "before\nbegin\none\ntwo\nother\n", &fd);
	assert_taken("one\ntwo\n");
	taker_finish();
	assert_hears(fd, "before\ndone\nother\n");
	close(fd);
}

/* Quotes in a line of words are undone where it is looked at, twice here. */
static void what_a_task_leaves_is_served_as_it_came(void **state)
{
	int fd;

	call_taker(TAKES_RESP, "begin\r\n'a b'\r\n", &fd);
	taker.room = 0;
	say(fd, "\"c\\td\"\r\n");
	taker_wake(UINT_MAX);
	assert_taken("a b\nc\td\n");
	say(fd, "\"other\"\r\n'e f'\r\n");
	taker_finish();
	assert_hears(fd, "$4\r\ndone\r\n$5\r\nother\r\n$3\r\ne f\r\n");
	close(fd);
}

static void what_a_task_cannot_take_now_waits_and_bounds_what_is_read(void **state)
{
	int fd;
	struct conn *c = call_taker(TAKES_LINES "max_owed = 64k\n", "begin\n", &fd);
	size_t said;
	unsigned offered;

	taker.room = 0;
	said = say_much(fd, sizeof(text) - 16);
	assert_true(said < sizeof(text) - 16);
	assert_in_range(buf_len(&c->in), 64 << 10, (64 << 10) + CONN_SCRATCH);
	assert_int_equal(wanted(&c->watch), 0);
	assert_null(c->deadline.queue);
	offered = taker.offered;
	settle();
	assert_int_equal(taker.offered, offered);
	taker_wake(1);
	assert_taken("0\n");
	assert_in_range(taker.offered, offered + 2, offered + 4); /* and when more was read */
	taker_wake(UINT_MAX);
	say(fd, "\n");
	assert_int_equal(taker.len, said + 1);
	memcpy(text, taker.taken, said);
	assert_heard_numbers(said);
	assert_int_equal(wanted(&c->watch), POLLIN);
	close(fd);
}

static void a_task_takes_a_request_longer_than_what_is_read_ahead(void **state)
{
	static char line[30000];
	int fd;

	call_taker(TAKES_LINES "max_owed = 4k\n", "begin\n", &fd);
	memset(line, 'x', sizeof(line) - 2);
	line[sizeof(line) - 2] = '\n';
	for (size_t at = 0; at < sizeof(line) - 1; at += 3000) {
		size_t len = sizeof(line) - 1 - at < 3000 ? sizeof(line) - 1 - at : 3000;

		assert_int_equal(send(fd, line + at, len, 0), len);
		settle();
	}
	assert_taken(line);
	close(fd);
}

static void a_task_takes_requests_while_its_peer_takes_nothing(void **state)
{
	static char much[400000];
	int fd;
	struct conn *c;
	bool ended;

	memset(much, 'x', sizeof(much) - 1);
	c = call_taker(TAKES_LINES "max_owed = 4k\n", "begin\n", &fd);
	taker.says = much;
	taker_wake(UINT_MAX);
	assert_true(buf_len(&c->out) > 64 << 10);
	say(fd, "one\n");
	say(fd, "two\n");
	assert_taken("one\ntwo\n");
	assert_int_equal(hear(fd, &ended), sizeof(much));
	taker_finish();
	assert_hears(fd, "done\n");
	close(fd);
}

static void taking_that_lasts_leaves_the_rest_to_the_next_turn(void **state)
{
	int fd;
	struct conn *c = call_taker(TAKES_LINES, "begin\n", &fd);

	toil_us = 200;
	memset(text, '\n', 400);
	assert_int_equal(send(fd, text, 400, 0), 400);
	assert_int_equal(loop_turn(&loop), 0);
	assert_in_range(taker.len, 1, 100); /* of 2 ms, looked at after 32 */
	assert_true(c->unserved);
	assert_true(wanted(&c->watch) & POLLOUT);
	settle();
	assert_int_equal(taker.len, 400);
	assert_false(c->unserved);
	assert_int_equal(wanted(&c->watch), POLLIN);
	close(fd);
}

static void a_task_is_told_that_none_will_come_when_it_has_taken_all(void **state)
{
	int fd;

	call_taker(TAKES_LINES, "begin\n", &fd);
	taker.room = 0;
	say(fd, "one\ntwo");
	shutdown(fd, SHUT_WR);
	settle();
	assert_int_equal(taker.ends, 0);
	taker_wake(1);
	assert_taken("one\n");
	assert_int_equal(taker.ends, 0);
	taker_wake(1);
	assert_taken("one\ntwo\n");
	assert_int_equal(taker.ends, 0);
	taker_wake(1);
	assert_int_equal(taker.ends, 1);
	taker_finish();
	assert_hears_last(fd, "done\n");
	close(fd);
}

static void a_task_whose_input_ends_within_a_request_ends_with_an_error(void **state)
{
	int fd;
	struct conn *c = call_taker(TAKES_RESP, "begin\r\n", &fd);

	say(fd, "one\r\n*1\r\n$5\r\ntw");
	shutdown(fd, SHUT_WR);
	assert_hears_last(fd, "-ERR Protocol error: the connection ends within a request\r\n");
	assert_taken("one\n");
	assert_int_equal(taker.ends, 0);
	assert_null(taker.c);
	assert_dead(c, stats.ended_error);
	close(fd);
}

static void what_is_no_request_ends_a_task_that_takes_them(void **state)
{
	int fd;

	call_taker(TAKES_RESP, "begin\r\n", &fd);
	say(fd, "one\r\n*x\r\n");
	assert_hears_last(fd, "-ERR Protocol error: invalid multibulk length\r\n");
	assert_null(taker.c);
	close(fd);
	call_taker(TAKES_RESP, "begin\r\n", &fd);
	say(fd, "POST / HTTP/1.1\r\n");
	assert_hears_last(fd, "");
	assert_null(taker.c);
	close(fd);
}

/* But not while it answers one that it does not take. */
static void what_is_no_request_waits_for_the_end_of_a_task_that_takes_no_more(void **state)
{
	int fd;

	call_taker(TAKES_RESP, "begin\r\n", &fd);
	say(fd, "other\r\n*x\r\n");
	assert_non_null(taker.c);
	taker_finish();
	assert_hears_last(fd, "$4\r\ndone\r\n$5\r\nother\r\n"
			      "-ERR Protocol error: invalid multibulk length\r\n");
	close(fd);
}

static void a_task_that_cannot_take_a_request_ends_the_connection(void **state)
{
	int fd;
	struct conn *c = call_taker(TAKES_LINES, "begin\n", &fd);

	say(fd, "fail\n");
	assert_null(taker.c);
	assert_dead(c, stats.ended_error);
	close(fd);
}

static void a_task_takes_requests_while_draining_until_none_will_come(void **state)
{
	int fd;
	struct conn *c = call_taker(TAKES_LINES, "begin\n", &fd);

	say(fd, "one\n");
	conn_table_drain(&table);
	say(fd, "two\n");
	assert_taken("one\ntwo\n");
	assert_int_equal(c->state, CONN_OPEN);
	say(fd, "other\n");
	say(fd, "late\n");
	taker_finish();
	assert_hears_last(fd, "done\nother\n");
	close(fd);
	settle();
	assert_dead(c, stats.ended_drain);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FIXTURE_TEST(a_request_is_answered_in_the_turn_it_came),
		FIXTURE_TEST(who_does_not_take_replies_is_not_read_from),
		FIXTURE_TEST(an_idle_connection_holds_no_buffer),
		FIXTURE_TEST(of_an_unfinished_request_only_that_is_kept),
		FIXTURE_TEST(a_line_is_answered_with_the_end_it_came_with),
		FIXTURE_TEST(two_callers_do_not_see_each_others_bytes),
		FIXTURE_TEST(a_turn_that_lasts_leaves_the_rest_to_the_next),
		FIXTURE_TEST(a_request_that_takes_long_ends_the_turn),
		FIXTURE_TEST(requests_are_read_ahead_of_a_caller_who_takes_nothing),
		FIXTURE_TEST(what_was_asked_in_time_is_answered_at_the_idle_deadline),
		FIXTURE_TEST(a_request_that_is_too_long_is_answered_with_an_error_and_the_end),
		FIXTURE_TEST(a_service_that_only_speaks_hangs_up),
		FIXTURE_TEST(a_service_that_wants_no_input_throws_it_away),
		FIXTURE_TEST(who_calls_while_much_is_left_hears_what_is_said_unasked),
		FIXTURE_TEST(what_is_owed_at_eof_is_sent_before_closing),
		FIXTURE_TEST(the_last_line_without_end_is_answered_at_eof),
		FIXTURE_TEST(only_a_caller_who_leaves_ends_what_has_no_end),
		FIXTURE_TEST(a_hangup_ends_it),
		FIXTURE_TEST(a_reset_ends_it),
		FIXTURE_TEST(a_dead_connection_gives_back_all_it_had_and_is_freed_by_reap),
		FIXTURE_TEST(a_caller_who_asks_nothing_is_hung_up_on),
		FIXTURE_TEST(a_caller_who_takes_nothing_is_cut_off),
		FIXTURE_TEST(a_caller_who_was_hung_up_on_and_stays_is_cut_off),
		FIXTURE_TEST(only_a_whole_request_postpones_the_idle_deadline),
		FIXTURE_TEST(a_caller_who_takes_something_postpones_the_write_deadline),
		FIXTURE_TEST(a_caller_without_a_place_is_told),
		FIXTURE_TEST(a_full_listener_leaves_the_others_open),
		FIXTURE_TEST(not_more_than_64_are_being_told),
		FIXTURE_TEST(one_address_has_its_own_limit),
		FIXTURE_TEST(who_is_not_on_the_list_is_refused),
		FIXTURE_TEST(a_unix_socket_knows_users_and_groups),
		FIXTURE_TEST(peers_are_printed_with_port_or_user),
		FIXTURE_TEST(draining_answers_what_had_arrived_and_no_more),
		FIXTURE_TEST(draining_waits_for_a_slow_reader),
		FIXTURE_TEST(draining_hangs_up_on_who_is_owed_nothing),
		FIXTURE_TEST(closing_ends_all_at_once),
		FIXTURE_TEST(closing_ends_those_whose_turn_comes_by_it),
		FIXTURE_TEST(
			a_task_is_told_once_of_the_end_even_if_what_is_before_it_cannot_be_read),
		FIXTURE_TEST(a_task_is_told_of_the_end_while_draining),
		FIXTURE_TEST(
			a_task_takes_what_follows_cut_at_every_byte_and_the_rest_is_served_after),
		FIXTURE_TEST(a_task_takes_what_has_come_in_one_piece_with_its_own),
		FIXTURE_TEST(what_a_task_leaves_is_served_as_it_came),
		FIXTURE_TEST(what_a_task_cannot_take_now_waits_and_bounds_what_is_read),
		FIXTURE_TEST(a_task_takes_a_request_longer_than_what_is_read_ahead),
		FIXTURE_TEST(a_task_takes_requests_while_its_peer_takes_nothing),
		FIXTURE_TEST(taking_that_lasts_leaves_the_rest_to_the_next_turn),
		FIXTURE_TEST(a_task_is_told_that_none_will_come_when_it_has_taken_all),
		FIXTURE_TEST(a_task_whose_input_ends_within_a_request_ends_with_an_error),
		FIXTURE_TEST(what_is_no_request_ends_a_task_that_takes_them),
		FIXTURE_TEST(what_is_no_request_waits_for_the_end_of_a_task_that_takes_no_more),
		FIXTURE_TEST(a_task_that_cannot_take_a_request_ends_the_connection),
		FIXTURE_TEST(a_task_takes_requests_while_draining_until_none_will_come),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
