/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/hints.h"

#define SOCKETS 2
#define QUEUE 4000 /* more than one call of hints_read() hands on */

static int hints = -1;
static int ours[SOCKETS], theirs[SOCKETS];
static int heard[1 << 14], count;

static void note(void *arg, int fd)
{
	assert_ptr_equal(arg, &count);
	assert_true((size_t)count < sizeof(heard) / sizeof(heard[0]));
	heard[count++] = fd;
}

/* Returns whether some were lost; the others are in heard. */
static bool listens(void)
{
	count = 0;
	return hints_read(hints, note, &count);
}

static bool are_there(void)
{
	return poll(&(struct pollfd){hints, POLLIN, 0}, 1, 0) == 1;
}

static void queue_limit(rlim_t signals)
{
	struct rlimit limit;

	assert_int_equal(getrlimit(RLIMIT_SIGPENDING, &limit), 0);
	limit.rlim_cur = signals < limit.rlim_max ? signals : limit.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_SIGPENDING, &limit), 0);
}

static int opens(void **state)
{
	for (int i = 0; i < SOCKETS; i++) {
		int fds[2];

		assert_int_equal(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, fds), 0);
		ours[i] = fds[0];
		theirs[i] = fds[1];
	}
	hints = hints_open();
	assert_true(hints >= 0);
	return 0;
}

static int closes(void **state)
{
	queue_limit(RLIM_INFINITY);
	for (int i = 0; i < SOCKETS; i++) {
		close(ours[i]);
		close(theirs[i]);
	}
	while (are_there())
		listens();
	close(hints);
	return 0;
}

static void arrives(int i)
{
	char byte;

	assert_int_equal(send(theirs[i], "x", 1, 0), 1);
	assert_int_equal(recv(ours[i], &byte, 1, 0), 1);
}

static void it_is_non_blocking_and_stays_in_this_program(void **state)
{
	sigset_t blocked;

	assert_true(fcntl(hints, F_GETFL) & O_NONBLOCK);
	assert_int_equal(fcntl(hints, F_GETFD), FD_CLOEXEC);
	assert_int_equal(sigprocmask(SIG_BLOCK, NULL, &blocked), 0);
	assert_true(sigismember(&blocked, SIGIO) && sigismember(&blocked, SIGRTMIN));
	assert_false(are_there());
	assert_false(listens());
	assert_int_equal(count, 0);
}

static void what_is_armed_is_heard_of_by_its_number(void **state)
{
	assert_int_equal(hints_arm(ours[0], false), 0);
	arrives(1);
	assert_false(are_there());
	arrives(0);
	assert_true(are_there());
	assert_int_equal(hints_arm(ours[1], false), 0);
	arrives(1);
	arrives(0);
	assert_false(listens());
	assert_true(count >= 3); /* a recv(2) is told of too */
	assert_int_equal(heard[0], ours[0]);
	for (int i = 0; i < count; i++)
		assert_true(heard[i] == ours[0] || heard[i] == ours[1]);
	assert_int_equal(heard[count - 1], ours[0]);
	assert_false(are_there());
}

static void what_is_disarmed_is_not_heard_of_until_it_is_armed_again(void **state)
{
	assert_int_equal(hints_arm(ours[0], false), 0);
	hints_disarm(ours[0]);
	assert_int_equal(fcntl(ours[0], F_GETFL) & (O_ASYNC | O_NONBLOCK), O_NONBLOCK);
	arrives(0);
	assert_false(are_there());
	assert_int_equal(hints_arm(ours[0], true), 0);
	assert_int_equal(fcntl(ours[0], F_GETFL) & (O_ASYNC | O_NONBLOCK), O_ASYNC | O_NONBLOCK);
	arrives(0);
	assert_false(listens());
	assert_true(count > 0);
	assert_int_equal(heard[0], ours[0]);
}

static void a_hint_may_be_older_than_what_has_its_number_now(void **state)
{
	assert_int_equal(hints_arm(ours[0], false), 0);
	arrives(0);
	assert_int_equal(dup2(ours[1], ours[0]), ours[0]);
	assert_false(listens());
	assert_true(count > 0);
	assert_int_equal(heard[0], ours[0]);
}

static void what_is_no_descriptor_cannot_be_armed(void **state)
{
	errno = 0;
	assert_int_equal(hints_arm(-1, false), -1);
	assert_int_equal(errno, EBADF);
	errno = 0;
	assert_int_equal(hints_arm(-1, true), -1);
	assert_int_equal(errno, EBADF);
	hints_disarm(-1);
}

/* A queue of some thousands is handed on in more than one call; each is heard of once. */
static void one_call_hands_on_some_thousands(void **state)
{
	const union sigval nothing = {0};
	int first, all = 0;

	while (all < QUEUE && sigqueue(getpid(), SIGRTMIN, nothing) == 0)
		all++;
	if (all < QUEUE) {
		print_message("SKIP: RLIMIT_SIGPENDING has no room for %d signals\n", QUEUE);
		skip();
	}
	assert_false(listens());
	first = count;
	assert_in_range(first, 1000, QUEUE - 1);
	assert_true(are_there());
	for (all = first; are_there(); all += count)
		assert_false(listens());
	assert_int_equal(all, QUEUE);
}

static void where_the_queue_has_no_place_all_may_be_lost(void **state)
{
	assert_int_equal(hints_arm(ours[0], false), 0);
	queue_limit(0);
	arrives(0);
	arrives(0);
	assert_true(are_there());
	assert_true(listens());
	assert_int_equal(count, 0);
	assert_false(listens());
	queue_limit(RLIM_INFINITY);
	arrives(0);
	assert_false(listens());
	assert_true(count > 0);
}

#define HINTS_TEST(name) cmocka_unit_test_setup_teardown(name, opens, closes)

int main(void)
{
	const struct CMUnitTest tests[] = {
		HINTS_TEST(it_is_non_blocking_and_stays_in_this_program),
		HINTS_TEST(what_is_armed_is_heard_of_by_its_number),
		HINTS_TEST(what_is_disarmed_is_not_heard_of_until_it_is_armed_again),
		HINTS_TEST(a_hint_may_be_older_than_what_has_its_number_now),
		HINTS_TEST(what_is_no_descriptor_cannot_be_armed),
		HINTS_TEST(one_call_hands_on_some_thousands),
		HINTS_TEST(where_the_queue_has_no_place_all_may_be_lost),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
