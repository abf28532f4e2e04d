/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#include "core/index.h"

static void what_was_added_is_found_and_nothing_else(void **state)
{
	static int values[1000];
	struct index ix = {0};
	char key[16];

	assert_null(index_find(&ix, "0"));
	for (int i = 0; i < 1000; i++) {
		snprintf(key, sizeof(key), "%d", i);
		assert_int_equal(index_add(&ix, key, &values[i]), 0);
	}
	for (int i = 0; i < 1000; i++) {
		snprintf(key, sizeof(key), "%d", i);
		assert_ptr_equal(index_find(&ix, key), &values[i]);
	}
	assert_null(index_find(&ix, "1000"));
	assert_null(index_find(&ix, ""));
	index_free(&ix);
	assert_null(index_find(&ix, "0"));
	index_free(&ix);
}

static void the_first_of_a_key_stays(void **state)
{
	struct index ix = {0};
	int first, second;

	assert_int_equal(index_add(&ix, "a", &first), 0);
	assert_int_equal(index_add(&ix, "a", &second), 0);
	assert_ptr_equal(index_find(&ix, "a"), &first);
	index_free(&ix);
}

static void what_was_removed_is_not_found_and_the_others_are(void **state)
{
	struct index ix = {0};
	int first, second;

	assert_int_equal(index_add(&ix, "a", &first), 0);
	assert_int_equal(index_add(&ix, "b", &second), 0);
	index_remove(&ix, "a");
	assert_null(index_find(&ix, "a"));
	assert_ptr_equal(index_find(&ix, "b"), &second);
	assert_int_equal(index_add(&ix, "a", &second), 0);
	assert_ptr_equal(index_find(&ix, "a"), &second);
	index_free(&ix);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_added_is_found_and_nothing_else),
		cmocka_unit_test(the_first_of_a_key_stays),
		cmocka_unit_test(what_was_removed_is_not_found_and_the_others_are),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
