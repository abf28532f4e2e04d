/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "config/near.h"
#include "config/option.h"

static union {
	bool on;
	int number;
	unsigned mode;
	size_t size;
	int64_t ms;
	char *text;
	struct option_list list;
} field;
static struct reason reason;

#define SIDE_WORDS(WORD)        \
	WORD(SIDE_LEFT, "left") \
	WORD(SIDE_RIGHT, "right")

#define NUMBER_WORDS(WORD)   \
	WORD(1 + 2, "three") \
	WORD(3 + 4, "seven")

enum side { SIDE_WORDS(OPTION_CONSTANT) };

OPTION_WORDS(side, SIDE_WORDS);
OPTION_WORDS(number, NUMBER_WORDS);

static int set(const struct option_type *type, const char *range, const char *text)
{
	const struct option_def def = {.name = "key", .type = type, .range = range};

	return option_set(&def, &field, text, &reason);
}

static void refuse(const struct option_type *type, const char *range, const char *text)
{
	reason.text[0] = '\0';
	assert_int_equal(set(type, range, text), -1);
	assert_true(reason.text[0] != '\0');
}

static void numbers_keep_to_their_range(void **state)
{
	assert_int_equal(set(&option_int, "1..100", "1"), 0);
	assert_int_equal(field.number, 1);
	assert_int_equal(set(&option_int, "1..100", "100"), 0);
	assert_int_equal(field.number, 100);
	refuse(&option_int, "1..100", "0");
	assert_string_equal(reason.text, "0 is out of range 1..100");
	refuse(&option_int, "1..100", "101");
}

static void a_number_that_is_too_large_or_negative_is_out_of_range(void **state)
{
	refuse(&option_int, "1..100", "99999999999999999999");
	assert_string_equal(reason.text, "99999999999999999999 is out of range 1..100");
	refuse(&option_int, "0..100", "-1");
	assert_string_equal(reason.text, "-1 is out of range 0..100");
	refuse(&option_size, "1..16M", "9999999999999999G");
	assert_string_equal(reason.text, "9999999999999999G is out of range 1..16M");
	refuse(&option_duration, "0..24h", "999999999999999h");
	assert_string_equal(reason.text, "999999999999999h is out of range 0..24h");
	refuse(&option_int, "0..100", "-x");
	assert_string_equal(reason.text, "'-x' is not a number");
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

static void a_word_gives_its_constant(void **state)
{
	assert_int_equal(SIDE_RIGHT, 1);
	assert_int_equal(set(&option_side, "", "left"), 0);
	assert_int_equal(field.number, SIDE_LEFT);
	assert_int_equal(set(&option_side, "", "right"), 0);
	assert_int_equal(field.number, SIDE_RIGHT);
	assert_int_equal(set(&option_number, "", "seven"), 0);
	assert_int_equal(field.number, 7);
}

static void a_word_is_one_of_its_type(void **state)
{
	static const char *const words[] = {"lef", "leftx", "Left", "left|right", "|", "", "0"};
	char long_word[300], choices[OPTION_CHOICES_MAX];

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		refuse(&option_side, "", words[i]);
	refuse(&option_side, "", "up");
	assert_string_equal(reason.text, "'up' is not one of left|right");
	memset(long_word, 'x', sizeof(long_word));
	long_word[sizeof(long_word) - 1] = '\0';
	refuse(&option_side, "", long_word);
	assert_string_equal(reason.text + 101, "' is not one of left|right");
	option_choices_print(&option_number, choices);
	assert_string_equal(choices, "three|seven");
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

/* ---- quotes, paths and lists ---- */

static void quotes_around_a_value_are_no_part_of_it(void **state)
{
	static const char *const cases[][2] = {
		{"\"free space\"", "free space"},
		{"'a ; b'", "a ; b"},
		{"\"it's\"", "it's"},
		{"''", ""},
		{"it's", "it's"},
		{"say \"x\"", "say \"x\""},
		{"x", "x"},
		{"", ""},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char *text = option_unquote(cases[i][0], &reason);

		assert_non_null(text);
		assert_string_equal(text, cases[i][1]);
		free(text);
	}
	assert_int_equal(set(&option_int, "1..9", "\"7\""), 0);
	assert_int_equal(field.number, 7);
	assert_int_equal(set(&option_side, "", "'right'"), 0);
	assert_int_equal(field.number, 1);
}

static void quotes_that_are_not_around_all_of_a_value_are_refused(void **state)
{
	static const char *const cases[][2] = {
		{"\"", "a quote is not closed"},
		{"'", "a quote is not closed"},
		{"\"free space", "a quote is not closed"},
		{"'tis", "a quote is not closed"},
		{"\"a\" b", "its quotes end before it does; put ' around all of it"},
		{"'a' 'b'", "its quotes end before it does; put \" around all of it"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_null(option_unquote(cases[i][0], &reason));
		assert_string_equal(reason.text, cases[i][1]);
	}
}

static void words_keep_their_quotes(void **state)
{
	const struct option_def def = {.type = &option_words, .range = ""};

	memset(&field, 0, sizeof(field));
	assert_int_equal(option_set(&def, &field, "'/bin/a b' c", &reason), 0);
	assert_string_equal(field.text, "'/bin/a b' c");
	option_free(&def, 1, &field);
}

static void a_path_is_absolute_and_keeps_to_its_length(void **state)
{
	const struct option_def def = {.type = &option_path, .range = "10"};
	const struct option_def any = {.type = &option_path, .range = ""};
	static char text[4097];

	memset(&field, 0, sizeof(field));
	assert_int_equal(option_set(&def, &field, "/123456789", &reason), 0);
	assert_string_equal(field.text, "/123456789");
	assert_int_equal(option_set(&def, &field, "/1234567890", &reason), -1);
	assert_string_equal(reason.text,
			    "'/1234567890' is not an absolute path of at most 10 bytes");
	assert_int_equal(option_set(&def, &field, "a/b", &reason), -1);
	assert_int_equal(option_set(&def, &field, "", &reason), -1);
	memset(text, '/', 4096);
	assert_int_equal(option_set(&any, &field, text, &reason), -1);
	text[4095] = '\0';
	assert_int_equal(option_set(&any, &field, text, &reason), 0);
	option_free(&any, 1, &field);
}

static void quotes_keep_an_item_together(void **state)
{
	struct option_list list;

	assert_int_equal(option_items(&list, "\"domain users\" adm unix:'/a b' a,b", &reason), 0);
	assert_int_equal(list.count, 4);
	assert_string_equal(list.items[0], "domain users");
	assert_string_equal(list.items[2], "unix:/a b");
	assert_string_equal(list.items[3], "a,b");
	option_list_free(&list);
}

static void lists_with_commas_and_empty_ones_are_refused(void **state)
{
	static const char *const cases[][2] = {
		{"", "the list is empty"},
		{"a, b", "'a,': blanks stand between items, no commas"},
		{"a ,b", "',b': blanks stand between items, no commas"},
		{"a , b", "',': blanks stand between items, no commas"},
		{"a 'b", "a quote is not closed"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct option_list list;

		assert_int_equal(option_items(&list, cases[i][0], &reason), -1);
		assert_string_equal(reason.text, cases[i][1]);
		assert_int_equal(list.count, 0);
	}
}

static void a_pair_has_its_text_as_written_and_its_value(void **state)
{
	const struct option_def def = {.type = &option_map};
	char text[] = "\"a ; b\"", open[] = "'a";
	const struct option_source from = {text, "a.ini", 3, false},
				   wrong = {open, "a.ini", 4, false};
	struct option_map map = {0};

	assert_int_equal(option_map_add(&map, "x", &from, &reason), 0);
	assert_int_equal(option_map_add(&map, "y", &wrong, &reason), -1);
	assert_string_equal(reason.text, "a quote is not closed");
	assert_int_equal(map.count, 1);
	text[0] = 'x';
	assert_string_equal(map.items[0].value, "a ; b");
	assert_string_equal(map.items[0].from.text, "\"a ; b\"");
	assert_int_equal(map.items[0].from.line, 3);
	option_free(&def, 1, &map);
}

static void a_near_miss_differs_in_a_third_at_most(void **state)
{
	assert_true(word_is_near("daemon", "daemon"));
	assert_true(word_is_near("deamon", "daemon"));
	assert_true(word_is_near("exce", "exec"));
	assert_true(word_is_near("lisetn", "listen"));
	assert_false(word_is_near("ex", "exec"));
	assert_false(word_is_near("cexe", "exec"));
	assert_true(word_is_near("max_client", "max_clients"));
	assert_true(word_is_near("idletimeout", "idle_timeout"));
	assert_false(word_is_near("", "listen"));
	assert_false(word_is_near("banana", "listen"));
	assert_false(word_is_near(
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "listen"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_keep_to_their_range),
		cmocka_unit_test(a_number_that_is_too_large_or_negative_is_out_of_range),
		cmocka_unit_test(what_is_no_number_is_refused),
		cmocka_unit_test(sizes_have_binary_units),
		cmocka_unit_test(durations_need_a_unit),
		cmocka_unit_test(booleans_are_words_of_any_case),
		cmocka_unit_test(a_word_gives_its_constant),
		cmocka_unit_test(a_word_is_one_of_its_type),
		cmocka_unit_test(a_mode_is_octal),
		cmocka_unit_test(texts_and_lists_replace_what_was_there),
		cmocka_unit_test(quotes_around_a_value_are_no_part_of_it),
		cmocka_unit_test(quotes_that_are_not_around_all_of_a_value_are_refused),
		cmocka_unit_test(words_keep_their_quotes),
		cmocka_unit_test(a_path_is_absolute_and_keeps_to_its_length),
		cmocka_unit_test(quotes_keep_an_item_together),
		cmocka_unit_test(lists_with_commas_and_empty_ones_are_refused),
		cmocka_unit_test(a_pair_has_its_text_as_written_and_its_value),
		cmocka_unit_test(a_near_miss_differs_in_a_third_at_most),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
