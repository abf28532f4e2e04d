/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "process/slots.h"

#define COUNT 12
#define MANY 10000

static struct slots slots;
static struct slot s[COUNT];
static int turns[COUNT]; /* whose turn has come, by its number */
static size_t turn_count;

static void note(struct slot *slot)
{
	assert_int_equal(slot->state, SLOT_GRANTED);
	assert_true(turn_count < COUNT);
	turns[turn_count++] = (int)(slot - s);
}

static void note_and_leave(struct slot *slot)
{
	note(slot);
	slots_leave(&slots, slot);
}

static int slots_open(void **state)
{
	memset(s, 0, sizeof(s));
	turn_count = 0;
	return 0;
}

static int enter(int i)
{
	return slots_enter(&slots, &s[i], note);
}

static void leave(int i)
{
	slots_leave(&slots, &s[i]);
}

static void limit(unsigned max_granted, unsigned max_waiting)
{
	slots_limit(&slots, max_granted, max_waiting);
	slots_serve(&slots);
}

static void assert_counts(unsigned granted, unsigned waiting)
{
	assert_int_equal(slots.granted, granted);
	assert_int_equal(slots.waiting, waiting);
}

/* Those whose turn came since the last time, in order. */
static void assert_turns(const int *expected, size_t count)
{
	assert_int_equal(turn_count, count);
	for (size_t i = 0; i < count; i++)
		assert_int_equal(turns[i], expected[i]);
	turn_count = 0;
}

#define ASSERT_TURNS(...)                                                        \
	do {                                                                     \
		const int expected_[] = {__VA_ARGS__};                           \
		assert_turns(expected_, sizeof(expected_) / sizeof(*expected_)); \
	} while (0)

static void assert_no_turn(void)
{
	assert_turns(NULL, 0);
}

/* ---- entering and leaving ---- */

static void a_free_place_is_granted_at_once_and_without_a_call(void **state)
{
	slots_init(&slots, 2, 5);
	assert_int_equal(enter(0), 1);
	assert_int_equal(enter(1), 1);
	assert_no_turn();
	assert_int_equal(s[0].state, SLOT_GRANTED);
	assert_int_equal(s[1].state, SLOT_GRANTED);
	assert_counts(2, 0);
}

static void who_comes_when_all_are_taken_waits(void **state)
{
	slots_init(&slots, 1, 5);
	assert_int_equal(enter(0), 1);
	assert_int_equal(enter(1), 0);
	assert_int_equal(enter(2), 0);
	assert_no_turn();
	assert_int_equal(s[1].state, SLOT_WAITING);
	assert_counts(1, 2);
}

static void who_comes_first_is_served_first(void **state)
{
	slots_init(&slots, 2, 5);
	for (int i = 0; i < 6; i++)
		assert_int_equal(enter(i), i < 2);
	leave(1);
	ASSERT_TURNS(2);
	leave(0);
	ASSERT_TURNS(3);
	leave(3);
	leave(2);
	ASSERT_TURNS(4, 5);
	assert_counts(2, 0);
}

static void a_full_queue_refuses(void **state)
{
	slots_init(&slots, 1, 1);
	assert_int_equal(enter(0), 1);
	assert_int_equal(enter(1), 0);
	errno = 0;
	assert_int_equal(enter(2), -1);
	assert_int_equal(errno, EBUSY);
	assert_int_equal(s[2].state, SLOT_OUTSIDE);
	assert_counts(1, 1);
	leave(0);
	ASSERT_TURNS(1);
	assert_int_equal(enter(2), 0);
}

static void without_a_queue_nobody_waits(void **state)
{
	slots_init(&slots, 1, 0);
	assert_int_equal(enter(0), 1);
	assert_int_equal(enter(1), -1);
	leave(0);
	assert_int_equal(enter(1), 1);
	assert_no_turn();
}

static void without_places_all_wait(void **state)
{
	slots_init(&slots, 0, 1);
	assert_int_equal(enter(0), 0);
	assert_int_equal(enter(1), -1);
	assert_counts(0, 1);
	leave(0);
	assert_no_turn();
	assert_counts(0, 0);
}

static void who_gives_up_waiting_is_passed_over(void **state)
{
	slots_init(&slots, 1, 5);
	for (int i = 0; i < 4; i++)
		assert_int_equal(enter(i), i == 0);
	leave(1);
	assert_no_turn();
	assert_int_equal(s[1].state, SLOT_OUTSIDE);
	assert_counts(1, 2);
	leave(3);
	leave(0);
	ASSERT_TURNS(2);
	assert_counts(1, 0);
}

static void leaving_from_outside_does_nothing(void **state)
{
	slots_init(&slots, 1, 5);
	leave(0);
	assert_counts(0, 0);
	assert_int_equal(enter(0), 1);
	assert_int_equal(enter(1), 0);
	leave(2);
	assert_no_turn();
	assert_counts(1, 1);
	leave(1);
	leave(1);
	leave(0);
	leave(0);
	assert_no_turn();
	assert_counts(0, 0);
}

static void who_has_left_may_be_freed_and_may_come_again(void **state)
{
	slots_init(&slots, 1, 5);
	for (int i = 0; i < 4; i++)
		assert_int_equal(enter(i), i == 0);
	leave(2);
	memset(&s[2], 0xff, sizeof(s[2]));
	leave(0);
	memset(&s[0], 0xff, sizeof(s[0]));
	ASSERT_TURNS(1);
	s[0] = s[2] = (struct slot){0};
	assert_int_equal(enter(2), 0);
	assert_int_equal(enter(0), 0);
	leave(1);
	leave(3);
	leave(2);
	ASSERT_TURNS(3, 2, 0);
}

/* ---- from within granted() ---- */

static void who_leaves_when_its_turn_comes_passes_the_place_on(void **state)
{
	slots_init(&slots, 1, COUNT);
	assert_int_equal(enter(0), 1);
	for (int i = 1; i < 4; i++)
		assert_int_equal(slots_enter(&slots, &s[i], note_and_leave), 0);
	assert_int_equal(enter(4), 0);
	leave(0);
	ASSERT_TURNS(1, 2, 3, 4);
	assert_counts(1, 0);
}

static int depth;

static void leave_at_once(struct slot *slot)
{
	assert_int_equal(++depth, 1);
	slots_leave(&slots, slot);
	depth--;
}

static void however_many_leave_at_once_none_is_called_within_another(void **state)
{
	static struct slot many[MANY];

	slots_init(&slots, 1, MANY);
	assert_int_equal(enter(0), 1);
	for (int i = 0; i < MANY; i++)
		assert_int_equal(slots_enter(&slots, &many[i], leave_at_once), 0);
	leave(0);
	assert_counts(0, 0);
	for (int i = 0; i < MANY; i++)
		assert_int_equal(many[i].state, SLOT_OUTSIDE);
}

static void leave_and_queue_again(struct slot *slot)
{
	note_and_leave(slot);
	assert_int_equal(slots_enter(&slots, slot, note), 0);
}

static void who_comes_again_at_once_is_behind_those_who_wait(void **state)
{
	slots_init(&slots, 1, 5);
	assert_int_equal(enter(0), 1);
	assert_int_equal(slots_enter(&slots, &s[1], leave_and_queue_again), 0);
	assert_int_equal(enter(2), 0);
	leave(0);
	ASSERT_TURNS(1, 2);
	leave(2);
	ASSERT_TURNS(1);
}

static void send_away_the_next(struct slot *slot)
{
	note(slot);
	slots_leave(&slots, slot + 1);
}

static void whose_turn_it_is_may_send_away_who_waits(void **state)
{
	slots_init(&slots, 2, 5);
	assert_int_equal(enter(0), 1);
	assert_int_equal(enter(1), 1);
	assert_int_equal(slots_enter(&slots, &s[2], send_away_the_next), 0);
	assert_int_equal(enter(3), 0);
	assert_int_equal(enter(4), 0);
	limit(4, 5);
	ASSERT_TURNS(2, 4);
	assert_counts(4, 0);
}

/* ---- limits ---- */

static void new_places_are_granted_at_once(void **state)
{
	slots_init(&slots, 1, 5);
	for (int i = 0; i < 5; i++)
		assert_int_equal(enter(i), i == 0);
	limit(3, 5);
	ASSERT_TURNS(1, 2);
	assert_counts(3, 2);
}

static void limits_alone_grant_nothing(void **state)
{
	slots_init(&slots, 0, 2);
	assert_int_equal(enter(0), 0);
	slots_limit(&slots, 2, 2);
	assert_no_turn();
	slots_serve(&slots);
	ASSERT_TURNS(0);
}

static void who_has_a_place_keeps_it_when_there_are_fewer(void **state)
{
	slots_init(&slots, 3, 5);
	for (int i = 0; i < 4; i++)
		assert_int_equal(enter(i), i < 3);
	limit(1, 5);
	assert_counts(3, 1);
	leave(0);
	leave(1);
	assert_no_turn();
	leave(2);
	ASSERT_TURNS(3);
	assert_counts(1, 0);
}

static void who_waits_keeps_waiting_when_the_queue_is_shorter(void **state)
{
	slots_init(&slots, 1, 5);
	for (int i = 0; i < 4; i++)
		assert_int_equal(enter(i), i == 0);
	limit(1, 1);
	assert_counts(1, 3);
	assert_int_equal(enter(4), -1);
	leave(0);
	leave(1);
	assert_int_equal(enter(4), -1);
	leave(2);
	ASSERT_TURNS(1, 2, 3);
	assert_int_equal(enter(4), 0);
}

/* ---- at random, beside a model ---- */

/* What should be: who has a place, and who waits, in order. */
static struct {
	enum slot_state is[COUNT];
	bool leaves[COUNT]; /* as soon as its turn comes */
	int queue[COUNT];
	unsigned granted, waiting, max_granted, max_waiting;
	int turns[COUNT];
	size_t turn_count;
} model;

static uint32_t seed;

static unsigned below(unsigned bound)
{
	seed = seed * 1664525 + 1013904223;
	return (seed >> 16) % bound;
}

static void model_remove(int i)
{
	unsigned at = 0;

	while (model.queue[at] != i)
		at++;
	model.waiting--;
	memmove(model.queue + at, model.queue + at + 1, (model.waiting - at) * sizeof(int));
}

static void model_serve(void)
{
	while (model.waiting > 0 && model.granted < model.max_granted) {
		int i = model.queue[0];

		model_remove(i);
		model.turns[model.turn_count++] = i;
		model.is[i] = model.leaves[i] ? SLOT_OUTSIDE : SLOT_GRANTED;
		model.granted += !model.leaves[i];
	}
}

static int model_enter(int i)
{
	if (model.granted < model.max_granted) {
		model.is[i] = SLOT_GRANTED;
		model.granted++;
		return 1;
	}
	if (model.waiting >= model.max_waiting)
		return -1;
	model.is[i] = SLOT_WAITING;
	model.queue[model.waiting++] = i;
	return 0;
}

static void model_leave(int i)
{
	if (model.is[i] == SLOT_WAITING)
		model_remove(i);
	model.granted -= model.is[i] == SLOT_GRANTED;
	model.is[i] = SLOT_OUTSIDE;
	model_serve();
}

static void random_step(void)
{
	int i = (int)below(COUNT);

	if (below(20) == 0) {
		model.max_granted = below(5);
		model.max_waiting = below(7);
		model_serve();
		limit(model.max_granted, model.max_waiting);
	} else if (model.is[i] == SLOT_OUTSIDE && below(4) > 0) {
		model.leaves[i] = below(4) == 0;
		assert_int_equal(
			slots_enter(&slots, &s[i], model.leaves[i] ? note_and_leave : note),
			model_enter(i));
	} else {
		model_leave(i);
		leave(i);
	}
}

static void assert_like_model(void)
{
	assert_counts(model.granted, model.waiting);
	for (int i = 0; i < COUNT; i++)
		assert_int_equal(s[i].state, model.is[i]);
	assert_turns(model.turns, model.turn_count);
	model.turn_count = 0;
	assert_true(slots.waiting == 0 || slots.granted >= slots.max_granted);
}

static void whatever_happens_it_is_as_in_the_model(void **state)
{
	for (uint32_t round = 1; round <= 200; round++) {
		slots_open(NULL);
		memset(&model, 0, sizeof(model));
		seed = round;
		slots_init(&slots, 0, 0);
		for (int step = 0; step < 500; step++) {
			random_step();
			assert_like_model();
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(a_free_place_is_granted_at_once_and_without_a_call,
				       slots_open),
		cmocka_unit_test_setup(who_comes_when_all_are_taken_waits, slots_open),
		cmocka_unit_test_setup(who_comes_first_is_served_first, slots_open),
		cmocka_unit_test_setup(a_full_queue_refuses, slots_open),
		cmocka_unit_test_setup(without_a_queue_nobody_waits, slots_open),
		cmocka_unit_test_setup(without_places_all_wait, slots_open),
		cmocka_unit_test_setup(who_gives_up_waiting_is_passed_over, slots_open),
		cmocka_unit_test_setup(leaving_from_outside_does_nothing, slots_open),
		cmocka_unit_test_setup(who_has_left_may_be_freed_and_may_come_again, slots_open),
		cmocka_unit_test_setup(who_leaves_when_its_turn_comes_passes_the_place_on,
				       slots_open),
		cmocka_unit_test_setup(however_many_leave_at_once_none_is_called_within_another,
				       slots_open),
		cmocka_unit_test_setup(who_comes_again_at_once_is_behind_those_who_wait,
				       slots_open),
		cmocka_unit_test_setup(whose_turn_it_is_may_send_away_who_waits, slots_open),
		cmocka_unit_test_setup(new_places_are_granted_at_once, slots_open),
		cmocka_unit_test_setup(limits_alone_grant_nothing, slots_open),
		cmocka_unit_test_setup(who_has_a_place_keeps_it_when_there_are_fewer, slots_open),
		cmocka_unit_test_setup(who_waits_keeps_waiting_when_the_queue_is_shorter,
				       slots_open),
		cmocka_unit_test_setup(whatever_happens_it_is_as_in_the_model, slots_open),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
