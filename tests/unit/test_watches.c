/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "core/close_from.h"
#include "core/deadline.h"
#include "core/watches.h"

#define QUIET_MS 25    /* after which a hot watch has been quiet */
#define CHUNK_MAX 4096 /* bytes at a time */

/* ---- a watch on one end of something, and who works on the other ---- */

enum kind { PIPE, TCP, UNIX, UDP, PIDFD, KINDS };

struct subject {
	struct watch watch;
	enum kind kind;
	int peer; /* the other end, or a pid; -1: closed */
	bool watched;
	int calls;
	short revents;
	void (*called)(struct subject *s);
};

static struct watches ws;
static int64_t now_ms;
static int listener;

static const uint8_t tells_of[KINDS] = {
	[PIPE] = WATCH_TELLS_ALL,        [TCP] = WATCH_TELLS_ALL,       [UDP] = WATCH_TELLS_ALL,
	[UNIX] = WATCH_TELLS_AFTER_SEND, [PIDFD] = WATCH_TELLS_NOTHING,
};

static void subject_ready(struct watch *w, short revents)
{
	struct subject *s = container_of(w, struct subject, watch);

	s->calls++;
	s->revents = revents;
	if (s->called != NULL)
		s->called(s);
}

/* A listening, or a datagram, socket on a port of the kernel's choice. */
static int loopback(int type)
{
	struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, type, 0);

	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&in, sizeof(in)), 0);
	return fd;
}

static void connect_to(int fd, int other)
{
	struct sockaddr_in in;
	socklen_t len = sizeof(in);

	assert_int_equal(getsockname(other, (struct sockaddr *)&in, &len), 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&in, len), 0);
}

/* fds[0] is ours, which resets when it is closed: no port is left waiting. */
static void tcp_pair(int fds[2])
{
	const struct linger reset = {1, 0};
	int small = 1;

	fds[1] = socket(AF_INET, SOCK_STREAM, 0);
	setsockopt(fds[1], SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
	connect_to(fds[1], listener);
	fds[0] = accept(listener, NULL, NULL);
	assert_true(fds[0] >= 0);
	setsockopt(fds[0], SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
}

static void udp_pair(int fds[2])
{
	fds[0] = loopback(SOCK_DGRAM);
	fds[1] = loopback(SOCK_DGRAM);
	connect_to(fds[1], fds[0]);
}

/* fds[1] is the pid of a child that waits to be killed. */
static void pidfd_pair(int fds[2])
{
	fds[1] = fork();
	assert_true(fds[1] >= 0);
	if (fds[1] == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		alarm(300);
		close_from(0, 0); /* whoever reads the test's output is not to wait for it */
		for (;;)
			pause();
	}
	fds[0] = (int)syscall(SYS_pidfd_open, fds[1], 0);
	assert_true(fds[0] >= 0);
}

static void subject_watch(struct subject *s, uint16_t events)
{
	if (!s->watched)
		assert_int_equal(watches_add(&ws, &s->watch, events), 0);
	s->watched = true;
}

static void subject_open(struct subject *s, enum kind kind, uint16_t events)
{
	int fds[2], small = 1;

	*s = (struct subject){.kind = kind, .calls = s->calls, .called = s->called};
	switch (kind) {
	case PIPE:
		assert_int_equal(pipe(fds), 0);
		break;
	case TCP:
		tcp_pair(fds);
		break;
	case UNIX:
		assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
		break;
	case UDP:
		udp_pair(fds);
		break;
	default:
		pidfd_pair(fds);
		break;
	}
	setsockopt(fds[0], SOL_SOCKET, SO_SNDBUF, &small, sizeof(small));
	if (kind != PIDFD) {
		fcntl(fds[0], F_SETFL, O_NONBLOCK);
		fcntl(fds[1], F_SETFL, O_NONBLOCK);
	}
	s->watch = (struct watch){.fd = fds[0], .ready = subject_ready, .tells = tells_of[kind]};
	s->peer = fds[1];
	subject_watch(s, events);
}

/* What makes the subject ready: bytes, or the child's end. */
static void peer_writes(struct subject *s)
{
	if (s->peer < 0)
		return;
	if (s->kind == PIDFD)
		kill(s->peer, SIGKILL);
	else if (s->kind == PIPE)
		(void)!write(s->peer, "x", 1);
	else
		send(s->peer, "x", 1, MSG_NOSIGNAL);
}

static void peer_reads(const struct subject *s)
{
	char bytes[CHUNK_MAX];

	while (s->peer >= 0 && recv(s->peer, bytes, sizeof(bytes), 0) > 0)
		;
}

static void peer_closes(struct subject *s)
{
	if (s->peer >= 0 && s->kind == PIDFD) {
		kill(s->peer, SIGKILL);
		assert_int_equal(waitpid(s->peer, NULL, 0), s->peer);
	} else if (s->peer >= 0) {
		close(s->peer);
	}
	s->peer = -1;
}

static void subject_reads(const struct subject *s)
{
	char bytes[CHUNK_MAX];

	if (s->kind != PIDFD)
		(void)!read(s->watch.fd, bytes, sizeof(bytes));
}

/* As an owner does, who has more to send than goes. */
static void subject_sends(struct subject *s)
{
	static const char bytes[CHUNK_MAX];
	ssize_t n;

	while ((n = send(s->watch.fd, bytes, sizeof(bytes), MSG_NOSIGNAL)) > 0)
		;
	s->watch.full = n < 0 && errno == EAGAIN;
}

static void subject_drop(struct subject *s)
{
	if (s->watched)
		watches_drop(&ws, &s->watch);
	s->watched = false;
	s->calls++; /* it owes no event any more */
}

static void subject_close(struct subject *s)
{
	subject_drop(s);
	close(s->watch.fd);
	peer_closes(s);
}

static void turn(void)
{
	assert_int_equal(watches_poll(&ws, 0), 0);
	watches_dispatch(&ws, now_ms);
}

/* So that all are cold that can be. */
static void quiet(void)
{
	for (int i = 0; i < 10; i++) {
		now_ms += QUIET_MS;
		turn();
	}
}

static void queue_limit(rlim_t signals)
{
	struct rlimit limit;

	assert_int_equal(getrlimit(RLIMIT_SIGPENDING, &limit), 0);
	limit.rlim_cur = signals < limit.rlim_max ? signals : limit.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_SIGPENDING, &limit), 0);
}

static int open_all(void **state)
{
	queue_limit(RLIM_INFINITY);
	listener = loopback(SOCK_STREAM);
	assert_int_equal(listen(listener, 16), 0);
	now_ms = 1000;
	assert_int_equal(watches_init(&ws), 0);
	turn();
	return 0;
}

static int close_all(void **state)
{
	queue_limit(RLIM_INFINITY);
	close(listener);
	watches_free(&ws);
	return 0;
}

/* ---- dispatch ---- */

static struct subject some[100];
static struct subject *victim; /* dropped by the first that is called */
static bool reuse;             /* and watched again at once */

static void drops_the_victim(struct subject *s)
{
	struct subject *v = victim;

	victim = NULL;
	if (v == NULL)
		return;
	watches_drop(&ws, &v->watch);
	v->watched = false;
	if (reuse)
		subject_watch(v, POLLIN);
}

/* Ready pipes. */
static void some_open(int count, bool used_again, int dropped)
{
	for (int i = 0; i < count; i++) {
		some[i] = (struct subject){0};
		subject_open(&some[i], PIPE, POLLIN);
		peer_writes(&some[i]);
	}
	victim = dropped >= 0 ? &some[dropped] : NULL;
	reuse = used_again;
}

static void some_close(int count)
{
	for (int i = 0; i < count; i++)
		subject_close(&some[i]);
}

static void every_ready_watch_has_one_turn(void **state)
{
	some_open(100, false, -1);
	for (int lap = 1; lap < 5; lap++) {
		turn();
		for (int i = 0; i < 100; i++) {
			assert_int_equal(some[i].calls, lap);
			assert_int_equal(some[i].revents, POLLIN);
		}
	}
	some_close(100);
}

static void a_watch_that_wants_nothing_is_left_alone(void **state)
{
	some_open(2, false, -1);
	watches_want(&ws, &some[0].watch, 0);
	turn();
	assert_int_equal(some[0].calls, 0);
	assert_int_equal(some[1].calls, 1);
	some_close(2);
}

static void an_ignored_watch_is_not_even_told_of_errors(void **state)
{
	some_open(1, false, -1);
	watches_want(&ws, &some[0].watch, WATCH_IGNORED);
	quiet();
	peer_writes(&some[0]);
	peer_closes(&some[0]);
	quiet();
	assert_int_equal(some[0].calls, 0);
	watches_want(&ws, &some[0].watch, POLLIN);
	turn();
	assert_int_equal(some[0].revents, POLLIN | POLLHUP);
	some_close(1);
}

static void dropped_in_a_turn(bool used_again)
{
	for (int i = 0; i < 4; i++) {
		for (int j = 0; j < 4; j++) {
			some_open(4, used_again, j);
			some[i].called = drops_the_victim;
			turn();
			assert_int_equal(watches_count(&ws), used_again ? 4 : 3);
			for (int k = 0; k < 4; k++)
				assert_int_equal(some[k].calls, k != j || j >= i);
			turn();
			for (int k = 0; k < 4; k++)
				assert_int_equal(some[k].calls, k != j ? 2 : (j >= i) + used_again);
			some_close(4);
		}
	}
}

static void a_watch_dropped_by_another_is_not_called(void **state)
{
	dropped_in_a_turn(false);
}

static void a_watch_used_again_waits_for_the_next_turn(void **state)
{
	dropped_in_a_turn(true);
}

static int64_t fake_ns; /* the clock, as the library reads it */

static int64_t used_ns; /* of the processor, likewise */
static long interrupts;

int clock_gettime(clockid_t id, struct timespec *ts)
{
	int64_t ns = id == CLOCK_MONOTONIC ? fake_ns : used_ns;

	*ts = (struct timespec){ns / 1000000000, ns % 1000000000};
	return 0;
}

int getrusage(__rusage_who_t who, struct rusage *usage)
{
	*usage = (struct rusage){.ru_nivcsw = interrupts};
	return 0;
}

static struct subject *order[200];
static int order_count;

static void takes(struct subject *s, int64_t ns)
{
	order[order_count++] = s;
	fake_ns += ns;
	used_ns += ns;
}

static void takes_2_ms(struct subject *s)
{
	takes(s, 2000000);
}

static void takes_02_ms(struct subject *s)
{
	takes(s, 200000);
}

static void is_quick(struct subject *s)
{
	takes(s, 0);
}

static void is_interrupted(struct subject *s)
{
	interrupts++;
	fake_ns += 9000000;
	is_quick(s);
}

static void waits_for_a_disk(struct subject *s)
{
	fake_ns += 2000000;
	is_quick(s);
}

static void goes_on_until_it_is_over(struct subject *s)
{
	while (!ready_call_is_over(&ws.ready))
		fake_ns += 50000;
	is_quick(s);
}

/* The turns in which the quick one was the first, among 40 that are not. */
static int turns_led(void (*called)(struct subject *s), void (*quick)(struct subject *s), int turns)
{
	int led = 0;

	some_open(41, false, -1);
	for (int i = 0; i < 40; i++)
		some[i].called = called;
	some[40].called = quick;
	for (int n = 0; n < turns; n++) {
		order_count = 0;
		turn();
		led += order[0] == &some[40];
	}
	for (int i = 0; i < 40; i++)
		assert_true(some[i].calls >= turns / 10);
	some_close(41);
	return led;
}

static void who_takes_long_holds_up_neither_the_turn_nor_who_does_not(void **state)
{
	assert_in_range(turns_led(takes_2_ms, is_quick, 30), 25, 30);
	assert_in_range(order_count, 10, 11);
}

static void who_goes_on_until_it_is_over_takes_long(void **state)
{
	assert_in_range(turns_led(goes_on_until_it_is_over, is_quick, 30), 28, 30);
}

static void who_is_not_known_to_take_long_is_told_soon(void **state)
{
	some_open(1, false, -1);
	some[0].called = goes_on_until_it_is_over;
	order_count = 0;
	fake_ns = 0;
	turn();
	assert_int_equal(fake_ns, 250000);
	fake_ns = 0;
	turn();
	assert_int_equal(fake_ns, 2000000);
	some_close(1);
}

static void whoever_is_left_is_called_though_others_are_dropped(void **state)
{
	int dropped = 0;

	some_open(41, false, -1);
	for (int i = 0; i < 41; i++)
		some[i].called = takes_2_ms;
	order_count = 0;
	turn();
	for (int i = 0; i < 41; i += 3) {
		if (some[i].calls > 0)
			continue;
		subject_drop(&some[i]);
		dropped++;
	}
	assert_in_range(dropped, 5, 20);
	for (int turns = 0; turns < 10; turns++) {
		order_count = 0;
		turn();
	}
	for (int i = 0; i < 41; i++)
		assert_true(some[i].calls > 0);
	some_close(41);
}

static void leaves_much_to_the_next_call(struct subject *s)
{
	takes(s, ready_call_is_for_little(&ws.ready) ? 0 : 2000000);
}

static void who_may_have_much_to_do_is_left_for_later_only_when_others_wait(void **state)
{
	assert_in_range(turns_led(leaves_much_to_the_next_call, is_quick, 30), 25, 30);
	turn(); /* of nobody, so that nobody is left over */
	some_open(1, false, -1);
	some[0].called = leaves_much_to_the_next_call;
	order_count = 0;
	fake_ns = 0;
	turn();
	assert_int_equal(fake_ns, 2000000);
	turn();
	fake_ns = 0;
	turn();
	assert_int_equal(fake_ns, 2000000);
	some_close(1);
}

static void who_waits_for_a_disk_takes_long(void **state)
{
	assert_in_range(turns_led(waits_for_a_disk, is_quick, 30), 25, 30);
}

static void whom_other_processes_interrupt_is_quick(void **state)
{
	assert_in_range(turns_led(takes_2_ms, is_interrupted, 30), 25, 30);
}

static void one_call_that_takes_long_is_forgiven(void **state)
{
	some_open(41, false, -1);
	for (int i = 0; i < 40; i++)
		some[i].called = takes_2_ms;
	some[40].called = is_quick;
	for (int turns = 0; turns < 20; turns++) {
		some[40].called = turns == 15 ? takes_2_ms : is_quick;
		order_count = 0;
		turn();
		assert_true(turns < 5 || order[0] == &some[40]);
	}
	some_close(41);
}

static void who_is_for_all_never_waits_behind_others(void **state)
{
	some_open(41, false, -1);
	for (int i = 0; i < 41; i++)
		some[i].called = takes_2_ms;
	some[40].watch.for_all = true;
	for (int turns = 0; turns < 20; turns++) {
		order_count = 0;
		turn();
		assert_ptr_equal(order[0], &some[40]);
	}
	some_close(41);
}

static void who_is_not_known_yet_comes_behind_the_quick(void **state)
{
	some_open(1, false, -1);
	some[0].called = is_quick;
	turn();
	for (int i = 1; i < 100; i++) {
		some[i] = (struct subject){.called = takes_2_ms};
		subject_open(&some[i], PIPE, POLLIN);
		peer_writes(&some[i]);
	}
	for (int turns = 0; turns < 20; turns++) {
		order_count = 0;
		turn();
		assert_ptr_equal(order[0], &some[0]);
	}
	some_close(100);
}

static void many_who_are_quick_leave_a_part_to_who_takes_long(void **state)
{
	some_open(100, false, -1);
	some[0].called = takes_2_ms;
	for (int i = 1; i < 100; i++)
		some[i].called = takes_02_ms;
	for (int turns = 0; turns < 20; turns++) {
		order_count = 0;
		turn();
		assert_true(turns < 3 || order_count == 51);
		assert_true(turns < 3 || order[50] == &some[0]);
	}
	for (int i = 1; i < 100; i++)
		assert_true(some[i].calls >= 8);
	some_close(100);
}

/* ---- hot and cold ---- */

static struct subject one;

static void reads(struct subject *s)
{
	subject_reads(s);
}

static void one_open(enum kind kind, uint16_t events, void (*called)(struct subject *s))
{
	one = (struct subject){.called = called};
	subject_open(&one, kind, events);
	quiet();
	one.calls = 0;
}

static void a_quiet_watch_is_cold_unless_nothing_would_tell(void **state)
{
	for (int kind = 0; kind < KINDS; kind++) {
		one_open(kind, POLLIN, NULL);
		assert_int_equal(watch_is_polled(&one.watch), kind == PIDFD);
		subject_close(&one);
	}
}

static void a_cold_watch_is_called_in_the_turn_of_its_hint(void **state)
{
	for (int kind = 0; kind < KINDS; kind++) {
		one_open(kind, POLLIN, reads);
		for (int lap = 1; lap < 5 && kind != PIDFD; lap++) {
			peer_writes(&one);
			turn();
			assert_int_equal(one.calls, lap);
			quiet();
			assert_false(watch_is_polled(&one.watch));
		}
		one.calls = 0;
		peer_closes(&one);
		turn();
		assert_int_equal(one.calls > 0, kind != UDP);
		subject_close(&one);
	}
}

static void a_cold_watch_that_wants_something_else_is_hot(void **state)
{
	one_open(TCP, POLLIN, NULL);
	watches_want(&ws, &one.watch, POLLIN);
	assert_false(watch_is_polled(&one.watch));
	watches_want(&ws, &one.watch, POLLIN | POLLOUT);
	assert_true(watch_is_polled(&one.watch));
	turn();
	assert_int_equal(one.revents, POLLOUT);
	subject_close(&one);
}

/* The signal is about a descriptor that was closed. */
static void a_stale_hint_harms_nobody(void **state)
{
	int fd;

	one_open(PIPE, POLLIN, NULL);
	peer_writes(&one);
	fd = one.watch.fd;
	subject_close(&one);
	turn();
	one_open(PIPE, POLLIN, NULL);
	assert_int_equal(one.watch.fd, fd);
	peer_writes(&one);
	subject_close(&one);
	subject_open(&one, PIPE, POLLIN);
	assert_int_equal(one.watch.fd, fd);
	one.calls = 0;
	quiet();
	assert_int_equal(one.calls, 0);
	subject_close(&one);
}

/* When it is armed, or goes cold, is not when it was polled; and its hint may be read along with
 * one that came before the wait. */
static void what_happens_between_the_wait_and_its_cooling_is_told_of(void **state)
{
	static struct subject another;

	for (int n = 0; n < 8; n++) {
		int cooled = n / 2;
		bool hinted = n % 2;

		another = (struct subject){.called = reads};
		subject_open(&another, TCP, POLLIN);
		quiet();
		one = (struct subject){.called = reads};
		subject_open(&one, TCP, POLLIN);
		for (int i = 0; i <= cooled; i++) {
			now_ms += QUIET_MS;
			if (hinted && i == cooled)
				peer_writes(&another);
			assert_int_equal(watches_poll(&ws, 0), 0);
			if (i == cooled)
				peer_writes(&one);
			watches_dispatch(&ws, now_ms);
		}
		turn();
		assert_int_equal(one.calls, 1);
		assert_int_equal(another.calls, hinted);
		subject_close(&one);
		subject_close(&another);
	}
}

static void sends_again(struct subject *s)
{
	subject_sends(s);
}

/* Waits for room, is told of none while there is none, and of some at once. Its send failed before
 * it was armed. */
static void output_is_told_of(enum kind kind)
{
	one = (struct subject){.called = sends_again};
	subject_open(&one, kind, POLLIN);
	subject_sends(&one);
	watches_want(&ws, &one.watch, POLLOUT);
	quiet();
	assert_false(watch_is_polled(&one.watch));
	for (int lap = 0; lap < 3; lap++) {
		one.calls = 0;
		quiet();
		assert_int_equal(one.calls, 0);
		peer_reads(&one);
		turn();
		assert_int_equal(one.calls, 1);
		quiet();
		assert_false(watch_is_polled(&one.watch));
	}
	subject_close(&one);
}

static void room_for_output_is_told_of_over_tcp(void **state)
{
	output_is_told_of(TCP);
}

static void room_for_output_is_told_of_on_unix_sockets(void **state)
{
	output_is_told_of(UNIX);
}

static void room_for_output_is_told_of_without_a_queue(void **state)
{
	queue_limit(0);
	output_is_told_of(TCP);
	output_is_told_of(UNIX);
}

/* All that goes, in one call that is not refused: the kernel would not tell of room after it. */
static void sends_a_little(struct subject *s)
{
	one.watch.full = send(s->watch.fd, "x", 1, MSG_NOSIGNAL) < 0 && errno == EAGAIN;
}

static void who_waits_on_a_unix_socket_is_called_until_a_send_fails(void **state)
{
	one_open(UNIX, POLLIN, sends_a_little);
	watches_want(&ws, &one.watch, POLLOUT);
	while (!one.watch.full) {
		now_ms += QUIET_MS;
		turn();
	}
	quiet();
	assert_false(watch_is_polled(&one.watch));
	one.calls = 0;
	peer_reads(&one);
	turn();
	assert_int_equal(one.calls, 1);
	subject_close(&one);
}

/* ---- what it costs ---- */

static int fcntls;

int fcntl(int fd, int command, ...) /* that the library calls; here it is counted */
{
	va_list args;
	long arg;

	va_start(args, command);
	arg = va_arg(args, long);
	va_end(args);
	fcntls++;
	return (int)syscall(SYS_fcntl, fd, command, arg);
}

static void one_that_sleeps_and_is_asked_now_and_then_costs_no_call(void **state)
{
	one_open(TCP, POLLIN, reads);
	fcntls = 0;
	for (int lap = 0; lap < 10; lap++) {
		peer_writes(&one);
		turn();
		quiet();
	}
	assert_int_equal(one.calls, 10);
	assert_int_equal(fcntls, 0);
	subject_close(&one);
}

static void one_that_is_busy_now_and_then_costs_two_calls_a_time(void **state)
{
	one_open(TCP, POLLIN, reads);
	fcntls = 0;
	for (int lap = 1; lap <= 10; lap++) {
		for (int i = 0; i < 100; i++) {
			peer_writes(&one);
			turn();
		}
		quiet();
		assert_int_equal(one.calls, 100 * lap);
		assert_int_equal(fcntls, 2 * lap);
	}
	subject_close(&one);
}

static void one_that_is_always_busy_or_lives_shortly_costs_none(void **state)
{
	one = (struct subject){.called = reads};
	subject_open(&one, TCP, POLLIN);
	fcntls = 0;
	for (int lap = 0; lap < 100; lap++) {
		peer_writes(&one);
		turn();
		now_ms += QUIET_MS / 3;
		turn();
	}
	assert_int_equal(one.calls, 100);
	assert_int_equal(fcntls, 0);
	subject_close(&one);
}

static void no_turn_arms_more_than_some_hundreds(void **state)
{
	static struct subject many[1000];

	for (int i = 0; i < 1000; i++)
		subject_open(&many[i], PIPE, POLLIN);
	turn();
	fcntls = 0;
	now_ms += QUIET_MS;
	for (int turns = 1; turns <= 4; turns++) {
		turn(); /* at the same time: there is more to do */
		assert_in_range(fcntls, turns * 600, turns * 900);
	}
	quiet();
	for (int i = 0; i < 1000; i++) {
		assert_false(watch_is_polled(&many[i].watch));
		subject_close(&many[i]);
	}
}

/* ---- against a plain poll ---- */

#define STEPS 100000
#define MANY 300
#define CHILDREN 6 /* of them, on pidfds */

static struct subject subjects[MANY];
static uint32_t seed;

static uint32_t below(uint32_t limit)
{
	seed = seed * 1664525 + 1013904223;
	return (uint32_t)(((uint64_t)seed * limit) >> 32);
}

static short plain_poll(const struct subject *s)
{
	struct pollfd pfd = {.fd = s->watch.fd, .events = s->watch.events};

	assert_true(poll(&pfd, 1, 0) >= 0);
	return s->watch.events == WATCH_IGNORED ? 0 : pfd.revents;
}

static void subject_want(struct subject *s, uint16_t events)
{
	if (s->watched)
		watches_want(&ws, &s->watch, events);
}

static void subject_reopen(struct subject *s)
{
	enum kind kind = s->kind == PIDFD ? PIDFD : (enum kind)below(PIDFD);

	subject_close(s);
	subject_open(s, kind, POLLIN);
}

/* No event is invented: a plain poll says the same, but for the call to send on a UNIX socket. */
static void random_called(struct subject *s)
{
	assert_true(s->watched);
	if (s->kind != UNIX || s->revents != POLLOUT)
		assert_int_equal(s->revents & ~plain_poll(s), 0);
	if (s->revents & POLLOUT)
		subject_sends(s);
	if (s->revents & (POLLHUP | POLLERR)) {
		subject_reopen(s);
		return;
	}
	switch (below(8)) {
	case 0:
		subject_drop(&subjects[below(MANY)]);
		break;
	case 1:
		subject_watch(&subjects[below(MANY)], POLLIN);
		break;
	case 2:
		subject_reopen(s);
		break;
	case 3:
		subject_want(s, POLLIN);
		break;
	default:
		if (s->revents & POLLIN)
			subject_reads(s);
		if ((s->revents & POLLIN) && s->kind == PIDFD)
			subject_reopen(s);
		break;
	}
}

static void random_step(struct subject *s)
{
	static const uint16_t wishes[] = {0,       POLLIN,       POLLIN, POLLIN | POLLOUT,
					  POLLOUT, WATCH_IGNORED};

	switch (below(20)) {
	case 0:
		subject_reopen(s);
		break;
	case 1:
		subject_drop(s);
		break;
	case 2:
	case 3:
		subject_watch(s, POLLIN);
		break;
	case 4:
		if (below(4) == 0)
			peer_closes(s);
		break;
	case 5:
		if (s->kind == TCP || s->kind == UNIX) {
			subject_sends(s);
			subject_want(s, POLLOUT);
		}
		break;
	case 6:
		if (s->kind == TCP || s->kind == UNIX)
			peer_reads(s);
		break;
	case 7:
		if (s->kind == TCP || s->kind == UNIX || s->kind == PIPE)
			subject_want(s, s->kind == PIPE ? POLLIN : wishes[below(6)]);
		break;
	case 8:
		turn();
		break;
	case 9:
		now_ms += QUIET_MS;
		break;
	default:
		if (s->kind != PIDFD || below(20) == 0)
			peer_writes(s);
		break;
	}
}

static void places_check(void)
{
	uint32_t restless = 0;

	for (uint32_t i = 0; i < ws.polled; i++) {
		const struct watch *w = ws.by_fd[ws.pfds[i].fd];

		assert_int_equal(w->slot, i);
		assert_int_equal(w->fd, ws.pfds[i].fd);
		assert_int_equal(w->events, ws.pfds[i].events);
		assert_int_equal(w->armed, i >= ws.hot);
		restless += i < ws.hot && w->tells != WATCH_TELLS_NOTHING;
	}
	assert_int_equal(restless, ws.restless);
	for (int i = 0; i < MANY; i++)
		assert_true(!subjects[i].watched || watch_is_polled(&subjects[i].watch) ||
			    subjects[i].watch.armed || subjects[i].watch.events == WATCH_IGNORED);
}

/* No event is lost: what is ready has its turn soon. */
static void events_check(void)
{
	static bool ready[MANY];

	for (int i = 0; i < MANY; i++) {
		ready[i] = subjects[i].watched && plain_poll(&subjects[i]) != 0;
		subjects[i].calls = 0;
	}
	turn();
	places_check();
	for (int i = 0; i < MANY; i++)
		assert_true(!ready[i] || !subjects[i].watched || subjects[i].calls > 0);
}

static void random_steps(rlim_t most)
{
	seed = 1;
	queue_limit(most);
	for (int i = 0; i < MANY; i++) {
		subjects[i].called = random_called;
		subject_open(&subjects[i], i < CHILDREN ? PIDFD : (enum kind)below(PIDFD), POLLIN);
	}
	for (int step = 0; step < STEPS; step++) {
		random_step(&subjects[below(MANY)]);
		if (step % 200 == 0)
			events_check();
	}
	for (int i = 0; i < MANY; i++)
		subject_close(&subjects[i]);
}

static void loses_and_invents_no_event_with_signals(void **state)
{
	random_steps(RLIM_INFINITY);
}

static void loses_and_invents_no_event_with_a_queue_of_none(void **state)
{
	random_steps(0);
}

static void loses_and_invents_no_event_when_the_queue_overflows(void **state)
{
	random_steps(5);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_all, close_all)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(every_ready_watch_has_one_turn),
		TEST(a_watch_that_wants_nothing_is_left_alone),
		TEST(an_ignored_watch_is_not_even_told_of_errors),
		TEST(a_watch_dropped_by_another_is_not_called),
		TEST(a_watch_used_again_waits_for_the_next_turn),
		TEST(who_takes_long_holds_up_neither_the_turn_nor_who_does_not),
		TEST(who_goes_on_until_it_is_over_takes_long),
		TEST(who_is_not_known_to_take_long_is_told_soon),
		TEST(whoever_is_left_is_called_though_others_are_dropped),
		TEST(who_may_have_much_to_do_is_left_for_later_only_when_others_wait),
		TEST(who_waits_for_a_disk_takes_long),
		TEST(whom_other_processes_interrupt_is_quick),
		TEST(one_call_that_takes_long_is_forgiven),
		TEST(who_is_for_all_never_waits_behind_others),
		TEST(who_is_not_known_yet_comes_behind_the_quick),
		TEST(many_who_are_quick_leave_a_part_to_who_takes_long),
		TEST(a_quiet_watch_is_cold_unless_nothing_would_tell),
		TEST(a_cold_watch_is_called_in_the_turn_of_its_hint),
		TEST(a_cold_watch_that_wants_something_else_is_hot),
		TEST(a_stale_hint_harms_nobody),
		TEST(what_happens_between_the_wait_and_its_cooling_is_told_of),
		TEST(room_for_output_is_told_of_over_tcp),
		TEST(room_for_output_is_told_of_on_unix_sockets),
		TEST(room_for_output_is_told_of_without_a_queue),
		TEST(who_waits_on_a_unix_socket_is_called_until_a_send_fails),
		TEST(one_that_sleeps_and_is_asked_now_and_then_costs_no_call),
		TEST(one_that_is_busy_now_and_then_costs_two_calls_a_time),
		TEST(one_that_is_always_busy_or_lives_shortly_costs_none),
		TEST(no_turn_arms_more_than_some_hundreds),
		TEST(loses_and_invents_no_event_with_signals),
		TEST(loses_and_invents_no_event_with_a_queue_of_none),
		TEST(loses_and_invents_no_event_when_the_queue_overflows),
	};

	alarm(240); /* where an event is lost, a test would wait for ever */
	return cmocka_run_group_tests(tests, NULL, NULL);
}
