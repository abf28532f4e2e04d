/* SPDX-License-Identifier: MIT */
#include "fixture.h"

#include <bsd/string.h>
#include <signal.h>

#include "core/burst.h"
#include "said.h"
#include "services/run_log.h"

#define ARGS_MAX 600

static struct run_log run;

static int begins(void **state)
{
	run = (struct run_log){.command = "disk"};
	run.peer.in = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(4711)};
	run.peer.in.sin_addr.s_addr = htonl(0xc0000201);
	return 0;
}

/* The end of the line of a job that has ended so, from its event on. */
static const char *logged(const struct job *job, int level)
{
	const char *event;

	said_begin();
	log_open(LOG_TARGET_STDERR, "", LOG_DAEMON, level);
	run_log_job(&run, job);
	said_end();
	event = strstr(said, "job ");
	return event != NULL ? event : said;
}

static void each_way_to_end_is_told(void **state)
{
	static const struct {
		struct job job;
		const char *how;
	} rows[] = {
		{{.exit_status = 0, .duration_ms = 12}, "exit=0 ms=12"},
		{{.exit_status = 255}, "exit=255 ms=0"},
		{{.exit_status = -1, .signal = SIGSEGV}, "signal=SEGV ms=0"},
		{{.exit_status = -1, .signal = SIGKILL, .timed_out = true},
		 "signal=KILL timed_out=yes ms=0"},
	};
	char expected[256];

	run.bytes[JOB_STDOUT] = 1;
	run.bytes[JOB_STDERR] = UINT64_MAX;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		snprintf(expected, sizeof(expected),
			 "job command=disk peer=192.0.2.1:4711 %s stdout=1 "
			 "stderr=18446744073709551615\n",
			 rows[i].how);
		assert_string_equal(logged(&rows[i].job, LOG_INFO), expected);
		assert_string_equal(logged(&rows[i].job, LOG_NOTICE), "");
	}
}

/* What is logged of these arguments, behind all else. */
static const char *args_logged(char *const *args)
{
	const struct job job = {0};
	const char *line;

	run_log_args(&run, args);
	assert_in_range(run.args_size, 0, RUN_LOG_ARGS_MAX);
	line = strstr(logged(&job, LOG_INFO), "stderr=0");
	assert_non_null(line);
	return line + strlen("stderr=0");
}

static void arguments_are_told_as_they_are(void **state)
{
	char one[] = "one", empty[] = "", blank[] = "a b\n";
	char *const none[] = {NULL}, *const three[] = {one, empty, blank, NULL};

	assert_string_equal(args_logged(none), "\n");
	assert_string_equal(args_logged(three), " arg=one arg=\"\" arg=\"a b\\n\"\n");
	assert_int_equal(run.args_size, 10);
}

/* The first has this length; what does not fit is cut, which is to be seen. */
static void arguments_are_told_as_far_as_they_fit(void **state)
{
	static const struct {
		size_t len;
		const char *second; /* or NULL */
		size_t kept;
		const char *end;
	} rows[] = {
		{509, "b", 509, " arg=b\n"},        {509, "bc", 509, " arg=\"bc\"...\n"},
		{510, "b", 510, " arg=\"b\"...\n"}, {511, NULL, 511, "\n"},
		{511, "b", 511, "...\n"},           {512, NULL, 512, "...\n"},
		{600, "b", 512, "...\n"},
	};
	char first[ARGS_MAX + 1], second[4], expected[ARGS_MAX + 32];
	char *const args[] = {first, second, NULL}, *const alone[] = {first, NULL};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		bool cut = rows[i].end[0] == '.';

		memset(first, 'x', rows[i].len);
		first[rows[i].len] = '\0';
		strlcpy(second, rows[i].second != NULL ? rows[i].second : "", sizeof(second));
		snprintf(expected, sizeof(expected), " arg=%s%.*s%s%s", cut ? "\"" : "",
			 (int)rows[i].kept, first, cut ? "\"" : "", rows[i].end);
		assert_string_equal(args_logged(rows[i].second != NULL ? args : alone), expected);
	}
}

static void so_many_lines_of_what_is_not_run_are_written(void **state)
{
	int lines = 0;

	burst_init(&loop);
	said_begin();
	log_open(LOG_TARGET_STDERR, "", LOG_DAEMON, LOG_INFO);
	for (int i = 0; i < 2 * BURST_LINES; i++)
		run_log_not_run(&run, "no 'x' here");
	run_log_too_much_input(&run, 4096);
	burst_end();
	said_end();
	for (const char *at = said; (at = strstr(at, "not_run command=disk peer=192.0.2.1:4711 "
						     "reason=\"no 'x' here\"\n")) != NULL;
	     at++)
		lines++;
	assert_int_equal(lines, BURST_LINES);
	assert_non_null(strstr(said, "too_much_input command=disk peer=192.0.2.1:4711 "
				     "max_input=4096\n"));
}

#define RUN_TEST(name) cmocka_unit_test_setup(name, begins)

int main(void)
{
	const struct CMUnitTest tests[] = {
		RUN_TEST(each_way_to_end_is_told),
		RUN_TEST(arguments_are_told_as_they_are),
		RUN_TEST(arguments_are_told_as_far_as_they_fit),
		RUN_TEST(so_many_lines_of_what_is_not_run_are_written),
	};

	assert_int_equal(loop_init(&loop, NULL, NULL), 0);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
