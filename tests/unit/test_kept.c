/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "services/kept.h"

static struct deadlines deadlines;

static int opens(void **state)
{
	static bool opened;

	if (!opened) {
		deadlines_init(&deadlines);
		kept_init(&deadlines);
	}
	opened = true;
	return 0;
}

static int stops(void **state)
{
	kept_stop();
	return 0;
}

static struct stat folder(ino_t ino)
{
	return (struct stat){.st_dev = 5, .st_ino = ino};
}

/* A listing of the places from .. limit of a folder, that has been read. */
static struct kept *read_whole(const struct stat *of, uint64_t from, uint64_t limit)
{
	struct kept *k = kept_new(of, from);

	assert_non_null(k);
	k->listing.limit = limit;
	kept_keep(k);
	return k;
}

static void it_serves_the_places_that_it_has_of_its_folder(void **state)
{
	const struct stat here = folder(1), there = folder(2);
	const struct stat elsewhere = {.st_dev = 6, .st_ino = 1};
	uint64_t begun = kept_epoch_begin(&here);
	struct kept *k = read_whole(&here, 10, 20);

	assert_ptr_equal(kept_use(&here, 10, begun), k);
	assert_ptr_equal(kept_use(&here, 19, begun), k);
	assert_null(kept_use(&here, 9, begun));
	assert_null(kept_use(&here, 20, begun));
	assert_null(kept_use(&there, 10, begun));
	assert_null(kept_use(&elsewhere, 10, begun));
}

static void nothing_serves_while_it_is_read(void **state)
{
	const struct stat here = folder(1);
	struct kept *k = kept_new(&here, 0);

	assert_non_null(k);
	assert_null(kept_use(&here, 0, k->born));
	kept_keep(k);
	assert_ptr_equal(kept_use(&here, 0, k->born), k);
}

static void what_was_read_before_a_scan_began_does_not_serve_it(void **state)
{
	const struct stat here = folder(1), there = folder(2);
	uint64_t first = kept_epoch_begin(&here), second;
	struct kept *old = read_whole(&here, 0, 20), *young;

	assert_int_equal(kept_epoch_begin(&there), first);
	second = kept_epoch_begin(&here);
	assert_true(second > first);
	assert_null(kept_use(&here, 0, second));
	assert_ptr_equal(kept_use(&here, 0, first), old);
	young = read_whole(&here, 0, 20);
	assert_ptr_equal(kept_use(&here, 0, second), young);
	assert_ptr_equal(kept_use(&here, 0, first), young);
}

static void what_is_still_read_is_too_old_for_a_scan_that_begins(void **state)
{
	const struct stat here = folder(1);
	struct kept *k = kept_new(&here, 0);

	assert_non_null(k);
	assert_int_equal(kept_epoch_begin(&here), k->born + 1);
	kept_free(k);
}

static void an_epoch_is_known_by_its_end(void **state)
{
	const struct stat here = folder(1);
	uint64_t begun = kept_epoch_begin(&here), now = begun;

	assert_int_equal(kept_epoch(begun % KEPT_EPOCHS), begun);
	for (int i = 1; i < KEPT_EPOCHS; i++) {
		read_whole(&here, 0, 20);
		now = kept_epoch_begin(&here);
	}
	assert_int_equal(now, begun + KEPT_EPOCHS - 1);
	assert_int_equal(kept_epoch(begun % KEPT_EPOCHS), begun);
	assert_int_equal(kept_epoch(now % KEPT_EPOCHS), now);
	read_whole(&here, 0, 20);
	now = kept_epoch_begin(&here);
	assert_int_equal(kept_epoch(begun % KEPT_EPOCHS), now); /* 256 later: taken for younger */
}

static void the_one_that_was_asked_for_longest_ago_makes_room(void **state)
{
	const struct stat folders[] = {folder(1), folder(2), folder(3), folder(4), folder(5)};
	const struct stat long_one = folder(6);
	struct kept *still_read = kept_new(&long_one, 0), *read = kept_new(&folders[4], 0);

	assert_non_null(still_read);
	assert_non_null(read);
	for (int i = 0; i < 4; i++)
		read_whole(&folders[i], 0, 20);
	assert_non_null(kept_use(&folders[0], 0, 0));
	kept_keep(read);
	assert_null(kept_use(&folders[1], 0, 0));
	assert_non_null(kept_use(&folders[0], 0, 0));
	assert_non_null(kept_use(&folders[2], 0, 0));
	assert_non_null(kept_use(&folders[3], 0, 0));
	assert_ptr_equal(kept_use(&folders[4], 0, 0), read);
	kept_keep(still_read);
	assert_ptr_equal(kept_use(&long_one, 0, 0), still_read);
	assert_null(kept_use(&folders[0], 0, 0));
}

static void it_is_kept_for_ten_seconds_after_it_was_asked_for(void **state)
{
	const struct stat here = folder(1);

	read_whole(&here, 0, 20);
	deadlines.now_ms += 9999;
	deadlines_expire(&deadlines);
	assert_non_null(kept_use(&here, 0, 0));
	deadlines.now_ms += 9999;
	deadlines_expire(&deadlines);
	assert_non_null(kept_use(&here, 0, 0));
	deadlines.now_ms += 10000;
	deadlines_expire(&deadlines);
	assert_null(kept_use(&here, 0, 0));
}

#define KEPT_TEST(name) cmocka_unit_test_setup_teardown(name, opens, stops)

int main(void)
{
	const struct CMUnitTest tests[] = {
		KEPT_TEST(it_serves_the_places_that_it_has_of_its_folder),
		KEPT_TEST(nothing_serves_while_it_is_read),
		KEPT_TEST(what_was_read_before_a_scan_began_does_not_serve_it),
		KEPT_TEST(what_is_still_read_is_too_old_for_a_scan_that_begins),
		KEPT_TEST(an_epoch_is_known_by_its_end),
		KEPT_TEST(the_one_that_was_asked_for_longest_ago_makes_room),
		KEPT_TEST(it_is_kept_for_ten_seconds_after_it_was_asked_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
