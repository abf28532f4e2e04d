/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "services/listing.h"

#define MANY 5000
#define PLENTY (64U << 20) /* bytes */

static struct listing l;
static unsigned seen[MANY];

static int listing_close(void **state)
{
	listing_free(&l);
	assert_int_equal(l.bytes, 0);
	return 0;
}

static void add(const char *name)
{
	assert_int_equal(listing_add(&l, name, 1), 0);
}

static void add_many(void)
{
	char name[16];

	for (int i = 0; i < MANY; i++) {
		snprintf(name, sizeof(name), "%d", i);
		add(name);
	}
}

/* Count what there is from a place on. Returns how many. */
static unsigned see_from(uint64_t place)
{
	unsigned count = 0, number;

	for (struct listed *e = listing_find(&l, place); e != NULL; e = listing_next(e)) {
		assert_true(e->place >= place);
		assert_true(e->place >= l.from && e->place < l.limit);
		assert_true(e->place == listing_place(e->name));
		place = e->place;
		assert_int_equal(sscanf(e->name, "%u", &number), 1);
		seen[number]++;
		count++;
	}
	return count;
}

/* A cursor may come back after a restart, or to another machine. The values are of sha256sum(1). */
static void the_place_of_a_name_never_changes(void **state)
{
	assert_true(listing_place("a") == 0x112ca1bbdca);
	assert_true(listing_place("file.txt") == 0x27c8267c09d);
}

static void names_come_in_the_order_of_their_places(void **state)
{
	memset(seen, 0, sizeof(seen));
	listing_init(&l, 0, PLENTY);
	add_many();
	assert_int_equal(see_from(0), MANY);
	for (int i = 0; i < MANY; i++)
		assert_int_equal(seen[i], 1);
	assert_true(l.limit == PLACE_END);
}

static void a_name_is_found_at_its_place_and_not_behind_it(void **state)
{
	listing_init(&l, 0, PLENTY);
	assert_null(listing_find(&l, 0));
	add("a");
	assert_string_equal(listing_find(&l, listing_place("a"))->name, "a");
	assert_null(listing_find(&l, listing_place("a") + 1));
	assert_null(listing_next(listing_find(&l, 0)));
}

static void a_name_that_comes_twice_is_there_once(void **state)
{
	listing_init(&l, 0, PLENTY);
	add("1");
	add("1");
	assert_int_equal(see_from(0), 1);
}

static void names_before_the_beginning_are_left_out(void **state)
{
	listing_init(&l, PLACE_END / 2, PLENTY);
	add_many();
	assert_in_range(see_from(0), MANY / 3, MANY * 2 / 3);
}

static void names_that_there_is_no_room_for_are_those_behind_the_limit(void **state)
{
	unsigned count, expected = 0;
	char name[16];

	listing_init(&l, 0, 100000);
	add_many();
	assert_true(l.bytes <= 100000);
	assert_true(l.limit < PLACE_END);
	count = see_from(0);
	for (int i = 0; i < MANY; i++) {
		snprintf(name, sizeof(name), "%d", i);
		expected += listing_place(name) < l.limit;
	}
	assert_in_range(count, 100, MANY - 1);
	assert_int_equal(count, expected);
}

static void listings_from_limit_to_limit_have_each_name_once(void **state)
{
	unsigned rounds = 0;
	uint64_t from = 0;

	memset(seen, 0, sizeof(seen));
	while (from < PLACE_END) {
		listing_init(&l, from, 50000);
		add_many();
		see_from(from);
		from = l.limit;
		listing_free(&l);
		rounds++;
	}
	for (int i = 0; i < MANY; i++)
		assert_int_equal(seen[i], 1);
	assert_in_range(rounds, 2, 50);
}

#define LISTING_TEST(name) cmocka_unit_test_teardown(name, listing_close)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_place_of_a_name_never_changes),
		LISTING_TEST(names_come_in_the_order_of_their_places),
		LISTING_TEST(a_name_is_found_at_its_place_and_not_behind_it),
		LISTING_TEST(a_name_that_comes_twice_is_there_once),
		LISTING_TEST(names_before_the_beginning_are_left_out),
		LISTING_TEST(names_that_there_is_no_room_for_are_those_behind_the_limit),
		LISTING_TEST(listings_from_limit_to_limit_have_each_name_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
