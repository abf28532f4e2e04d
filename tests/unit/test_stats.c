/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "core/stats.h"

static void all_counters_are_printed(void **state)
{
	char text[2048];

	stats = (struct stats){.accepted = 3, .log_dropped = UINT64_MAX};
	stats_print(text, sizeof(text));
	assert_memory_equal(text, "accepted=3 accept_paused=0 requests=0 ", 38);
	assert_non_null(strstr(text, " log_dropped=18446744073709551615"));
	assert_true(text[strlen(text) - 1] == '5');
}

static void what_does_not_fit_is_cut(void **state)
{
	char whole[2048], text[2048];

	stats_print(whole, sizeof(whole));
	for (int size = 1; size < 300; size++) {
		memset(text, '#', sizeof(text));
		stats_print(text, size);
		assert_int_equal(strlen(text),
				 strlen(whole) < (size_t)size ? strlen(whole) : (size_t)size - 1);
		assert_memory_equal(text, whole, strlen(text));
		assert_true(text[size] == '#');
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_counters_are_printed),
		cmocka_unit_test(what_does_not_fit_is_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
