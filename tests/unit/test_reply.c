/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/reply.h"

static char told[1 << 16]; /* the events as text */
static size_t told_len;

static void tell(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void tell(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	told_len += (size_t)vsnprintf(told + told_len, sizeof(told) - told_len, format, args);
	va_end(args);
	assert_true(told_len < sizeof(told));
}

static void tell_event(const struct reply_event *e, const char *reason)
{
	int len = (int)e->len;

	switch (e->type) {
	case REPLY_BAD:
		tell("bad: %s", reason);
		break;
	case REPLY_TEXT:
		tell("+%.*s", len, e->data);
		break;
	case REPLY_ERROR:
		tell("-%.*s", len, e->data);
		break;
	case REPLY_INTEGER:
		tell(":%" PRId64, e->number);
		break;
	case REPLY_NIL:
		tell("nil");
		break;
	case REPLY_ARRAY:
		tell("*%" PRId64 "[", e->number);
		break;
	case REPLY_BULK:
		tell("$%" PRId64 "<", e->number);
		break;
	case REPLY_DATA:
		tell("%.*s", len, e->data);
		break;
	case REPLY_BULK_END:
		tell(">");
		break;
	default:
		fail();
	}
	if (e->ended)
		tell(reply_whole(e) ? "." : ",");
}

/* Give data[0, len) to the parser. Returns false after garbage. */
static bool feed(struct reply *r, const char *data, size_t len)
{
	struct reply_event e;
	size_t taken;

	for (size_t at = 0; at < len; at += taken) {
		char *exact = memcpy(malloc(len - at), data + at, len - at);

		taken = reply_next(r, exact, len - at, &e);
		assert_true(taken <= len - at);
		if (e.type == REPLY_MORE)
			assert_int_equal(taken, len - at);
		else
			tell_event(&e, r->reason);
		free(exact);
		if (e.type == REPLY_BAD)
			return false;
		assert_true(taken > 0);
	}
	return true;
}

/* The input gives these events, whole and cut in two at every byte, and byte by byte. */
static void assert_events(const char *input, const char *events)
{
	size_t len = strlen(input);

	for (size_t cut = 0; cut <= len; cut++) {
		struct reply r = {0};

		told_len = 0;
		if (feed(&r, input, cut))
			feed(&r, input + cut, len - cut);
		assert_string_equal(told, events);
	}
	struct reply r = {0};

	told_len = 0;
	for (size_t i = 0; i < len && feed(&r, input + i, 1); i++)
		;
	assert_string_equal(told, events);
}

static void every_type_is_told(void **state)
{
	assert_events("+OK\r\n", "+OK.");
	assert_events("+\r\n", "+.");
	assert_events("-STALE it changed\r\n", "-STALE it changed.");
	assert_events(":5\r\n:-7\r\n:+1\r\n", ":5.:-7.:1.");
	assert_events("$5\r\nhello\r\n", "$5<hello>.");
	assert_events("$0\r\n\r\n", "$0<>.");
	assert_events("$4\r\na\r\nb\r\n", "$4<a\r\nb>.");
	assert_events("$-1\r\n*-1\r\n", "nil.nil.");
}

static void arrays_end_with_their_last_element(void **state)
{
	assert_events("*0\r\n", "*0[.");
	assert_events("*2\r\n:1\r\n+a\r\n:2\r\n", "*2[:1,+a.:2.");
	assert_events("*2\r\n*2\r\n$1\r\na\r\n*0\r\n*1\r\n-E\r\n", "*2[*2[$1<a>,*0[,*1[-E.");
}

static void depth_counts_the_arrays_around_a_value(void **state)
{
	const char *input = "*1\r\n*1\r\n:1\r\n";
	const unsigned depth[] = {0, 1, 2}, open[] = {1, 2, 0};
	struct reply r = {0};
	struct reply_event e;

	for (int i = 0; i < 3; i++) {
		input += reply_next(&r, input, strlen(input), &e);
		assert_int_equal(e.depth, depth[i]);
		assert_int_equal(e.open, open[i]);
		assert_int_equal(reply_whole(&e), i == 2);
	}
}

static void the_largest_integers_are_taken_and_larger_refused(void **state)
{
	assert_events(":9223372036854775807\r\n:-9223372036854775808\r\n",
		      ":9223372036854775807.:-9223372036854775808.");
	assert_events(":9223372036854775808\r\n", "bad: not an integer");
	assert_events(":-9223372036854775809\r\n", "bad: not an integer");
}

static void numbers_that_are_none_are_refused(void **state)
{
	static const char *const numbers[] = {":\r\n", ":-\r\n", ":+\r\n", ":1a\r\n", ": 1\r\n"};

	for (unsigned i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		assert_events(numbers[i], "bad: not an integer");
}

static void impossible_lengths_are_refused(void **state)
{
	static const char *const lengths[] = {
		"$-2\r\n", "$9007199254740993\r\n", "$99999999999999999999\r\n", "$\r\n", "$x\r\n",
		"*-2\r\n", "*2147483648\r\n",
	};

	for (unsigned i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++)
		assert_events(lengths[i], "bad: impossible length");
	assert_events("$9007199254740992\r\nx", "$9007199254740992<x");
}

static void garbage_is_told_by_its_first_byte(void **state)
{
	struct reply r = {0};
	struct reply_event e;

	assert_int_equal(reply_next(&r, "H", 1, &e), 0);
	assert_int_equal(e.type, REPLY_BAD);
	assert_int_equal(reply_next(&r, "+OK\r\n", 5, &e), 0);
	assert_int_equal(e.type, REPLY_BAD);
	assert_int_equal(reply_next(&(struct reply){0}, "\0", 1, &e), 0);
	assert_int_equal(e.type, REPLY_BAD);
}

static void lines_end_in_crlf_only(void **state)
{
	assert_events("+OK\n", "bad: a line without CR LF");
	assert_events("+\n", "bad: a line without CR LF");
	assert_events("+a\rb\r\n", "bad: a line without CR LF");
	assert_events("$1\r\nabc", "$1<abad: a bulk longer than its length");
	assert_events("$1\r\na\rb", "$1<abad: a bulk longer than its length");
}

static void a_line_has_a_longest(void **state)
{
	static char line[REPLY_LINE_MAX + 2];
	struct reply r = {0};
	struct reply_event e;

	memset(line, 'x', sizeof(line));
	line[0] = '+';
	memcpy(line + REPLY_LINE_MAX - 2, "\r\n", 2);
	assert_int_equal(reply_next(&r, line, REPLY_LINE_MAX, &e), REPLY_LINE_MAX);
	assert_int_equal(e.type, REPLY_TEXT);
	assert_int_equal(e.len, REPLY_LINE_MAX - 3);
	memset(line + 1, 'x', sizeof(line) - 1);
	reply_next(&r, line, sizeof(line), &e);
	assert_int_equal(e.type, REPLY_BAD);
}

static void arrays_have_a_deepest(void **state)
{
	struct reply r = {0};
	struct reply_event e;

	for (int i = 0; i < REPLY_DEPTH_MAX; i++) {
		reply_next(&r, "*1\r\n", 4, &e);
		assert_int_equal(e.type, REPLY_ARRAY);
	}
	reply_next(&r, "*1\r\n", 4, &e);
	assert_int_equal(e.type, REPLY_BAD);
}

static void it_is_idle_between_replies_only(void **state)
{
	static const char input[] = "*1\r\n$1\r\nx\r\n";
	struct reply r = {0};

	assert_true(reply_idle(&r));
	for (size_t i = 0; i < strlen(input); i++) {
		feed(&r, input + i, 1);
		assert_int_equal(reply_idle(&r), i == strlen(input) - 1);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_type_is_told),
		cmocka_unit_test(arrays_end_with_their_last_element),
		cmocka_unit_test(depth_counts_the_arrays_around_a_value),
		cmocka_unit_test(the_largest_integers_are_taken_and_larger_refused),
		cmocka_unit_test(numbers_that_are_none_are_refused),
		cmocka_unit_test(impossible_lengths_are_refused),
		cmocka_unit_test(garbage_is_told_by_its_first_byte),
		cmocka_unit_test(lines_end_in_crlf_only),
		cmocka_unit_test(a_line_has_a_longest),
		cmocka_unit_test(arrays_have_a_deepest),
		cmocka_unit_test(it_is_idle_between_replies_only),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
