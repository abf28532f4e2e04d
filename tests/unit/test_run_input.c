/* SPDX-License-Identifier: MIT */
#include "fixture.h"

#include <errno.h>
#include <fcntl.h>

#include "process/job.h"
#include "services/run_input.h"

#define PIPE_BYTES 4096 /* that the job does not take from it */

static struct run_input in;
static struct job job; /* as far as its input goes */
static int stdin_fd;   /* the job's end; -1: closed */
static char bytes[2 * PIPE_BYTES];

static void ready(struct watch *w, short revents)
{
}

static int job_open(void **state)
{
	int fds[2];

	assert_int_equal(loop_init(&loop, NULL, NULL), 0);
	assert_int_equal(jobs_init(&loop), 0);
	assert_int_equal(pipe2(fds, O_NONBLOCK | O_CLOEXEC), 0);
	assert_int_equal(fcntl(fds[1], F_SETPIPE_SZ, PIPE_BYTES), PIPE_BYTES);
	stdin_fd = fds[0];
	job = (struct job){.input = {.fd = fds[1], .ready = ready, .tells = WATCH_TELLS_ALL}};
	assert_int_equal(watches_add(&loop.watches, &job.input, WATCH_IGNORED), 0);
	in = (struct run_input){0};
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (char)(i % 251);
	return 0;
}

static void job_closes_stdin(void)
{
	if (stdin_fd >= 0)
		close(stdin_fd);
	stdin_fd = -1;
}

static int job_close(void **state)
{
	run_input_free(&in);
	job_end_input(&job);
	job_closes_stdin();
	loop_free(&loop);
	return 0;
}

static int give(const void *data, size_t len, size_t max)
{
	const struct slice slice = {data, len};

	return run_input_give(&in, &job, &slice, 1, max);
}

/* The job reads these, and there are no more. */
static void assert_reads(const char *expected, size_t len)
{
	static char got[sizeof(bytes)];

	assert_int_equal(read(stdin_fd, got, sizeof(got)), (ssize_t)len);
	assert_memory_equal(got, expected, len);
	assert_int_equal(read(stdin_fd, got, 1), -1);
	assert_int_equal(errno, EAGAIN);
}

static void it_goes_to_the_job_at_once(void **state)
{
	const struct slice slices[] = {{"", 0}, {"a\0b", 3}, {"", 0}, {"c", 1}};

	assert_int_equal(run_input_give(&in, &job, slices, 0, 0), 0);
	assert_int_equal(run_input_give(&in, &job, slices, 4, 4), 0);
	assert_int_equal(in.bytes, 4);
	assert_false(run_input_waits(&in));
	assert_reads("a\0bc", 4);
}

static void what_the_job_does_not_take_waits_in_its_order(void **state)
{
	const struct slice slices[] = {{bytes, PIPE_BYTES + 10}, {bytes + PIPE_BYTES + 10, 20}};

	assert_int_equal(run_input_give(&in, &job, slices, 2, SIZE_MAX), 0);
	assert_int_equal(buf_len(&in.waiting), 30);
	assert_int_equal(job.input.events, POLLOUT);
	assert_int_equal(give(bytes + PIPE_BYTES + 30, 5, SIZE_MAX), 0);
	assert_reads(bytes, PIPE_BYTES);
	assert_int_equal(give(bytes + PIPE_BYTES + 35, 5, SIZE_MAX), 0);
	assert_int_equal(buf_len(&in.waiting), 40); /* it is not passed by */
	run_input_write(&in, &job);
	assert_false(run_input_waits(&in));
	assert_null(in.waiting.data);
	assert_reads(bytes + PIPE_BYTES, 40);
	assert_int_equal(in.bytes, PIPE_BYTES + 40);
	run_input_write(&in, &job);
	assert_int_equal(read(stdin_fd, bytes, 1), -1);
}

static void a_part_of_what_waits_may_be_taken(void **state)
{
	assert_int_equal(give(bytes, PIPE_BYTES, SIZE_MAX), 0);
	assert_int_equal(give(bytes, sizeof(bytes), SIZE_MAX), 0);
	assert_int_equal(buf_len(&in.waiting), sizeof(bytes));
	run_input_write(&in, &job); /* nothing */
	assert_int_equal(buf_len(&in.waiting), sizeof(bytes));
	assert_reads(bytes, PIPE_BYTES);
	run_input_write(&in, &job);
	assert_int_equal(buf_len(&in.waiting), sizeof(bytes) - PIPE_BYTES);
	assert_reads(bytes, PIPE_BYTES);
}

static void it_is_given_up_to_a_maximum(void **state)
{
	static const struct {
		size_t len, max;
		int result;
		size_t bytes; /* of all, afterwards */
	} rows[] = {{1, 0, -1, 0}, {0, 0, 0, 0}, {6, 5, -1, 0}, {3, 5, 0, 3}, {3, 5, -1, 3},
		    {2, 5, 0, 5},  {0, 5, 0, 5}, {1, 5, -1, 5}, {1, 6, 0, 6}, {SIZE_MAX, 6, -1, 6}};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		errno = 0;
		assert_int_equal(give(bytes, rows[i].len, rows[i].max), rows[i].result);
		assert_int_equal(errno, rows[i].result < 0 ? EMSGSIZE : 0);
		assert_int_equal(in.bytes, rows[i].bytes);
	}
	assert_reads("\0\1\2\0\1\0", 6);
}

static void of_slices_that_are_too_much_together_none_is_given(void **state)
{
	const struct slice slices[] = {{"ab", 2}, {"cd", 2}};

	assert_int_equal(run_input_give(&in, &job, slices, 2, 3), -1);
	assert_int_equal(errno, EMSGSIZE);
	assert_int_equal(run_input_give(&in, &job, slices, 2, 4), 0);
	assert_reads("abcd", 4);
}

static void what_nobody_takes_is_thrown_away(void **state)
{
	assert_int_equal(give(bytes, sizeof(bytes), SIZE_MAX), 0);
	assert_int_equal(buf_len(&in.waiting), sizeof(bytes) - PIPE_BYTES);
	job_closes_stdin();
	run_input_write(&in, &job);
	assert_false(run_input_waits(&in));
	assert_null(in.waiting.data);
	assert_false(job_takes_input(&job));
	assert_int_equal(give(bytes, 1, SIZE_MAX), 0);
	assert_false(run_input_waits(&in));
	assert_int_equal(in.bytes, sizeof(bytes) + 1);
	assert_int_equal(give(bytes, 1, in.bytes), -1); /* it counts all the same */
}

static void without_memory_it_fails(void **state)
{
	assert_int_equal(give(bytes, PIPE_BYTES + 1, SIZE_MAX), 0);
	errno = 0;
	assert_int_equal(give(bytes, BUF_MAX + 1UL, SIZE_MAX), -1);
	assert_int_equal(errno, ENOMEM);
}

#define INPUT_TEST(name) cmocka_unit_test_setup_teardown(name, job_open, job_close)

int main(void)
{
	const struct CMUnitTest tests[] = {
		INPUT_TEST(it_goes_to_the_job_at_once),
		INPUT_TEST(what_the_job_does_not_take_waits_in_its_order),
		INPUT_TEST(a_part_of_what_waits_may_be_taken),
		INPUT_TEST(it_is_given_up_to_a_maximum),
		INPUT_TEST(of_slices_that_are_too_much_together_none_is_given),
		INPUT_TEST(what_nobody_takes_is_thrown_away),
		INPUT_TEST(without_memory_it_fails),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
