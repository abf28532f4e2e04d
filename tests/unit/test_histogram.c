/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

#include "core/histogram.h"

#define MS 1000000

static void bounds_ascend_and_their_text_is_the_same_number(void **state)
{
	for (int i = 0; i < HISTOGRAM_BOUNDS; i++) {
		double seconds = strtod(histogram_bounds[i].seconds, NULL);

		assert_true(seconds * 1e9 - (double)histogram_bounds[i].ns < 0.001);
		assert_true((double)histogram_bounds[i].ns - seconds * 1e9 < 0.001);
		assert_true(i == 0 || histogram_bounds[i].ns > histogram_bounds[i - 1].ns);
	}
}

static void what_took_as_long_as_a_bound_is_within_it(void **state)
{
	struct histogram h = {0};

	for (int i = 0; i < HISTOGRAM_BOUNDS; i++)
		histogram_add(&h, histogram_bounds[i].ns, (uint64_t)i + 1);
	for (int i = 0; i < HISTOGRAM_BOUNDS; i++)
		assert_int_equal(h.counts[i], i + 1);
	assert_int_equal(h.counts[HISTOGRAM_BOUNDS], 0);
}

static void what_took_longer_than_any_bound_is_in_the_last_place(void **state)
{
	struct histogram h = {0};

	histogram_add(&h, histogram_bounds[HISTOGRAM_BOUNDS - 1].ns + 1, 2);
	histogram_add(&h, INT64_MAX / 4, 1);
	assert_int_equal(h.counts[HISTOGRAM_BOUNDS], 3);
}

static void each_is_counted_and_all_of_it_summed(void **state)
{
	struct histogram h = {0};

	histogram_add(&h, 5 * MS, 3);
	histogram_add(&h, 7 * MS, 1);
	assert_int_equal(histogram_count(&h), 4);
	assert_int_equal(h.sum_ns, 22 * MS);
}

/* Clocks of two kinds may differ by a little. */
static void less_than_no_time_is_none(void **state)
{
	struct histogram h = {0};

	histogram_add(&h, -5, 1);
	assert_int_equal(h.counts[0], 1);
	assert_int_equal(h.sum_ns, 0);
}

static void a_part_and_what_was_before_it_are_all(void **state)
{
	struct histogram all = {0}, before, part;

	histogram_add(&all, MS, 2);
	before = all;
	histogram_add(&all, 100 * MS, 3);
	part = all;
	histogram_part(&part, &before);
	assert_int_equal(histogram_count(&part), 3);
	assert_int_equal(part.sum_ns, 300 * MS);
	histogram_join(&part, &before);
	assert_memory_equal(&part, &all, sizeof(all));
}

static void a_quantile_lies_between_the_bounds_of_its_place(void **state)
{
	struct histogram h = {0};

	assert_int_equal(histogram_quantile_ns(&h, 500), 0);
	histogram_add(&h, 2 * MS, 90); /* between 1 ms and 4 ms */
	histogram_add(&h, 50 * MS, 10);
	assert_in_range(histogram_quantile_ns(&h, 500), 1 * MS, 4 * MS);
	assert_int_equal(histogram_quantile_ns(&h, 900), 4 * MS);
	assert_in_range(histogram_quantile_ns(&h, 950), 40 * MS, 100 * MS);
	assert_int_equal(histogram_quantile_ns(&h, 1000), 100 * MS);
}

static void beyond_all_bounds_the_last_one_is_what_is_known(void **state)
{
	struct histogram h = {0};

	histogram_add(&h, INT64_MAX / 4, 1);
	assert_int_equal(histogram_quantile_ns(&h, 500), histogram_bounds[HISTOGRAM_BOUNDS - 1].ns);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bounds_ascend_and_their_text_is_the_same_number),
		cmocka_unit_test(what_took_as_long_as_a_bound_is_within_it),
		cmocka_unit_test(what_took_longer_than_any_bound_is_in_the_last_place),
		cmocka_unit_test(each_is_counted_and_all_of_it_summed),
		cmocka_unit_test(less_than_no_time_is_none),
		cmocka_unit_test(a_part_and_what_was_before_it_are_all),
		cmocka_unit_test(a_quantile_lies_between_the_bounds_of_its_place),
		cmocka_unit_test(beyond_all_bounds_the_last_one_is_what_is_known),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
