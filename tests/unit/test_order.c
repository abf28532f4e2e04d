/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/order.h"

static struct reason reason;

/* A process that takes one order and answers it. */
static pid_t daemon_start(bool done)
{
	struct order_askers askers = {0};
	sigset_t set;
	siginfo_t info;
	pid_t pid;

	sigemptyset(&set);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, NULL);
	pid = fork();
	assert_true(pid >= 0);
	if (pid > 0)
		return pid;
	sigwaitinfo(&set, &info);
	order_take(&askers, info.si_pid);
	order_answer(&askers, done);
	pause();
	abort();
}

static void daemon_end(pid_t pid)
{
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static void an_order_that_is_done_is_told(void **state)
{
	pid_t pid = daemon_start(true);

	assert_int_equal(order_reload(pid, &reason), ORDER_DONE);
	daemon_end(pid);
}

static void an_order_that_is_refused_is_told(void **state)
{
	pid_t pid = daemon_start(false);

	assert_int_equal(order_reload(pid, &reason), ORDER_REFUSED);
	daemon_end(pid);
}

static void an_order_to_nobody_fails_with_the_reason(void **state)
{
	pid_t pid = daemon_start(true);

	daemon_end(pid);
	assert_int_equal(order_reload(pid, &reason), ORDER_FAILED);
	assert_non_null(strstr(reason.text, ": No such process"));
}

static void who_does_not_wait_gets_no_answer(void **state)
{
	struct order_askers askers = {0};

	order_take(&askers, 0);
	order_take(&askers, getpid());
	assert_int_equal(askers.count, 2);
	order_answer(&askers, true);
	assert_int_equal(askers.count, 0);
}

static void who_asks_again_is_one_and_who_finds_no_room_is_left_out(void **state)
{
	struct order_askers askers = {0};

	for (pid_t pid = 1; pid <= 2 * ORDER_ASKERS; pid++) {
		order_take(&askers, pid);
		order_take(&askers, pid);
	}
	assert_int_equal(askers.count, ORDER_ASKERS);
	assert_int_equal(askers.pids[ORDER_ASKERS - 1], ORDER_ASKERS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_order_that_is_done_is_told),
		cmocka_unit_test(an_order_that_is_refused_is_told),
		cmocka_unit_test(an_order_to_nobody_fails_with_the_reason),
		cmocka_unit_test(who_does_not_wait_gets_no_answer),
		cmocka_unit_test(who_asks_again_is_one_and_who_finds_no_room_is_left_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
