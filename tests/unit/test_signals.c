/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

#include "core/signals.h"

static struct loop loop;
static struct signals signals;
static int arrived[8], arrived_count;

static void note(struct signals *s, int signal)
{
	assert_ptr_equal(s, &signals);
	arrived[arrived_count++] = signal;
}

static int open_signals(void **state)
{
	arrived_count = 0;
	signals_hold();
	assert_int_equal(loop_init(&loop, NULL, NULL), 0);
	return signals_open(&signals, &loop, note);
}

static int close_signals(void **state)
{
	signals_close(&signals, &loop);
	loop_free(&loop);
	return 0;
}

/* Turns while there is something to do. */
static void settle(void)
{
	while (watches_are_ready(&loop.watches))
		assert_int_equal(loop_turn(&loop), 0);
}

static void a_signal_becomes_an_event_of_the_loop(void **state)
{
	const int numbers[] = {SIGTERM, SIGINT, SIGHUP, SIGUSR1};

	for (int i = 0; i < 4; i++) {
		kill(getpid(), numbers[i]);
		assert_int_equal(arrived_count, i);
		assert_int_equal(loop_turn(&loop), 0);
		assert_int_equal(arrived_count, i + 1);
		assert_int_equal(arrived[i], numbers[i]);
		assert_int_equal(signals.sender, getpid());
	}
}

static void a_signal_that_comes_early_waits(void **state)
{
	signals_close(&signals, &loop);
	kill(getpid(), SIGTERM);
	assert_int_equal(signals_open(&signals, &loop, note), 0);
	settle();
	assert_int_equal(arrived_count, 1);
	assert_int_equal(arrived[0], SIGTERM);
}

static void no_other_signal_stays_blocked(void **state)
{
	sigset_t all, now;

	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
	signals_hold();
	sigprocmask(SIG_SETMASK, NULL, &now);
	assert_false(sigismember(&now, SIGABRT));
	assert_false(sigismember(&now, SIGQUIT));
	assert_true(sigismember(&now, SIGHUP));
}

/* As nohup(1) and shells without job control start what is to run in the background. */
static void a_signal_that_was_ignored_at_the_start_arrives(void **state)
{
	signals_close(&signals, &loop);
	signal(SIGINT, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	assert_int_equal(signals_open(&signals, &loop, note), 0);
	kill(getpid(), SIGINT);
	kill(getpid(), SIGHUP);
	settle();
	signal(SIGINT, SIG_DFL);
	signal(SIGHUP, SIG_DFL);
	assert_int_equal(arrived_count, 2);
}

static void signals_that_come_together_all_arrive(void **state)
{
	unsigned seen = 0;

	kill(getpid(), SIGHUP);
	kill(getpid(), SIGUSR1);
	kill(getpid(), SIGTERM);
	settle();
	assert_int_equal(arrived_count, 3);
	for (int i = 0; i < 3; i++)
		seen |= 1U << arrived[i];
	assert_int_equal(seen, 1U << SIGHUP | 1U << SIGUSR1 | 1U << SIGTERM);
}

static void a_signal_that_is_pending_comes_once(void **state)
{
	kill(getpid(), SIGHUP);
	kill(getpid(), SIGHUP);
	settle();
	assert_int_equal(arrived_count, 1);
}

static void a_broken_pipe_is_an_error_not_a_signal(void **state)
{
	int fds[2];

	assert_int_equal(pipe(fds), 0);
	close(fds[0]);
	assert_int_equal(write(fds[1], "x", 1), -1);
	close(fds[1]);
	settle();
	assert_int_equal(arrived_count, 0);
}

static void a_file_that_may_not_grow_is_an_error_not_a_signal(void **state)
{
	struct rlimit limit, none;
	FILE *file = tmpfile();

	assert_non_null(file);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
	none = (struct rlimit){0, limit.rlim_max};
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &none), 0);
	assert_int_equal(write(fileno(file), "x", 1), -1);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
	fclose(file);
}

static void closing_leaves_nothing_behind(void **state)
{
	struct signals other = {0};

	assert_int_equal(signals_open(&other, &loop, note), 0);
	assert_true(fcntl(other.watch.fd, F_GETFD) & FD_CLOEXEC);
	assert_true(fcntl(other.watch.fd, F_GETFL) & O_NONBLOCK);
	assert_int_equal(watches_count(&loop.watches), 2);
	signals_close(&other, &loop);
	assert_int_equal(watches_count(&loop.watches), 1);
	assert_int_equal(fcntl(other.watch.fd, F_GETFD), -1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_signals, close_signals)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_signal_becomes_an_event_of_the_loop),
		TEST(a_signal_that_comes_early_waits),
		TEST(no_other_signal_stays_blocked),
		TEST(a_signal_that_was_ignored_at_the_start_arrives),
		TEST(signals_that_come_together_all_arrive),
		TEST(a_signal_that_is_pending_comes_once),
		TEST(a_broken_pipe_is_an_error_not_a_signal),
		TEST(a_file_that_may_not_grow_is_an_error_not_a_signal),
		TEST(closing_leaves_nothing_behind),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
