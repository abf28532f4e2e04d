/* SPDX-License-Identifier: MIT */
#include "fixture.h"

#include <fcntl.h>

#include "core/burst.h"

static char text[1 << 16];
static int out, saved; /* what the log says; what standard error was */

/* Time goes by on the clock of the loop, up to which all that is due has happened. */
static void later(int ms)
{
	int wait_ms;

	for (; ms > 0; ms -= wait_ms) {
		wait_ms = deadlines_wait_ms(&loop.deadlines);
		if (wait_ms < 0 || wait_ms > ms)
			wait_ms = ms;
		loop.deadlines.now_ms += wait_ms;
		deadlines_expire(&loop.deadlines);
	}
}

/* All that has been logged since the last call. */
static const char *logged(void)
{
	ssize_t n = read(out, text, sizeof(text) - 1);

	text[n > 0 ? n : 0] = '\0';
	return text;
}

static int lines(const char *words)
{
	int count = 0;

	for (const char *at = text; (at = strstr(at, words)) != NULL; at++)
		count++;
	return count;
}

static int burst_open(void **state)
{
	int fds[2];

	assert_int_equal(loop_init(&loop, NULL, NULL), 0);
	assert_int_equal(pipe2(fds, O_NONBLOCK | O_CLOEXEC), 0);
	out = fds[0];
	saved = dup(STDERR_FILENO);
	dup2(fds[1], STDERR_FILENO);
	close(fds[1]);
	log_open(LOG_TARGET_STDERR, "", LOG_DAEMON, LOG_INFO);
	burst_init(&loop);
	return 0;
}

static int burst_close(void **state)
{
	burst_end();
	dup2(saved, STDERR_FILENO);
	close(saved);
	close(out);
	loop_free(&loop);
	return 0;
}

/* Of so many refusals by the listener, how many are to be written. */
static int written(int count, const char *name, const char *reason)
{
	int taken = 0;

	for (int i = 0; i < count; i++)
		taken += burst_takes("closed", "listener", name, reason);
	return taken;
}

static void the_first_lines_of_a_burst_are_written_and_the_others_counted(void **state)
{
	assert_int_equal(written(5000, "a", "refused"), BURST_LINES);
	assert_string_equal(logged(), "");
	later(BURST_WINDOW_MS - 1);
	assert_int_equal(written(7, "a", "refused"), 0);
	assert_string_equal(logged(), "");
	later(BURST_WINDOW_MS + 1);
	logged();
	assert_int_equal(lines(" suppressed event=closed listener=a reason=refused lines=4997 "
			       "ms=20000\n"),
			 1);
	assert_int_equal(lines("\n"), 1);
}

static void a_burst_that_is_over_is_told_of_once_and_the_next_one_begins_anew(void **state)
{
	assert_int_equal(written(BURST_LINES + 1, "a", NULL), BURST_LINES);
	later(2 * BURST_WINDOW_MS);
	logged();
	assert_int_equal(lines("suppressed event=closed listener=a lines=1 ms=10000\n"), 1);
	later(10 * BURST_WINDOW_MS);
	assert_string_equal(logged(), "");
	assert_int_equal(written(BURST_LINES + 1, "a", NULL), BURST_LINES);
}

static void one_that_goes_on_is_told_of_each_minute(void **state)
{
	int taken = 0, told = 0;

	for (int second = 0; second < 600; second++) {
		taken += written(5, "a", NULL);
		later(1000);
		logged();
		told += lines("suppressed");
		if (lines("suppressed") > 0)
			assert_int_equal(lines(" ms=60000\n"), 1);
	}
	assert_int_equal(taken, BURST_LINES);
	assert_in_range(told, 9, 10);
}

static void all_are_written_or_counted_whatever_their_pace(void **state)
{
	unsigned long counted = 0;
	int taken = 0, total = 0;

	for (int second = 0; second < 2000; second++) {
		int now = second * 7919 % 13 < 4 ? second % 9 : 0;

		total += now;
		taken += written(now, "a", NULL);
		later(1000);
		if (second == 1999)
			burst_end();
		logged();
		for (const char *at = text; (at = strstr(at, " lines=")) != NULL; at++)
			counted += strtoul(at + strlen(" lines="), NULL, 10);
	}
	assert_int_equal(taken + (int)counted, total);
	assert_true(taken <= (BURST_LINES + 1) * 2000 / (BURST_WINDOW_MS / 1000));
	assert_true(counted > 0);
}

static void few_lines_are_all_written_and_start_no_deadline(void **state)
{
	for (int i = 0; i < 100; i++) {
		assert_int_equal(written(BURST_LINES, "a", NULL), BURST_LINES);
		assert_int_equal(deadlines_wait_ms(&loop.deadlines), -1);
		later(BURST_WINDOW_MS);
	}
	assert_string_equal(logged(), "");
}

static void kinds_do_not_hide_each_other(void **state)
{
	assert_int_equal(written(1000, "a", "refused"), BURST_LINES);
	assert_int_equal(written(1000, "b", "refused"), BURST_LINES);
	assert_int_equal(written(1000, "a", "full"), BURST_LINES);
	assert_int_equal(written(1000, "a", NULL), BURST_LINES);
	assert_true(burst_takes("refused", "command", "a", NULL));
}

/* Nobody outside makes new kinds, but a configuration can have many listeners. */
static void what_finds_no_row_shares_one(void **state)
{
	char name[16];
	int taken = 0;

	for (int i = 0; i < BURST_ROWS + 100; i++) {
		snprintf(name, sizeof(name), "l%d", i);
		taken += written(20, name, NULL);
	}
	assert_int_equal(taken, (BURST_ROWS + 1) * BURST_LINES);
	burst_end();
	logged();
	assert_int_equal(lines("suppressed event=closed listener=l"), BURST_ROWS);
	assert_int_equal(lines("suppressed lines=1990 ms=0\n"), 1);
}

static void the_shared_row_has_bursts_that_end(void **state)
{
	char name[16];

	for (int second = 0; second < 30; second++) {
		for (int i = 0; i < BURST_ROWS; i++) {
			snprintf(name, sizeof(name), "l%d", i);
			written(BURST_LINES + 1, name, NULL);
		}
		if (second == 0 || second == 29)
			assert_int_equal(written(BURST_LINES + 1, "more", NULL), BURST_LINES);
		later(1000);
	}
}

static void rows_are_used_again(void **state)
{
	char name[16];

	for (int i = 0; i < 10 * BURST_ROWS; i++) {
		snprintf(name, sizeof(name), "l%d", i);
		assert_int_equal(written(1000, name, NULL), BURST_LINES);
		later(2 * BURST_WINDOW_MS);
		logged();
		assert_int_equal(lines("suppressed event=closed listener=l"), 1);
	}
}

static void at_the_end_nothing_is_left_untold(void **state)
{
	assert_int_equal(written(1000, "a", "error"), BURST_LINES);
	later(1234);
	burst_end();
	logged();
	assert_int_equal(
		lines("suppressed event=closed listener=a reason=error lines=990 ms=1234\n"), 1);
	assert_int_equal(written(1000, "a", "error"), 1000);
}

static void what_the_level_leaves_out_is_not_counted(void **state)
{
	log_open(LOG_TARGET_STDERR, "", LOG_DAEMON, LOG_NOTICE);
	assert_int_equal(written(1000, "a", NULL), 0);
	assert_int_equal(deadlines_wait_ms(&loop.deadlines), -1);
	log_open(LOG_TARGET_STDERR, "", LOG_DAEMON, LOG_INFO);
	burst_end();
	assert_string_equal(logged(), "");
}

#define BURST_TEST(name) cmocka_unit_test_setup_teardown(name, burst_open, burst_close)

int main(void)
{
	const struct CMUnitTest tests[] = {
		BURST_TEST(the_first_lines_of_a_burst_are_written_and_the_others_counted),
		BURST_TEST(a_burst_that_is_over_is_told_of_once_and_the_next_one_begins_anew),
		BURST_TEST(one_that_goes_on_is_told_of_each_minute),
		BURST_TEST(all_are_written_or_counted_whatever_their_pace),
		BURST_TEST(few_lines_are_all_written_and_start_no_deadline),
		BURST_TEST(kinds_do_not_hide_each_other),
		BURST_TEST(what_finds_no_row_shares_one),
		BURST_TEST(the_shared_row_has_bursts_that_end),
		BURST_TEST(rows_are_used_again),
		BURST_TEST(at_the_end_nothing_is_left_untold),
		BURST_TEST(what_the_level_leaves_out_is_not_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
