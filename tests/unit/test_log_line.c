/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define LIBBSD_NETBSD_VIS
#include <bsd/vis.h>
#include <stdio.h>
#include <string.h>

#include "core/log.h"

#define KEY_MAX 32
#define VALUE_MAX 800

static struct log_line line;
static char value[4096], expected[4096];

/* The fields of a line, behind its event. */
static const char *fields_of(const struct log_field *fields)
{
	static const char event[] = "event";
	const time_t before = time(NULL);

	memset(&line, 0x5a, sizeof(line));
	log_line_make(&line, LOG_NOTICE, event, fields);
	assert_in_range(line.when, before, time(NULL));
	assert_int_equal(line.level, LOG_NOTICE);
	assert_in_range(line.len, strlen(event), LOG_LINE_MAX - 1);
	assert_int_equal(strlen(line.text), line.len);
	assert_memory_equal(line.text, event, strlen(event));
	return line.text + strlen(event);
}

#define MADE(...) fields_of(LOG_FIELDS(__VA_ARGS__))

static void an_event_may_stand_alone(void **state)
{
	assert_string_equal(fields_of(&(const struct log_field){.key = NULL}), "");
	assert_false(line.full);
}

static void a_value_is_quoted_where_it_could_be_taken_for_something_else(void **state)
{
	static const struct {
		const char *value, *expected;
	} rows[] = {
		{"plain", " v=plain"},
		{"a=b,c:/[d]#;$`%~!", " v=a=b,c:/[d]#;$`%~!"},
		{"", " v=\"\""},
		{" ", " v=\" \""},
		{"a b", " v=\"a b\""},
		{"it's", " v=\"it's\""},
		{"a\" exit=0 b", " v=\"a\\\" exit=0 b\""},
		{"a\nb\tc\033\\\r", " v=\"a\\nb\\tc\\033\\\\\\r\""},
		{"\\", " v=\"\\\\\""},
		{"\"", " v=\"\\\"\""},
		{"\0331", " v=\"\\0331\""},
		{"\x7f", " v=\"\\177\""},
		{"\xc3\xa9\xff", " v=\"\\303\\251\\377\""},
		{"...", " v=..."},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_string_equal(MADE(log_text("v", rows[i].value)), rows[i].expected);
}

static void every_byte_can_be_had_back(void **state)
{
	char back[8], *end;

	for (int byte = 0; byte < 256; byte++) {
		value[0] = (char)byte;
		value[1] = '7'; /* which must not be taken for a digit of it */
		MADE(log_bytes("v", value, 2));
		end = strstr(line.text, " v=") + 3;
		if (*end == '"') {
			end[strlen(end) - 1] = '\0';
			assert_int_equal(strunvis(back, end + 1), 2);
		} else {
			memcpy(back, end, 3);
		}
		assert_memory_equal(back, value, 2);
	}
}

static void what_is_not_there_is_left_out(void **state)
{
	assert_string_equal(MADE(log_text("none", NULL), log_number("a", 0),
				 log_words("words", "", 0), log_number("b", UINT64_MAX)),
			    " a=0 b=18446744073709551615");
}

static void words_are_a_field_each(void **state)
{
	assert_string_equal(MADE(log_words("w", "a\0b c\0\0d", 9)), " w=a w=\"b c\" w=\"\" w=d");
	assert_string_equal(MADE(log_words("w", "a\0b", 3), log_number("z", 1)),
			    " w=a w=\"b\"... z=1");
	assert_string_equal(MADE(log_words("w", "a", 1)), " w=\"a\"...");
}

static void a_key_is_cut(void **state)
{
	memset(value, 'k', KEY_MAX + 1);
	value[KEY_MAX + 1] = '\0';
	snprintf(expected, sizeof(expected), " %.*s=1", KEY_MAX, value);
	assert_string_equal(MADE(log_number(value, 1)), expected);
}

static void a_value_is_cut_between_two_escapes(void **state)
{
	for (size_t plain = VALUE_MAX - 4; plain <= VALUE_MAX + 1; plain++) {
		size_t kept = plain < VALUE_MAX ? plain : VALUE_MAX;

		memset(value, 'x', plain);
		memcpy(value + plain, "\001\001", 3);
		snprintf(expected, sizeof(expected), " v=\"%.*s%s\"...", (int)kept, value,
			 plain == VALUE_MAX - 4 ? "\\001" : "");
		assert_string_equal(MADE(log_text("v", value)), expected);
	}
	value[VALUE_MAX] = '\0';
	snprintf(expected, sizeof(expected), " v=%s", value);
	assert_string_equal(MADE(log_text("v", value)), expected);
	value[0] = '\001';
	memset(value + 1, '7', 900); /* digits, but none of the escape */
	assert_int_equal(strlen(MADE(log_text("v", value))), 3 + 1 + VALUE_MAX + 4);
	memset(value, '\n', 500);
	value[500] = '\0';
	assert_int_equal(strlen(MADE(log_text("v", value))), 3 + 1 + VALUE_MAX + 4);
}

/* Two fields fill a line up to its last bytes, of which " ..." needs four. */
static void a_line_without_room_for_a_field_says_so(void **state)
{
	const size_t most = LOG_LINE_MAX - 1 - strlen(" ..."), other = 2 * (3 + VALUE_MAX);

	memset(value, 'x', VALUE_MAX);
	for (size_t len = most - 5 - other - 3 - 2; len <= most - 5 - other - 3 + 2; len++) {
		bool fits = 5 + other + 3 + len <= most;

		MADE(log_bytes("a", value, VALUE_MAX), log_bytes("b", value, VALUE_MAX),
		     log_bytes("c", value, len));
		assert_int_equal(line.full, !fits);
		snprintf(expected, sizeof(expected), "event a=%.*s b=%.*s%s%.*s", VALUE_MAX, value,
			 VALUE_MAX, value, fits ? " c=" : " ...", fits ? (int)len : 0, value);
		assert_string_equal(line.text, expected);
	}
	MADE(log_bytes("a", value, VALUE_MAX), log_bytes("b", value, VALUE_MAX),
	     log_bytes("c", value, VALUE_MAX), log_number("d", 1), log_words("e", "f", 2));
	assert_true(line.full);
	assert_string_equal(strstr(line.text, " ..."), " ..."); /* and nothing after it */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_event_may_stand_alone),
		cmocka_unit_test(a_value_is_quoted_where_it_could_be_taken_for_something_else),
		cmocka_unit_test(every_byte_can_be_had_back),
		cmocka_unit_test(what_is_not_there_is_left_out),
		cmocka_unit_test(words_are_a_field_each),
		cmocka_unit_test(a_key_is_cut),
		cmocka_unit_test(a_value_is_cut_between_two_escapes),
		cmocka_unit_test(a_line_without_room_for_a_field_says_so),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
