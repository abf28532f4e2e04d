/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
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
	deadline_queue_init(&loop, &slow, 600000, note);
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
	while (expired_count < 2)
		assert_int_equal(loop_turn(&loop), 0);
	assert_ptr_equal(expired[0], &b);
	assert_ptr_equal(expired[1], &c);
	assert_ptr_equal(a.queue, &slow);
	assert_true(loop.next_ms == a.due_ms);
	queues_close();
}

static void a_cancelled_deadline_does_not_expire(void **state)
{
	struct deadline a = {0}, b = {0};

	queues_open();
	deadline_start(&loop, &quick, &a);
	deadline_start(&loop, &quick, &b);
	deadline_cancel(&a);
	deadline_cancel(&a);
	while (expired_count < 1)
		assert_int_equal(loop_turn(&loop), 0);
	assert_ptr_equal(expired[0], &b);
	assert_true(loop.next_ms == INT64_MAX);
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

/* ---- hot and cold ---- */

#define MANY 1000

static struct pipe_watch many[MANY];
static struct deadline_queue ticks;
static struct deadline tick;
static int turns;

static void count_turn(void *arg)
{
	turns++;
}

static void tick_expired(struct deadline *d)
{
	deadline_start(&loop, &ticks, d);
}

static void pipe_empty(struct pipe_watch *p)
{
	char byte;

	assert_int_equal(read(p->watch.fd, &byte, 1), 1);
	p->calls = 0;
}

static void pipe_fill(struct pipe_watch *p)
{
	assert_int_equal(write(p->in, "x", 1), 1);
}

/* Many watches that have gone cold, and none that has anything to say. */
static void many_open(void)
{
	loop_init(&loop, count_turn, NULL);
	for (int i = 0; i < MANY; i++) {
		pipe_open(&many[i]);
		pipe_empty(&many[i]);
	}
	deadline_queue_init(&loop, &ticks, 2, tick_expired);
	deadline_start(&loop, &ticks, &tick);
	while (loop.hot > 0 || loop.quiet_rounds < 2)
		assert_int_equal(loop_turn(&loop), 0);
}

static void many_close(void)
{
	deadline_queue_free(&ticks);
	pipes_close(many, MANY);
}

static void a_new_watch_is_hot_and_a_quiet_one_cold(void **state)
{
	many_open();
	assert_int_equal(loop.len, MANY);
	loop_drop(&loop, &many[7].watch);
	assert_int_equal(loop_watch(&loop, &many[7].watch, POLLIN), 0);
	assert_int_equal(loop.hot, 1);
	assert_int_equal(many[7].watch.slot, 0);
	while (loop.hot > 0)
		assert_int_equal(loop_turn(&loop), 0);
	many_close();
}

static void a_watch_that_stays_hot_does(void **state)
{
	int64_t until_ms;

	many_open();
	many[7].watch.stays_hot = true;
	pipe_fill(&many[7]);
	assert_int_equal(loop_turn(&loop), 0);
	pipe_empty(&many[7]);
	until_ms = loop.now_ms + 100;
	while (loop.now_ms < until_ms)
		assert_int_equal(loop_turn(&loop), 0);
	assert_int_equal(loop.hot, 1);
	assert_int_equal(many[7].watch.slot, 0);
	many_close();
}

static void an_event_wakes_a_loop_in_which_all_is_cold(void **state)
{
	many_open();
	deadline_cancel(&tick);
	for (int i = 0; i < MANY; i += 333)
		pipe_fill(&many[i]);
	assert_int_equal(loop_turn(&loop), 0);
	for (int i = 0; i < MANY; i++)
		assert_int_equal(many[i].calls, i % 333 == 0);
	assert_int_equal(loop.hot, 4);
	many_close();
}

static void an_event_on_a_cold_watch_is_found_while_another_is_hot(void **state)
{
	many_open();
	pipe_fill(&many[0]); /* and never emptied: it is ready at each turn */
	assert_int_equal(loop_turn(&loop), 0);
	for (int i = 1; i < MANY; i += 37) {
		pipe_fill(&many[i]);
		while (many[i].calls == 0)
			assert_int_equal(loop_turn(&loop), 0);
		pipe_empty(&many[i]);
	}
	assert_true(many[0].calls > 10);
	many_close();
}

/* A round has four slices here; two of them pass before the loop is sure that all is quiet. */
static void a_quiet_loop_does_not_wake_up(void **state)
{
	struct deadline wait = {0};
	struct deadline_queue waits;

	many_open();
	deadline_cancel(&tick);
	expired_count = 0;
	restarts = false;
	deadline_queue_init(&loop, &waits, 100, note);
	for (int lap = 0; lap < 2; lap++) {
		turns = 0;
		deadline_start(&loop, &waits, &wait);
		while (expired_count == lap)
			assert_int_equal(loop_turn(&loop), 0);
		assert_in_range(turns, 1, 2); /* one may come of the cancelled tick */
	}
	pipe_fill(&many[5]);
	assert_int_equal(loop_turn(&loop), 0);
	pipe_empty(&many[5]);
	turns = 0;
	deadline_start(&loop, &waits, &wait);
	while (expired_count == 2)
		assert_int_equal(loop_turn(&loop), 0);
	assert_in_range(turns, 1, 12);
	deadline_queue_free(&waits);
	many_close();
}

static void a_deadline_is_kept_while_there_are_events(void **state)
{
	struct deadline wait = {0};
	struct deadline_queue waits;

	many_open();
	pipe_fill(&many[0]);
	expired_count = 0;
	restarts = false;
	deadline_queue_init(&loop, &waits, 10, note);
	deadline_start(&loop, &waits, &wait);
	while (expired_count == 0)
		assert_int_equal(loop_turn(&loop), 0);
	assert_true(loop.now_ms - wait.due_ms < 1000);
	assert_true(many[0].calls > 0);
	deadline_queue_free(&waits);
	many_close();
}

static void each_ready_watch_has_a_turn_before_any_has_two(void **state)
{
	many_open();
	for (int i = 0; i < MANY; i++)
		pipe_fill(&many[i]);
	assert_int_equal(loop_turn(&loop), 0);
	for (int lap = 1; lap < 5; lap++) {
		for (int i = 0; i < MANY; i++)
			assert_int_equal(many[i].calls, lap);
		assert_int_equal(loop_turn(&loop), 0);
	}
	many_close();
}

/* ---- against a plain poll ---- */

#define STEPS 100000

static uint32_t seed = 1;

static uint32_t below(uint32_t limit)
{
	seed = seed * 1664525 + 1013904223;
	return (uint32_t)(((uint64_t)seed * limit) >> 32);
}

struct subject {
	struct watch watch;
	int in; /* the writing end; -1: closed */
	bool watched;
	short events;
	int bytes; /* in the pipe */
	int calls;
};

static struct subject subjects[MANY];

static short plain_poll(const struct subject *s)
{
	struct pollfd pfd = {.fd = s->watch.fd, .events = s->events};

	assert_true(poll(&pfd, 1, 0) >= 0);
	return pfd.revents;
}

static void subject_empty(struct subject *s)
{
	char bytes[64];

	if (s->bytes > 0)
		assert_int_equal(read(s->watch.fd, bytes, (size_t)s->bytes), s->bytes);
	s->bytes = 0;
}

static void subject_fill(struct subject *s)
{
	if (s->in < 0 || s->bytes == 64)
		return;
	assert_int_equal(write(s->in, "x", 1), 1);
	s->bytes++;
}

static void subject_drop(struct subject *s)
{
	if (s->watched)
		loop_drop(&loop, &s->watch);
	s->watched = false;
	s->calls++; /* it owes no event any more */
}

static void subject_watch(struct subject *s)
{
	if (!s->watched)
		assert_int_equal(loop_watch(&loop, &s->watch, s->events), 0);
	s->watched = true;
}

static void subject_close(struct subject *s)
{
	subject_drop(s);
	close(s->watch.fd);
	if (s->in >= 0)
		close(s->in);
}

/* Descriptors are numbered from the lowest: what was closed last comes back. */
static void subject_open(struct subject *s)
{
	int fds[2];

	assert_int_equal(pipe(fds), 0);
	s->watch.fd = fds[0];
	s->in = fds[1];
	s->bytes = 0;
	s->events = POLLIN;
	subject_watch(s);
}

/* No event is invented: a plain poll says the same. */
static void subject_ready(struct watch *w, short revents)
{
	struct subject *s = container_of(w, struct subject, watch);

	assert_true(s->watched);
	assert_int_equal(revents, plain_poll(s));
	s->calls++;
	switch (below(8)) {
	case 0:
		subject_drop(&subjects[below(MANY)]);
		break;
	case 1:
		subject_watch(&subjects[below(MANY)]);
		break;
	case 2:
		subject_close(s);
		subject_open(s);
		break;
	default:
		subject_empty(s);
		break;
	}
}

static void parts_check(void)
{
	assert_true(loop.hot <= loop.swept && loop.swept <= loop.len);
	for (uint32_t i = 0; i < loop.len; i++) {
		assert_int_equal(loop.watches[i]->slot, i);
		assert_int_equal(loop.watches[i]->fd, loop.pfds[i].fd);
	}
}

/* No event is lost: what is ready has its turn before a round is over. */
static void events_check(void)
{
	static bool ready[MANY];

	for (int i = 0; i < MANY; i++) {
		ready[i] = subjects[i].watched && plain_poll(&subjects[i]) != 0;
		subjects[i].calls = 0;
	}
	for (int n = 0; n < 2 + MANY / 256; n++) {
		loop.sweep_ns = 0;
		assert_int_equal(loop_turn(&loop), 0);
		parts_check();
	}
	for (int i = 0; i < MANY; i++)
		assert_true(!ready[i] || !subjects[i].watched || subjects[i].calls > 0);
}

static void random_step(struct subject *s)
{
	switch (below(16)) {
	case 0:
		s->events ^= POLLIN;
		if (s->watched)
			loop_want(&loop, &s->watch, s->events);
		break;
	case 1:
		if (s->in >= 0 && below(4) == 0)
			close(s->in);
		else
			break;
		s->in = -1;
		break;
	case 2:
		subject_close(s);
		subject_open(s);
		break;
	case 3:
		subject_drop(s);
		break;
	case 4:
	case 5:
		subject_watch(s);
		break;
	case 6:
	case 7:
		subject_fill(s);
		break;
	case 8:
		loop.sweep_ns = 0;
		assert_int_equal(loop_turn(&loop), 0);
		break;
	default: /* time goes by */
		s->watch.seen_ms -= 1000;
		loop.cooling_ms = 0;
		break;
	}
}

static void loses_and_invents_no_event(void **state)
{
	loop_init(&loop, NULL, NULL);
	deadline_queue_init(&loop, &ticks, 1, tick_expired);
	deadline_start(&loop, &ticks, &tick);
	for (int i = 0; i < MANY; i++) {
		subjects[i] = (struct subject){.watch.ready = subject_ready};
		subject_open(&subjects[i]);
	}
	for (int step = 0; step < STEPS; step++) {
		random_step(&subjects[below(MANY)]);
		if (step % 200 == 0)
			events_check();
	}
	for (int i = 0; i < MANY; i++)
		subject_close(&subjects[i]);
	deadline_queue_free(&ticks);
	loop_free(&loop);
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
		cmocka_unit_test(a_new_watch_is_hot_and_a_quiet_one_cold),
		cmocka_unit_test(a_watch_that_stays_hot_does),
		cmocka_unit_test(an_event_wakes_a_loop_in_which_all_is_cold),
		cmocka_unit_test(an_event_on_a_cold_watch_is_found_while_another_is_hot),
		cmocka_unit_test(a_quiet_loop_does_not_wake_up),
		cmocka_unit_test(a_deadline_is_kept_while_there_are_events),
		cmocka_unit_test(each_ready_watch_has_a_turn_before_any_has_two),
		cmocka_unit_test(loses_and_invents_no_event),
	};
	struct rlimit files;

	getrlimit(RLIMIT_NOFILE, &files);
	files.rlim_cur = files.rlim_max;
	if (files.rlim_cur < 2 * MANY + 100) {
		printf("SKIP: no limit of %d open files\n", 2 * MANY + 100);
		return 77;
	}
	setrlimit(RLIMIT_NOFILE, &files);
	alarm(120); /* where an event is lost, a test would wait for ever */
	return cmocka_run_group_tests(tests, NULL, NULL);
}
