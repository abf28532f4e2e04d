/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <limits.h>
#include <string.h>

#include "process/places.h"

#define NAMES 3
#define GUESTS 12

/* ---- one name ---- */

static void granted(struct slot *slot)
{
}

static void one_name_has_the_same_places_as_long_as_anybody_refers_to_them(void **state)
{
	struct places *places = places_named("a"), *again, *other = places_named("b");

	again = places_named("a");
	assert_ptr_equal(again, places);
	assert_ptr_not_equal(other, places);
	assert_string_equal(places->name, "a");
	places_unref(places);
	slots_limit(&again->slots, 5, 6);
	assert_ptr_equal(places_named("a"), again);
	places_unref(again);
	places_unref(again);
	places_unref(other);
	places_unref(NULL);
}

static void new_ones_have_no_place(void **state)
{
	struct places *places = places_named("a");
	struct slot slot = {0};

	slots_limit(&places->slots, 5, 6);
	places_unref(places);
	places = places_named("a");
	assert_int_equal(slots_enter(&places->slots, &slot, granted), -1);
	places_unref(places);
}

static void who_has_a_place_has_it_when_the_name_is_gone_and_comes_back(void **state)
{
	struct places *places = places_named("a"), *of_guest = places_ref(places);
	struct slot guest = {0}, next = {0};

	slots_limit(&places->slots, 1, 0);
	assert_int_equal(slots_enter(&of_guest->slots, &guest, granted), 1);
	places_unref(places);
	places = places_named("a");
	slots_limit(&places->slots, 1, 0);
	assert_int_equal(slots_enter(&places->slots, &next, granted), -1);
	slots_leave(&of_guest->slots, &guest);
	places_unref(of_guest);
	assert_int_equal(slots_enter(&places->slots, &next, granted), 1);
	slots_leave(&places->slots, &next);
	places_unref(places);
}

/* ---- names that come and go, at random ---- */

struct guest {
	struct slot slot;
	struct places *places; /* a reference; NULL: it is outside */
	int name;
};

static struct guest guests[GUESTS];
static struct places *known[NAMES]; /* NULL: the name is gone */
static unsigned max_granted[NAMES];
static uint32_t seed;

static unsigned below(unsigned bound)
{
	seed = seed * 1664525 + 1013904223;
	return (seed >> 16) % bound;
}

static unsigned count(int name, enum slot_state is)
{
	unsigned n = 0;

	for (int i = 0; i < GUESTS; i++)
		n += guests[i].places != NULL && guests[i].name == name &&
		     guests[i].slot.state == is;
	return n;
}

static void guest_leave(struct guest *guest)
{
	struct places *places = guest->places;

	slots_leave(&places->slots, &guest->slot);
	guest->places = NULL;
	places_unref(places);
}

/* No more than may, whatever the name has been through; and none where it is gone. */
static void turn_comes(struct slot *slot)
{
	struct guest *guest = (struct guest *)(void *)slot;

	assert_int_equal(slot->state, SLOT_GRANTED);
	if (known[guest->name] == NULL)
		guest_leave(guest);
	else
		assert_in_range(count(guest->name, SLOT_GRANTED), 1, max_granted[guest->name]);
}

static void guest_enter(struct guest *guest, int name)
{
	unsigned before = count(name, SLOT_GRANTED);
	int place;

	guest->name = name;
	guest->places = places_ref(known[name]);
	place = slots_enter(&guest->places->slots, &guest->slot, turn_comes);
	assert_int_equal(place > 0, before < max_granted[name]);
	if (place < 0)
		guest_leave(guest);
}

static void name_forget(int name)
{
	struct places *places = known[name];

	known[name] = NULL;
	slots_limit(&places->slots, UINT_MAX, 0);
	slots_serve(&places->slots);
	assert_int_equal(count(name, SLOT_WAITING), 0);
	places_unref(places);
}

static void name_know(int name)
{
	static const char *const names[NAMES] = {"a", "b", "c"};

	if (known[name] == NULL)
		known[name] = places_named(names[name]);
	max_granted[name] = 1 + below(3);
	slots_limit(&known[name]->slots, max_granted[name], below(4));
	slots_serve(&known[name]->slots);
}

static void random_step(void)
{
	struct guest *guest = &guests[below(GUESTS)];
	int name = (int)below(NAMES);

	if (below(10) == 0 && known[name] != NULL && below(2) == 0)
		name_forget(name);
	else if (below(8) == 0)
		name_know(name);
	else if (guest->places != NULL)
		guest_leave(guest);
	else if (known[name] != NULL)
		guest_enter(guest, name);
}

static void no_more_have_a_place_than_may_however_names_come_and_go(void **state)
{
	for (uint32_t round = 1; round <= 200; round++) {
		memset(guests, 0, sizeof(guests));
		seed = round;
		for (int step = 0; step < 500; step++)
			random_step();
		for (int i = 0; i < GUESTS; i++)
			if (guests[i].places != NULL)
				guest_leave(&guests[i]);
		for (int name = 0; name < NAMES; name++)
			if (known[name] != NULL)
				name_forget(name);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_name_has_the_same_places_as_long_as_anybody_refers_to_them),
		cmocka_unit_test(new_ones_have_no_place),
		cmocka_unit_test(who_has_a_place_has_it_when_the_name_is_gone_and_comes_back),
		cmocka_unit_test(no_more_have_a_place_than_may_however_names_come_and_go),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
