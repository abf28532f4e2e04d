/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "net/call.h"

static struct buf out;
static struct framing framing;
static struct call call = {.out = &out, .protocol = &protocol_resp, .framing = &framing};

static void assert_said(const char *expected)
{
	assert_int_equal(buf_len(&out), strlen(expected));
	assert_memory_equal(buf_data(&out), expected, strlen(expected));
	buf_free(&out);
}

static void each_reply_is_said_in_the_words_of_the_protocol(void **state)
{
	assert_int_equal(say_list(&call, 2), 0);
	assert_int_equal(say_pairs(&call, 2), 0);
	assert_int_equal(say_status(&call, "OK"), 0);
	assert_int_equal(say_error(&call, "NOPERM no '%s' for %d", "disk", 7), 0);
	assert_int_equal(say_integer(&call, -42), 0);
	assert_int_equal(say_bytes(&call, "a\r\nb", 4), 0);
	assert_int_equal(say_bytes(&call, NULL, 0), 0);
	assert_int_equal(say_text(&call, "text"), 0);
	assert_int_equal(say_nil(&call), 0);
	assert_said("*2\r\n*4\r\n+OK\r\n-NOPERM no 'disk' for 7\r\n:-42\r\n$4\r\na\r\nb\r\n"
		    "$0\r\n\r\n$4\r\ntext\r\n$-1\r\n");
}

static void what_comes_in_pieces_is_the_same(void **state)
{
	assert_int_equal(say_begin(&call, REPLY_PAIRS), 0);
	assert_int_equal(say_end(&call, REPLY_PAIRS, 1), 0);
	assert_int_equal(say_bytes_begin(&call, 3), 0);
	assert_int_equal(buf_add(&out, "abc", 3), 0);
	assert_int_equal(say_bytes_end(&call), 0);
	assert_said("*2\r\n$3\r\nabc\r\n");
}

static void bytes_have_the_frame_of_the_protocol(void **state)
{
	struct call other = call;

	other.protocol = &protocol_line;
	framing.crlf = true;
	assert_int_equal(say_bytes(&other, "a", 1), 0);
	framing.crlf = false;
	assert_int_equal(say_bytes(&other, NULL, 0), 0);
	assert_int_equal(say_error(&other, "ERR %s", "no"), 0);
	other.protocol = &protocol_raw;
	assert_int_equal(say_bytes(&other, "b", 1), 0);
	assert_said("a\r\n\nERR no\nb");
}

static void a_long_error_is_cut_off(void **state)
{
	char text[2 * SAY_ERROR_MAX], expected[SAY_ERROR_MAX + 3];

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	snprintf(expected, sizeof(expected), "-%.*s\r\n", SAY_ERROR_MAX - 1, text);
	assert_int_equal(say_error(&call, "%s", text), 0);
	assert_said(expected);
}

static void without_memory_the_service_is_told(void **state)
{
	assert_int_equal(say_bytes(&call, "", BUF_MAX), -1);
	assert_int_equal(say_bytes(&call, "", SIZE_MAX), -1);
	assert_int_equal(buf_len(&out), 0);
	buf_free(&out);
}

static const char *outcome_of(struct outcome *outcome)
{
	static char code[sizeof(outcome->code)];

	call.outcome = NULL;
	memcpy(code, outcome->code, sizeof(code));
	*outcome = (struct outcome){.begun = 0};
	buf_free(&out);
	return code;
}

static void how_a_request_was_answered_is_noted_where_that_is_asked_for(void **state)
{
	struct outcome outcome = {.begun = 0};

	call.outcome = &outcome;
	assert_int_equal(say_text(&call, "text"), 0);
	assert_string_equal(outcome_of(&outcome), "");
	call.outcome = &outcome;
	assert_int_equal(say_nil(&call), 0);
	assert_string_equal(outcome_of(&outcome), "nil");
	call.outcome = &outcome;
	assert_int_equal(say_list(&call, 1), 0);
	assert_int_equal(say_nil(&call), 0);
	assert_string_equal(outcome_of(&outcome), "");
	call.outcome = &outcome;
	assert_int_equal(say_error(&call, "NOPERM no"), 0);
	assert_string_equal(outcome_of(&outcome), "NOPERM");
	call.outcome = &outcome;
	assert_int_equal(say_error(&call, "%s", "ACODEWITHMANYCAPITALS"), 0);
	assert_string_equal(outcome_of(&outcome), "ACODEWITHMANYCA");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_reply_is_said_in_the_words_of_the_protocol),
		cmocka_unit_test(what_comes_in_pieces_is_the_same),
		cmocka_unit_test(bytes_have_the_frame_of_the_protocol),
		cmocka_unit_test(a_long_error_is_cut_off),
		cmocka_unit_test(without_memory_the_service_is_told),
		cmocka_unit_test(how_a_request_was_answered_is_noted_where_that_is_asked_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
