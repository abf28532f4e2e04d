/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/log.h"
#include "core/stats.h"
#include "core/stats_log.h"

static void all_counters_are_logged_on_one_line(void **state)
{
	char text[2048], counter[64];
	int fds[2], saved = dup(STDERR_FILENO);
	ssize_t n;

	assert_int_equal(pipe(fds), 0);
	dup2(fds[1], STDERR_FILENO);
	log_open(LOG_TARGET_STDERR, "", LOG_DAEMON, LOG_NOTICE);
#define X(name) stats.name = UINT64_MAX;
	STATS(X)
#undef X
	stats.accepted = 3;
	stats_log();
	n = read(fds[0], text, sizeof(text) - 1);
	dup2(saved, STDERR_FILENO);
	close(saved);
	close(fds[0]);
	close(fds[1]);
	assert_true(n > 0);
	text[n] = '\0';
	assert_int_equal(strcspn(text, "\n"), n - 1);
	assert_non_null(strstr(text, " stats accepted=3 accept_paused=18446744073709551615 "));
#define X(name)                                                                  \
	snprintf(counter, sizeof(counter), " " #name "=%s",                      \
		 &stats.name == &stats.accepted ? "3" : "18446744073709551615"); \
	assert_non_null(strstr(text, counter));
	STATS(X)
#undef X
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_counters_are_logged_on_one_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
