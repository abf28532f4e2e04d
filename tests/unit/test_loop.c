/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>
#include <unistd.h>

#include "core/loop.h"

#define MANY 1000

struct pipe_watch {
	struct watch watch;
	int in;
	int calls;
};

static struct loop loop;
static struct pipe_watch pipes[MANY];
static struct deadline_queue waits;
static struct deadline wait;
static int turns;
static bool expired;

static void count_turn(void *arg)
{
	assert_ptr_equal(arg, &turns);
	turns++;
}

static void wait_expired(struct deadline *d)
{
	expired = true;
}

static void pipe_ready(struct watch *w, short revents)
{
	struct pipe_watch *p = container_of(w, struct pipe_watch, watch);
	char byte;

	p->calls++;
	assert_int_equal(read(w->fd, &byte, 1), 1);
}

static void pipe_open(struct pipe_watch *p)
{
	int fds[2];

	*p = (struct pipe_watch){.watch = {.ready = pipe_ready, .tells = WATCH_TELLS_ALL}};
	assert_int_equal(pipe(fds), 0);
	p->watch.fd = fds[0];
	p->in = fds[1];
	assert_int_equal(watches_add(&loop.watches, &p->watch, POLLIN), 0);
}

static int loop_open(void **state)
{
	assert_int_equal(loop_init(&loop, count_turn, &turns), 0);
	for (int i = 0; i < MANY; i++)
		pipe_open(&pipes[i]);
	deadline_queue_init(&loop.deadlines, &waits, 100, wait_expired);
	wait = (struct deadline){0};
	return 0;
}

static int loop_close(void **state)
{
	for (int i = 0; i < MANY; i++) {
		close(pipes[i].watch.fd);
		close(pipes[i].in);
	}
	deadline_queue_free(&waits);
	loop_free(&loop);
	return 0;
}

/* Turns until the deadline of so long has passed. Returns how many. */
static int wait_out(void)
{
	turns = 0;
	expired = false;
	deadline_start(&waits, &wait);
	while (!expired)
		assert_int_equal(loop_turn(&loop), 0);
	return turns;
}

/* Until all but a few are cold. */
static void settle(void)
{
	while (wait_out() > 1 || loop.watches.hot > 64)
		;
}

static void a_loop_in_which_nothing_happens_does_not_wake_up(void **state)
{
	settle();
	assert_int_equal(wait_out(), 1);
	assert_int_equal(wait_out(), 1);
}

static void an_event_wakes_a_loop_in_which_all_is_cold(void **state)
{
	settle();
	for (int i = 0; i < MANY; i += 37) {
		assert_int_equal(write(pipes[i].in, "x", 1), 1);
		turns = 0;
		while (pipes[i].calls == 0)
			assert_int_equal(loop_turn(&loop), 0);
		assert_in_range(turns, 1, 2);
	}
	settle();
}

static void a_deadline_is_kept_while_there_are_events(void **state)
{
	assert_int_equal(write(pipes[0].in, "xxxxxxxxxx", 10), 10);
	assert_in_range(wait_out(), 10, 30);
	assert_int_equal(pipes[0].calls, 10);
	assert_true(loop_now_ms(&loop) - wait.due_ms < 1000);
}

static void stop_stepped_in(void *arg)
{
	loop.stop = true;
}

static void a_loop_stops_before_it_waits(void **state)
{
	loop.before_wait = stop_stepped_in;
	assert_int_equal(loop_run(&loop), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, loop_open, loop_close)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_loop_in_which_nothing_happens_does_not_wake_up),
		TEST(an_event_wakes_a_loop_in_which_all_is_cold),
		TEST(a_deadline_is_kept_while_there_are_events),
		TEST(a_loop_stops_before_it_waits),
	};

	alarm(60); /* where an event is lost, a test would wait for ever */
	return cmocka_run_group_tests(tests, NULL, NULL);
}
