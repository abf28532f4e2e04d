/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "client/advice.h"

static void replied(struct advice *a, const char *text)
{
	advice_replied(a, text, strlen(text));
}

static void who_is_not_answered_for_a_second_is_told(void **state)
{
	struct advice a = {0};

	assert_int_equal(advice_due_ms(&a), 0);
	advice_asked(&a);
	assert_int_equal(advice_due_ms(&a), 0);
	advice_sent(&a, 5000);
	assert_int_equal(advice_due_ms(&a), 6000);
	advice_sent(&a, 5900);
	assert_int_equal(advice_due_ms(&a), 6000);
	advice_unanswered(&a);
	assert_non_null(strstr(a.text, "-n"));
	advice_say(&a);
	assert_null(a.text);
}

static void nothing_is_due_once_something_came(void **state)
{
	struct advice a = {0};

	advice_asked(&a);
	advice_sent(&a, 5000);
	replied(&a, "HELLO");
	assert_int_equal(advice_due_ms(&a), 0);
	assert_null(a.text);
	advice_sent(&a, 7000);
	assert_int_equal(advice_due_ms(&a), 8000);
}

static void advice_is_given_once(void **state)
{
	struct advice a = {0};

	advice_asked(&a);
	advice_sent(&a, 5000);
	advice_unanswered(&a);
	advice_say(&a);
	advice_sent(&a, 9000);
	assert_int_equal(advice_due_ms(&a), 0);
	replied(&a, "-ERR unknown command\r\n");
	assert_null(a.text);
}

static void a_server_that_speaks_resp_is_recognised(void **state)
{
	struct advice a = {0};

	advice_asked(&a);
	replied(&a, "-ERR unknown command\r\n");
	assert_non_null(strstr(a.text, "-R"));
}

static void who_speaks_first_does_not_speak_resp(void **state)
{
	struct advice a = {0};

	replied(&a, "+OK ready\r\n");
	advice_asked(&a);
	replied(&a, "+OK done\r\n");
	assert_null(a.text);
}

static void nobody_is_told_where_advice_is_not_wanted(void **state)
{
	struct advice a = {.given = true};

	advice_asked(&a);
	advice_sent(&a, 5000);
	assert_int_equal(advice_due_ms(&a), 0);
	replied(&a, "-ERR unknown command\r\n");
	assert_null(a.text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(who_is_not_answered_for_a_second_is_told),
		cmocka_unit_test(nothing_is_due_once_something_came),
		cmocka_unit_test(advice_is_given_once),
		cmocka_unit_test(a_server_that_speaks_resp_is_recognised),
		cmocka_unit_test(who_speaks_first_does_not_speak_resp),
		cmocka_unit_test(nobody_is_told_where_advice_is_not_wanted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
