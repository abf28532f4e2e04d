/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "services/run_output.h"

static struct buf replies;
static struct framing framing;
static struct call call = {.out = &replies, .protocol = &protocol_resp, .framing = &framing};
static struct run_output out;

static void assert_said(const char *expected)
{
	assert_int_equal(buf_len(&replies), strlen(expected));
	assert_memory_equal(buf_data(&replies), expected, strlen(expected));
	buf_free(&replies);
}

static int ends(void **state)
{
	run_output_free(&out);
	out = (struct run_output){0};
	buf_free(&replies);
	return 0;
}

static void say(enum job_stream stream, const char *text)
{
	run_output_say(&out, &call, stream, text, strlen(text));
}

static void keep(enum job_stream stream, const char *text, size_t max)
{
	run_output_keep(&out, stream, text, strlen(text), max);
}

/* How a job may end, as the last list of a run whose output was said as it came, and as the pairs
 * of one that was kept. */
static const struct {
	struct job job;
	const char *last, *pairs;
} rows[] = {
	{{.exit_status = 0}, "*2\r\n$4\r\nexit\r\n:0\r\n", ":0\r\n$6\r\nsignal\r\n$-1\r\n"},
	{{.exit_status = 255, .duration_ms = 1500},
	 "*2\r\n$4\r\nexit\r\n:255\r\n",
	 ":255\r\n$6\r\nsignal\r\n$-1\r\n"},
	{{.exit_status = -1, .signal = SIGKILL},
	 "*2\r\n$6\r\nsignal\r\n$4\r\nKILL\r\n",
	 "$-1\r\n$6\r\nsignal\r\n$4\r\nKILL\r\n"},
	{{.exit_status = -1, .signal = SIGTERM, .timed_out = true},
	 "*3\r\n$6\r\nsignal\r\n$4\r\nTERM\r\n$9\r\ntimed_out\r\n",
	 "$-1\r\n$6\r\nsignal\r\n$4\r\nTERM\r\n"},
	{{.exit_status = 3, .timed_out = true},
	 "*3\r\n$4\r\nexit\r\n:3\r\n$9\r\ntimed_out\r\n",
	 ":3\r\n$6\r\nsignal\r\n$-1\r\n"},
};

static void a_stream_ends_with_how_the_job_did(void **state)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(run_output_end(&out, &call, &rows[i].job), 0);
		assert_said(rows[i].last);
	}
}

static void what_is_whole_is_seven_pairs(void **state)
{
	char expected[512];

	out.whole = true;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		snprintf(expected, sizeof(expected),
			 "*14\r\n$4\r\nexit\r\n%s$9\r\ntimed_out\r\n:%d\r\n"
			 "$9\r\ntruncated\r\n:0\r\n$6\r\nstdout\r\n$0\r\n\r\n"
			 "$6\r\nstderr\r\n$0\r\n\r\n$11\r\nduration_ms\r\n:%d\r\n",
			 rows[i].pairs, rows[i].job.timed_out, (int)rows[i].job.duration_ms);
		assert_int_equal(run_output_end(&out, &call, &rows[i].job), 0);
		assert_said(expected);
	}
}

static void each_piece_is_a_list_of_its_stream_and_its_bytes(void **state)
{
	say(JOB_STDOUT, "a\r\nb");
	run_output_say(&out, &call, JOB_STDERR, "\0", 1);
	assert_true(buf_len(&replies) > 0);
	assert_memory_equal(buf_data(&replies) + buf_len(&replies) - 3, "\0\r\n", 3);
	buf_data(&replies)[buf_len(&replies) - 3] = '0';
	assert_said("*2\r\n$6\r\nstdout\r\n$4\r\na\r\nb\r\n*2\r\n$6\r\nstderr\r\n$1\r\n0\r\n");
	assert_false(out.failed);
}

/* A peer that has gone is found out by the first byte of the reply, which is said once. */
static void what_has_begun_is_not_begun_again(void **state)
{
	const struct job job = {.exit_status = 0};

	out.whole = true;
	run_output_begin(&out, &call);
	run_output_begin(&out, &call);
	assert_said("*");
	assert_int_equal(run_output_end(&out, &call, &job), 0);
	assert_memory_equal(buf_data(&replies), "14\r\n$4\r\nexit", 12);
}

static void of_each_stream_so_much_is_kept(void **state)
{
	static const struct {
		size_t max;
		const char *kept;
		bool truncated;
	} limits[] = {{0, "", true},      {1, "a", true},       {4, "abcd", true},
		      {5, "abcde", true}, {6, "abcdef", false}, {7, "abcdef", false}};

	out.whole = true;
	for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
		size_t len = strlen(limits[i].kept);

		keep(JOB_STDOUT, "abcd", limits[i].max);
		keep(JOB_STDOUT, "ef", limits[i].max);
		keep(JOB_STDOUT, "", limits[i].max);
		assert_int_equal(out.truncated, limits[i].truncated);
		assert_int_equal(buf_len(&out.kept[JOB_STDOUT]), len);
		assert_memory_equal(buf_data(&out.kept[JOB_STDOUT]), limits[i].kept, len);
		assert_int_equal(buf_len(&out.kept[JOB_STDERR]), 0);
		run_output_free(&out);
		out = (struct run_output){.whole = true};
	}
}

static void what_was_kept_is_said_at_the_end(void **state)
{
	const struct job job = {.exit_status = 1};

	out.whole = true;
	keep(JOB_STDERR, "oops!", 4);
	keep(JOB_STDOUT, "fine", 4);
	assert_int_equal(buf_len(&replies), 0);
	assert_int_equal(run_output_end(&out, &call, &job), 0);
	assert_said("*14\r\n$4\r\nexit\r\n:1\r\n$6\r\nsignal\r\n$-1\r\n$9\r\ntimed_out\r\n:0\r\n"
		    "$9\r\ntruncated\r\n:1\r\n$6\r\nstdout\r\n$4\r\nfine\r\n"
		    "$6\r\nstderr\r\n$4\r\noops\r\n$11\r\nduration_ms\r\n:0\r\n");
}

static void without_memory_nothing_more_is_said(void **state)
{
	run_output_say(&out, &call, JOB_STDOUT, "", BUF_MAX);
	assert_true(out.failed);
	buf_free(&replies);
	say(JOB_STDOUT, "a");
	assert_int_equal(buf_len(&replies), 0);
	assert_true(out.failed);
	out = (struct run_output){.whole = true};
	run_output_keep(&out, JOB_STDOUT, "", BUF_MAX + 1UL, SIZE_MAX);
	assert_true(out.truncated);
}

#define OUTPUT_TEST(name) cmocka_unit_test_teardown(name, ends)

int main(void)
{
	const struct CMUnitTest tests[] = {
		OUTPUT_TEST(a_stream_ends_with_how_the_job_did),
		OUTPUT_TEST(what_is_whole_is_seven_pairs),
		OUTPUT_TEST(each_piece_is_a_list_of_its_stream_and_its_bytes),
		OUTPUT_TEST(what_has_begun_is_not_begun_again),
		OUTPUT_TEST(of_each_stream_so_much_is_kept),
		OUTPUT_TEST(what_was_kept_is_said_at_the_end),
		OUTPUT_TEST(without_memory_nothing_more_is_said),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
