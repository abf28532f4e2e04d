/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "core/slice.h"

#define SLICE(text) ((struct slice){text, sizeof(text) - 1})

static void a_copy_borrows_nothing_of_what_it_was_made_of(void **state)
{
	char first[] = "disk", second[] = "a\0b";
	const struct slice slices[] = {SLICE(first), {"", 0}, {second, 3}};
	struct slice *copy = slices_copy(slices, 3);

	assert_non_null(copy);
	memset(first, 'x', sizeof(first));
	memset(second, 'x', sizeof(second));
	assert_int_equal(copy[0].len, 4);
	assert_memory_equal(copy[0].data, "disk", 4);
	assert_int_equal(copy[1].len, 0);
	assert_int_equal(copy[2].len, 3);
	assert_memory_equal(copy[2].data, "a\0b", 3);
	free(copy);
}

static void the_length_of_some_is_that_of_all(void **state)
{
	const struct slice slices[] = {SLICE("ab"), SLICE(""), SLICE("cde")};

	assert_int_equal(slices_len(slices, 3), 5);
	assert_int_equal(slices_len(slices, 2), 2);
	assert_int_equal(slices_len(slices, 0), 0);
}

static void a_word_is_known_in_any_case(void **state)
{
	assert_true(slice_is(&SLICE("iNpUt"), "INPUT"));
	assert_false(slice_is(&SLICE("INPUTS"), "INPUT"));
	assert_false(slice_is(&SLICE("INPU"), "INPUT"));
	assert_false(slice_is(&SLICE(""), "INPUT"));
}

static void what_is_no_number_is_not_taken(void **state)
{
	int64_t value = 7;

	assert_true(slice_integer(&SLICE("-9223372036854775808"), &value));
	assert_true(value == INT64_MIN);
	value = 7;
	assert_false(slice_integer(&SLICE("9223372036854775808"), &value));
	assert_false(slice_integer(&SLICE(""), &value));
	assert_false(slice_integer(&SLICE("1 "), &value));
	assert_false(slice_integer(&SLICE("0x10"), &value));
	assert_false(slice_integer(&SLICE("1-"), &value));
	assert_false(slice_integer(&SLICE("000000000000000000000001"), &value));
	assert_false(slice_integer(&(struct slice){"1\0", 2}, &value));
}

static void two_digits_are_a_byte(void **state)
{
	assert_int_equal(hex_byte("00"), 0);
	assert_int_equal(hex_byte("9a"), 0x9a);
	assert_int_equal(hex_byte("Ff"), 0xff);
	assert_int_equal(hex_byte("0g"), -1);
	assert_int_equal(hex_byte("/0"), -1);
	assert_int_equal(hex_byte("\xe4"
				  "0"),
			 -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_copy_borrows_nothing_of_what_it_was_made_of),
		cmocka_unit_test(the_length_of_some_is_that_of_all),
		cmocka_unit_test(a_word_is_known_in_any_case),
		cmocka_unit_test(what_is_no_number_is_not_taken),
		cmocka_unit_test(two_digits_are_a_byte),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
