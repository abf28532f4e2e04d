/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>
#include <time.h>
#include <unistd.h>

#include "core/loop.h"

struct pipe_watch {
	struct watch watch;
	int in;
	int calls;
	short revents;
	struct pipe_watch *victim; /* dropped by the first that is called */
	bool reuse;                /* and watched again at once */
};

static struct loop loop;

static void pipe_ready(struct watch *w, short revents)
{
	struct pipe_watch *p = container_of(w, struct pipe_watch, watch);
	struct pipe_watch *victim = p->victim;

	p->calls++;
	p->revents = revents;
	if (victim == NULL)
		return;
	loop_drop(&loop, &victim->watch);
	victim->victim = p->victim = NULL;
	if (victim->reuse)
		assert_int_equal(loop_watch(&loop, &victim->watch, POLLIN), 0);
}

static void pipe_open(struct pipe_watch *p)
{
	int fds[2];

	*p = (struct pipe_watch){.watch.ready = pipe_ready};
	assert_int_equal(pipe(fds), 0);
	p->watch.fd = fds[0];
	p->in = fds[1];
	assert_int_equal(write(p->in, "x", 1), 1);
	assert_int_equal(loop_watch(&loop, &p->watch, POLLIN), 0);
}

static void pipes_open(struct pipe_watch *p, size_t count)
{
	loop_init(&loop, NULL, NULL);
	for (size_t i = 0; i < count; i++)
		pipe_open(&p[i]);
}

static void pipes_close(struct pipe_watch *p, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		close(p[i].watch.fd);
		close(p[i].in);
	}
	loop_free(&loop);
}

static void every_ready_watch_has_one_turn(void **state)
{
	struct pipe_watch p[100];

	pipes_open(p, 100);
	assert_int_equal(loop_turn(&loop), 0);
	for (int i = 0; i < 100; i++) {
		assert_int_equal(p[i].calls, 1);
		assert_int_equal(p[i].revents, POLLIN);
	}
	pipes_close(p, 100);
}

static void a_watch_that_wants_nothing_is_left_alone(void **state)
{
	struct pipe_watch p[2];

	pipes_open(p, 2);
	loop_want(&loop, &p[0].watch, 0);
	assert_int_equal(loop_turn(&loop), 0);
	assert_int_equal(p[0].calls, 0);
	assert_int_equal(p[1].calls, 1);
	pipes_close(p, 2);
}

static void a_watch_dropped_by_another_is_not_called(void **state)
{
	struct pipe_watch p[4];

	for (int i = 0; i < 4; i++) {
		for (int j = 0; j < 4; j++) {
			pipes_open(p, 4);
			p[i].victim = &p[j];
			assert_int_equal(loop_turn(&loop), 0);
			assert_int_equal(loop.len, 3);
			for (int k = 0; k < 4; k++)
				assert_int_equal(p[k].calls, k != j || j >= i);
			assert_int_equal(loop_turn(&loop), 0);
			for (int k = 0; k < 4; k++)
				assert_int_equal(p[k].calls, k != j ? 2 : j >= i);
			pipes_close(p, 4);
		}
	}
}

static void a_watch_used_again_waits_for_the_next_turn(void **state)
{
	struct pipe_watch p[4];

	for (int i = 0; i < 4; i++) {
		for (int j = 0; j < 4; j++) {
			pipes_open(p, 4);
			p[i].victim = &p[j];
			p[j].reuse = true;
			assert_int_equal(loop_turn(&loop), 0);
			for (int k = 0; k < 4; k++)
				assert_int_equal(p[k].calls, k != j || j >= i);
			assert_int_equal(loop_turn(&loop), 0);
			for (int k = 0; k < 4; k++)
				assert_int_equal(p[k].calls, k != j || j >= i ? 2 : 1);
			pipes_close(p, 4);
		}
	}
}

static struct deadline *expired[8];
static int expired_count;
static struct deadline_queue quick, slow, never;
static bool restarts;

static void note(struct deadline *d)
{
	assert_null(d->queue);
	expired[expired_count++] = d;
	if (restarts)
		deadline_start(&loop, &quick, d);
}

static void queues_open(void)
{
	loop_init(&loop, NULL, NULL);
	expired_count = 0;
	restarts = false;
	deadline_queue_init(&loop, &quick, 5, note);
	deadline_queue_init(&loop, &slow, 30, note);
	deadline_queue_init(&loop, &never, 0, note);
}

static void queues_close(void)
{
	deadline_queue_free(&quick);
	deadline_queue_free(&slow);
	deadline_queue_free(&never);
	loop_free(&loop);
}

static void deadlines_expire_in_order(void **state)
{
	struct deadline a = {0}, b = {0}, c = {0};

	queues_open();
	deadline_start(&loop, &slow, &a);
	deadline_start(&loop, &quick, &b);
	deadline_start(&loop, &quick, &c);
	while (expired_count < 3)
		assert_int_equal(loop_turn(&loop), 0);
	assert_ptr_equal(expired[0], &b);
	assert_ptr_equal(expired[1], &c);
	assert_ptr_equal(expired[2], &a);
	assert_true(loop.next_ms == INT64_MAX);
	queues_close();
}

static void a_cancelled_deadline_does_not_expire(void **state)
{
	struct deadline a = {0}, b = {0};

	queues_open();
	deadline_start(&loop, &quick, &a);
	deadline_start(&loop, &slow, &b);
	deadline_cancel(&a);
	deadline_cancel(&a);
	while (expired_count < 1)
		assert_int_equal(loop_turn(&loop), 0);
	assert_ptr_equal(expired[0], &b);
	queues_close();
}

static void a_deadline_started_again_starts_anew(void **state)
{
	struct deadline a = {0}, b = {0};

	queues_open();
	deadline_start(&loop, &quick, &a);
	deadline_start(&loop, &quick, &b);
	loop.now_ms++;
	deadline_start(&loop, &quick, &a);
	assert_ptr_equal(TAILQ_FIRST(&quick.waiting), &b);
	assert_int_equal(a.due_ms, b.due_ms + 1);
	deadline_start(&loop, &slow, &a);
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
	deadline_start(&loop, &quick, &a);
	while (expired_count < 3)
		assert_int_equal(loop_turn(&loop), 0);
	assert_ptr_equal(a.queue, &quick);
	queues_close();
}

static void a_timeout_of_zero_never_expires(void **state)
{
	struct deadline a = {0};

	queues_open();
	deadline_start(&loop, &never, &a);
	assert_null(a.queue);
	deadline_start(&loop, &quick, &a);
	deadline_start(&loop, &never, &a);
	assert_null(a.queue);
	assert_true(TAILQ_EMPTY(&quick.waiting));
	queues_close();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_ready_watch_has_one_turn),
		cmocka_unit_test(a_watch_that_wants_nothing_is_left_alone),
		cmocka_unit_test(a_watch_dropped_by_another_is_not_called),
		cmocka_unit_test(a_watch_used_again_waits_for_the_next_turn),
		cmocka_unit_test(deadlines_expire_in_order),
		cmocka_unit_test(a_cancelled_deadline_does_not_expire),
		cmocka_unit_test(a_deadline_started_again_starts_anew),
		cmocka_unit_test(an_expired_deadline_can_be_restarted_at_once),
		cmocka_unit_test(a_timeout_of_zero_never_expires),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
