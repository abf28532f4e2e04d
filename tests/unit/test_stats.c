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
	for (int i = 0; i < STATS_FIGURES; i++)
		if (stats_figures[i].kind != FIGURE_HISTOGRAM)
			memset((char *)&stats + stats_figures[i].offset, 0xff, sizeof(uint64_t));
	stats.accepted = 3;
	histogram_add(&stats.turns, 1, 3);
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
	for (int i = 0; i < STATS_FIGURES; i++) {
		bool is_three = i == STATS_FIGURE_accepted || i == STATS_FIGURE_turns;

		snprintf(counter, sizeof(counter), " %s=%s", stats_figures[i].field,
			 is_three ? "3" : "18446744073709551615");
		assert_non_null(strstr(text, counter));
	}
}

static void a_row_is_about_the_field_of_its_line(void **state)
{
	const struct figure *bytes_out = &stats_figures[STATS_FIGURE_bytes_out],
			    *turns = &stats_figures[STATS_FIGURE_turns];

	stats.bytes_out = 12;
	assert_string_equal(bytes_out->field, "bytes_out");
	assert_int_equal(figure_number(bytes_out, &stats), 12);
	assert_ptr_equal(figure_histogram(turns, &stats), &stats.turns);
}

/* Whoever shows them writes the head of a family where its help is. */
static void each_family_has_one_help_and_its_rows_stand_together(void **state)
{
	for (int i = 0; i < STATS_FIGURES; i++) {
		const struct figure *figure = &stats_figures[i];
		bool goes_on = i > 0 && strcmp(figure->family, figure[-1].family) == 0;

		assert_int_equal(figure->help == NULL, goes_on);
		assert_true(!goes_on || figure->label[0] != '\0');
		for (int j = 0; j < i - 1 && !goes_on; j++)
			assert_string_not_equal(stats_figures[j].family, figure->family);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_counters_are_logged_on_one_line),
		cmocka_unit_test(a_row_is_about_the_field_of_its_line),
		cmocka_unit_test(each_family_has_one_help_and_its_rows_stand_together),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
