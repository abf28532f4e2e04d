/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "core/option.h"

static union {
	bool on;
	int number;
	unsigned mode;
	size_t size;
	int64_t ms;
	char *text;
	struct option_list list;
} field;
static char reason[OPTION_REASON_MAX];

static int set(const struct option_type *type, const char *range, const char *text)
{
	const struct option_def def = {.name = "key", .type = type, .range = range};

	return option_set(&def, &field, text, reason);
}

static void refuse(const struct option_type *type, const char *range, const char *text)
{
	reason[0] = '\0';
	assert_int_equal(set(type, range, text), -1);
	assert_true(reason[0] != '\0');
}

static void numbers_keep_to_their_range(void **state)
{
	assert_int_equal(set(&option_int, "1..100", "1"), 0);
	assert_int_equal(field.number, 1);
	assert_int_equal(set(&option_int, "1..100", "100"), 0);
	assert_int_equal(field.number, 100);
	refuse(&option_int, "1..100", "0");
	assert_string_equal(reason, "0 is out of range 1..100");
	refuse(&option_int, "1..100", "101");
}

static void what_is_no_number_is_refused(void **state)
{
	static const char *const words[] = {"",   "x",  "-1",   "+1",  " 1",
					    "1 ", "1x", "0x10", "1.5", "9999999999999999999999"};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		refuse(&option_int, "0..100", words[i]);
}

static void sizes_have_binary_units(void **state)
{
	assert_int_equal(set(&option_size, "1..16M", "64k"), 0);
	assert_int_equal(field.size, 65536);
	assert_int_equal(set(&option_size, "1..16M", "16M"), 0);
	assert_int_equal(set(&option_size, "1..16M", "512"), 0);
	assert_int_equal(field.size, 512);
	refuse(&option_size, "1..16M", "17M");
	refuse(&option_size, "1..16M", "1m");
	refuse(&option_size, "1..16M", "0");
	refuse(&option_size, "", "999999999999999G");
}

static void durations_need_a_unit(void **state)
{
	assert_int_equal(set(&option_duration, "0..24h", "500ms"), 0);
	assert_int_equal(field.ms, 500);
	assert_int_equal(set(&option_duration, "0..24h", "24h"), 0);
	assert_int_equal(field.ms, 86400000);
	assert_int_equal(set(&option_duration, "0..24h", "2m"), 0);
	assert_int_equal(field.ms, 120000);
	assert_int_equal(set(&option_duration, "0..24h", "0"), 0);
	assert_int_equal(field.ms, 0);
	refuse(&option_duration, "0..24h", "5");
	refuse(&option_duration, "0..24h", "25h");
	refuse(&option_duration, "0..24h", "5 s");
}

static void booleans_are_words_of_any_case(void **state)
{
	assert_int_equal(set(&option_bool, "", "Yes"), 0);
	assert_true(field.on);
	assert_int_equal(set(&option_bool, "", "off"), 0);
	assert_false(field.on);
	refuse(&option_bool, "", "maybe");
	refuse(&option_bool, "", "");
}

static void a_word_is_one_of_its_range(void **state)
{
	assert_int_equal(set(&option_word, "auto|syslog|stderr", "auto"), 0);
	assert_int_equal(field.number, 0);
	assert_int_equal(set(&option_word, "auto|syslog|stderr", "stderr"), 0);
	assert_int_equal(field.number, 2);
	refuse(&option_word, "auto|syslog|stderr", "sys");
	refuse(&option_word, "auto|syslog|stderr", "auto|syslog");
	refuse(&option_word, "auto|syslog|stderr", "");
}

static void a_mode_is_octal(void **state)
{
	assert_int_equal(set(&option_mode, "", "0660"), 0);
	assert_int_equal(field.mode, 0660);
	refuse(&option_mode, "", "0668");
	refuse(&option_mode, "", "1000");
	refuse(&option_mode, "", "-1");
	refuse(&option_mode, "", "");
}

static void texts_and_lists_replace_what_was_there(void **state)
{
	const struct option_def text = {.type = &option_text, .range = ""};
	const struct option_def list = {.type = &option_list, .range = ""};

	memset(&field, 0, sizeof(field));
	assert_int_equal(set(&option_text, "", "one"), 0);
	assert_int_equal(set(&option_text, "", "two"), 0);
	assert_string_equal(field.text, "two");
	option_free(&text, 1, &field);
	memset(&field, 0, sizeof(field));
	assert_int_equal(set(&option_list, "", " a\tbc  d "), 0);
	assert_int_equal(field.list.count, 3);
	assert_string_equal(field.list.items[1], "bc");
	option_free(&list, 1, &field);
}

static void a_near_miss_differs_in_a_third_at_most(void **state)
{
	assert_true(option_is_near("daemon", "daemon"));
	assert_true(option_is_near("deamon", "daemon"));
	assert_true(option_is_near("max_client", "max_clients"));
	assert_true(option_is_near("idletimeout", "idle_timeout"));
	assert_false(option_is_near("", "listen"));
	assert_false(option_is_near("banana", "listen"));
	assert_false(option_is_near(
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "listen"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_keep_to_their_range),
		cmocka_unit_test(what_is_no_number_is_refused),
		cmocka_unit_test(sizes_have_binary_units),
		cmocka_unit_test(durations_need_a_unit),
		cmocka_unit_test(booleans_are_words_of_any_case),
		cmocka_unit_test(a_word_is_one_of_its_range),
		cmocka_unit_test(a_mode_is_octal),
		cmocka_unit_test(texts_and_lists_replace_what_was_there),
		cmocka_unit_test(a_near_miss_differs_in_a_third_at_most),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
