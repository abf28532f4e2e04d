/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <poll.h>
#include <stdbool.h>

#include "core/deadline.h"

static struct deadline *expired[8];
static int expired_count;
static struct deadline_queue quick, slow, never;
static struct deadlines all;
static bool restarts;

static void note(struct deadline *d)
{
	assert_null(d->queue);
	expired[expired_count++] = d;
	if (restarts)
		deadline_start(&quick, d);
}

static void queues_open(void)
{
	deadlines_init(&all);
	expired_count = 0;
	restarts = false;
	deadline_queue_init(&all, &quick, 5, note);
	deadline_queue_init(&all, &slow, 600000, note);
	deadline_queue_init(&all, &never, 0, note);
}

static void queues_close(void)
{
	deadline_queue_free(&quick);
	deadline_queue_free(&slow);
	deadline_queue_free(&never);
}

/* As the loop does it. */
static void expire_until(int count)
{
	while (expired_count < count) {
		poll(NULL, 0, deadlines_wait_ms(&all));
		deadlines_tick(&all);
		deadlines_expire(&all);
	}
}

static void deadlines_expire_in_order(void **state)
{
	struct deadline a = {0}, b = {0}, c = {0};

	queues_open();
	deadline_start(&slow, &a);
	deadline_start(&quick, &b);
	deadline_start(&quick, &c);
	expire_until(2);
	assert_ptr_equal(expired[0], &b);
	assert_ptr_equal(expired[1], &c);
	assert_true(all.next_ms == a.due_ms);
	all.now_ms = a.due_ms;
	deadlines_expire(&all);
	assert_ptr_equal(expired[2], &a);
	assert_true(all.next_ms == INT64_MAX);
	queues_close();
}

static void a_cancelled_deadline_does_not_expire(void **state)
{
	struct deadline a = {0}, b = {0};

	queues_open();
	deadline_start(&quick, &a);
	deadline_start(&slow, &b);
	deadline_cancel(&a);
	deadline_cancel(&a);
	all.now_ms = b.due_ms;
	deadlines_expire(&all);
	assert_int_equal(expired_count, 1);
	assert_ptr_equal(expired[0], &b);
	queues_close();
}

static void a_deadline_started_again_starts_anew(void **state)
{
	struct deadline a = {0}, b = {0};

	queues_open();
	deadline_start(&quick, &a);
	deadline_start(&quick, &b);
	all.now_ms++;
	deadline_start(&quick, &a);
	assert_ptr_equal(TAILQ_FIRST(&quick.waiting), &b);
	assert_int_equal(a.due_ms, b.due_ms + 1);
	deadline_start(&slow, &a);
	assert_ptr_equal(a.queue, &slow);
	queues_close();
	assert_null(a.queue);
	assert_null(b.queue);
}

static void an_expired_deadline_can_be_restarted_at_once(void **state)
{
	struct deadline a = {0};

	queues_open();
	restarts = true;
	deadline_start(&quick, &a);
	expire_until(3);
	assert_ptr_equal(a.queue, &quick);
	queues_close();
}

static void a_timeout_of_zero_never_expires(void **state)
{
	struct deadline a = {0};

	queues_open();
	deadline_start(&never, &a);
	assert_null(a.queue);
	deadline_start(&quick, &a);
	deadline_start(&never, &a);
	assert_null(a.queue);
	assert_true(TAILQ_EMPTY(&quick.waiting));
	queues_close();
}

static void the_wait_ends_when_the_next_is_due(void **state)
{
	struct deadline a = {0}, b = {0};

	queues_open();
	assert_int_equal(deadlines_wait_ms(&all), -1);
	deadline_start(&slow, &a);
	assert_int_equal(deadlines_wait_ms(&all), 600000);
	deadline_start(&quick, &b);
	assert_int_equal(deadlines_wait_ms(&all), 5);
	all.now_ms += 1000;
	assert_int_equal(deadlines_wait_ms(&all), 0);
	queues_close();
}

static void free_all(struct deadline *d)
{
	note(d);
	deadline_queue_free(&quick);
	deadline_queue_free(&slow);
}

static void whoever_is_called_may_free_queues(void **state)
{
	struct deadline a = {0}, b = {0}, c = {0};

	queues_open();
	quick.expired = free_all;
	deadline_start(&quick, &a);
	deadline_start(&quick, &b);
	deadline_start(&slow, &c);
	expire_until(1);
	assert_ptr_equal(expired[0], &a);
	assert_null(b.queue);
	assert_null(c.queue);
	assert_int_equal(deadlines_wait_ms(&all), -1);
	deadline_queue_free(&never);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(deadlines_expire_in_order),
		cmocka_unit_test(a_cancelled_deadline_does_not_expire),
		cmocka_unit_test(a_deadline_started_again_starts_anew),
		cmocka_unit_test(an_expired_deadline_can_be_restarted_at_once),
		cmocka_unit_test(a_timeout_of_zero_never_expires),
		cmocka_unit_test(the_wait_ends_when_the_next_is_due),
		cmocka_unit_test(whoever_is_called_may_free_queues),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
