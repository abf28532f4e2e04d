/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "client/json.h"

/* What text[0, len) becomes, in two pieces of which the first has cut bytes. */
static void assert_cut(const char *text, size_t len, size_t cut, const char *expected)
{
	struct json_text t = {0};
	struct buf out = {0};

	assert_int_equal(json_text_add(&t, &out, text, cut), 0);
	assert_int_equal(json_text_add(&t, &out, text + cut, len - cut), 0);
	assert_int_equal(json_text_end(&t, &out), 0);
	assert_int_equal(buf_add(&out, "", 1), 0);
	assert_string_equal(buf_data(&out), expected);
	buf_free(&out);
}

static void assert_text(const char *text, size_t len, const char *expected)
{
	for (size_t cut = 0; cut <= len; cut++)
		assert_cut(text, len, cut, expected);
}

#define assert_json(text, expected) assert_text(text, sizeof(text) - 1, expected)

static void utf8_stays(void **state)
{
	assert_json("", "");
	assert_json("plain /text/", "plain /text/");
	assert_json("\u00e9\u20ac\U0001f600", "\u00e9\u20ac\U0001f600");
	assert_json("\u00a0\u07ff\u0800\ud7ff\ue000\uffff", "\u00a0\u07ff\u0800\ud7ff\ue000\uffff");
	assert_json("\U00010000\U0010ffff", "\U00010000\U0010ffff");
}

static void what_json_escapes_is_escaped(void **state)
{
	assert_json("a\"b\\c", "a\\\"b\\\\c");
	assert_json("\b\f\n\r\t", "\\b\\f\\n\\r\\t");
	assert_json("\0\x01\x1f\x7f", "\\u0000\\u0001\\u001f\\u007f");
	assert_json("\xc2\x80\xc2\x9b\xc2\x9f", "\\u0080\\u009b\\u009f");
}

static void bytes_that_are_no_utf8_are_kept_apart(void **state)
{
	assert_json("\x80\xbf\xff", "\\udc80\\udcbf\\udcff");
	assert_json("a\xe9z", "a\\udce9z");
	assert_json("\xc3", "\\udcc3");
	assert_json("\xe2\x82", "\\udce2\\udc82");
	assert_json("\xe2\x82\xc3\xa9", "\\udce2\\udc82\u00e9");
	assert_json("\xf0\x9f\x98\"", "\\udcf0\\udc9f\\udc98\\\"");
}

static void what_no_character_may_be_is_none(void **state)
{
	assert_json("\xc0\x80\xc1\xbf", "\\udcc0\\udc80\\udcc1\\udcbf");
	assert_json("\xe0\x9f\xbf", "\\udce0\\udc9f\\udcbf");
	assert_json("\xed\xa0\x80", "\\udced\\udca0\\udc80");
	assert_json("\xf0\x8f\xbf\xbf", "\\udcf0\\udc8f\\udcbf\\udcbf");
	assert_json("\xf4\x90\x80\x80", "\\udcf4\\udc90\\udc80\\udc80");
	assert_json("\xf5\x80\x80\x80", "\\udcf5\\udc80\\udc80\\udc80");
}

/* What a reply becomes, given step bytes at a time. */
static void assert_reply_in_steps(const char *reply, size_t step, const char *expected)
{
	size_t len = strlen(reply), end, taken;
	struct json_reply json = {0};
	struct reply_event e;
	struct buf out = {0};
	struct reply r = {0};

	for (size_t at = 0; at < len; at = end) {
		end = len - at > step ? at + step : len;
		for (size_t from = at; from < end; from += taken) {
			taken = reply_next(&r, reply + from, end - from, &e);
			assert_int_not_equal(e.type, REPLY_BAD);
			assert_int_equal(json_event(&json, &e, &out), 0);
		}
	}
	assert_true(reply_idle(&r));
	assert_int_equal(buf_add(&out, "", 1), 0);
	assert_string_equal(buf_data(&out), expected);
	buf_free(&out);
}

static void assert_reply(const char *reply, const char *expected)
{
	for (size_t step = 1; step <= strlen(reply); step++)
		assert_reply_in_steps(reply, step, expected);
}

static void each_type_has_its_own(void **state)
{
	assert_reply("+OK\r\n", "\"OK\"");
	assert_reply(":-9223372036854775808\r\n", "-9223372036854775808");
	assert_reply("$-1\r\n", "null");
	assert_reply("*-1\r\n", "null");
	assert_reply("$0\r\n\r\n", "\"\"");
	assert_reply("$4\r\na\"\xc3\xa9\r\n", "\"a\\\"\u00e9\"");
	assert_reply("-ERR \"no\"\r\n", "{\"error\":\"ERR \\\"no\\\"\"}");
}

static void arrays_are_closed_where_they_end(void **state)
{
	assert_reply("*0\r\n", "[]");
	assert_reply("*2\r\n:1\r\n:2\r\n", "[1,2]");
	assert_reply("*2\r\n*0\r\n*0\r\n", "[[],[]]");
	assert_reply("*2\r\n*1\r\n*1\r\n$1\r\na\r\n*2\r\n$-1\r\n-E\r\n",
		     "[[[\"a\"]],[null,{\"error\":\"E\"}]]");
	assert_reply("*3\r\n$1\r\na\r\n*1\r\n:1\r\n+b\r\n", "[\"a\",[1],\"b\"]");
}

static void one_reply_after_another_begins_anew(void **state)
{
	assert_reply(":1\r\n*1\r\n:2\r\n:3\r\n", "1[2]3");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(utf8_stays),
		cmocka_unit_test(what_json_escapes_is_escaped),
		cmocka_unit_test(bytes_that_are_no_utf8_are_kept_apart),
		cmocka_unit_test(what_no_character_may_be_is_none),
		cmocka_unit_test(each_type_has_its_own),
		cmocka_unit_test(arrays_are_closed_where_they_end),
		cmocka_unit_test(one_reply_after_another_begins_anew),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
