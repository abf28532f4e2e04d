/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "core/reason.h"

static void a_reason_is_set_and_added_to(void **state)
{
	struct reason reason;

	errno = ENOENT;
	assert_int_equal(reason_set(&reason, "%s: %d", "a", 1), -1);
	reason_add(&reason, "; %s", "b");
	assert_string_equal(reason.text, "a: 1; b");
	reason_set(&reason, "c");
	assert_string_equal(reason.text, "c");
	assert_int_equal(errno, ENOENT);
}

static void a_reason_that_is_too_long_is_cut_off(void **state)
{
	char text[REASON_MAX + 1] = "";
	struct reason reason;

	memset(text, 'x', REASON_MAX);
	reason_set(&reason, "%.*s", REASON_MAX - 2, text);
	reason_add(&reason, "yz");
	assert_int_equal(strlen(reason.text), REASON_MAX - 1);
	assert_int_equal(reason.text[REASON_MAX - 2], 'y');
	reason_add(&reason, "z");
	assert_int_equal(strlen(reason.text), REASON_MAX - 1);
	reason_set(&reason, "%s", text);
	assert_int_equal(strlen(reason.text), REASON_MAX - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_reason_is_set_and_added_to),
		cmocka_unit_test(a_reason_that_is_too_long_is_cut_off),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
