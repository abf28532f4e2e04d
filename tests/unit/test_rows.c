/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <locale.h>
#include <string.h>

#include "client/rows.h"

static size_t rows(const char *text, size_t column, size_t columns)
{
	return rows_of(text, strlen(text), column, columns);
}

static void a_row_is_full_before_another_begins(void **state)
{
	assert_int_equal(rows("", 3, 10), 0);
	assert_int_equal(rows("123456", 3, 10), 0);
	assert_int_equal(rows("1234567", 3, 10), 1);
	assert_int_equal(rows("12345678901234567", 3, 10), 2);
	assert_int_equal(rows("123", 0, 1), 3);
	assert_int_equal(rows_of("1234567", 6, 3, 10), 0);
}

static void a_tab_goes_to_the_next_eighth_column(void **state)
{
	assert_int_equal(rows("\t", 3, 9), 0);
	assert_int_equal(rows("\t", 3, 8), 1);
	assert_int_equal(rows("\t\t", 3, 16), 1);
}

static void a_control_character_takes_two_columns(void **state)
{
	assert_int_equal(rows("\x01", 0, 3), 0);
	assert_int_equal(rows("\x01", 0, 2), 1);
}

static void characters_have_their_width_and_are_not_cut_in_two(void **state)
{
	assert_int_equal(rows("\xc3\xa9", 0, 2), 0);
	assert_int_equal(rows("\xe4\xb8\xad", 0, 3), 0);
	assert_int_equal(rows("\xe4\xb8\xad", 0, 2), 1);
	assert_int_equal(rows("\xe4\xb8\xad", 2, 3), 1);
	assert_int_equal(rows("\xe4\xb8\xad", 1, 3), 1);
	assert_int_equal(rows("\xef\xbf\xbe", 0, 8), 0); /* U+FFFE, as \U+FFFE */
	assert_int_equal(rows("\xef\xbf\xbe", 0, 7), 1);
}

static void what_is_no_character_ends_it(void **state)
{
	assert_int_equal(rows("12\xff"
			      "345678901234567890",
			      0, 10),
			 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_row_is_full_before_another_begins),
		cmocka_unit_test(a_tab_goes_to_the_next_eighth_column),
		cmocka_unit_test(a_control_character_takes_two_columns),
		cmocka_unit_test(characters_have_their_width_and_are_not_cut_in_two),
		cmocka_unit_test(what_is_no_character_ends_it),
	};

	if (setlocale(LC_CTYPE, "C.UTF-8") == NULL)
		return 77;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
