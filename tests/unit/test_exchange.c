/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "client/exchange.h"

#define BUFFER_MAX (1024 * 1024) /* more than a socket or a pipe holds, and a queue with it */

static struct exchange x;
static int server;        /* its end of the connection; -1: closed */
static int input, output; /* the other ends of standard input and output */
static int saved[2];      /* what these are otherwise */
static char bytes[BUFFER_MAX];

static void stands_for(int fd, int at, int *other, int mine)
{
	saved[at] = fcntl(at, F_DUPFD_CLOEXEC, 10);
	assert_true(saved[at] >= 0);
	assert_int_equal(dup2(fd, at), at);
	close(fd);
	*other = mine;
}

/* A conversation with a server at hand, and standard input and output that are pipes. */
static int opens_as(int type)
{
	int pair[2], in[2], out[2];

	assert_int_equal(socketpair(AF_UNIX, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair), 0);
	assert_int_equal(pipe2(in, O_CLOEXEC), 0);
	assert_int_equal(pipe2(out, O_CLOEXEC), 0);
	assert_int_equal(fcntl(in[1], F_SETFL, O_NONBLOCK), 0);
	assert_int_equal(fcntl(out[0], F_SETFL, O_NONBLOCK), 0);
	x = (struct exchange){.fd = pair[0], .datagram = type == SOCK_DGRAM};
	server = pair[1];
	stands_for(in[0], STDIN_FILENO, &input, in[1]);
	stands_for(out[1], STDOUT_FILENO, &output, out[0]);
	return 0;
}

static int opens(void **state)
{
	return opens_as(SOCK_STREAM);
}

static int opens_for_datagrams(void **state)
{
	return opens_as(SOCK_DGRAM);
}

static void other_end_close(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static int closes(void **state)
{
	exchange_free(&x);
	other_end_close(&server);
	other_end_close(&input);
	other_end_close(&output);
	for (int at = 0; at < 2; at++) {
		dup2(saved[at], at);
		close(saved[at]);
	}
	return 0;
}

static void assert_gets(int fd, const char *text)
{
	char got[64];

	assert_int_equal(read(fd, got, sizeof(got)), (ssize_t)strlen(text));
	assert_memory_equal(got, text, strlen(text));
}

static void types(const char *text)
{
	assert_int_equal(write(input, text, strlen(text)), (ssize_t)strlen(text));
}

static void server_says(const char *text)
{
	assert_int_equal(send(server, text, strlen(text), 0), (ssize_t)strlen(text));
}

static ssize_t receives(void)
{
	const char *data;

	return exchange_receive(&x, &data);
}

/* ---- bytes ---- */

static void bytes_go_both_ways(void **state)
{
	types("one");
	exchange_read_input(&x);
	exchange_send(&x);
	assert_gets(server, "one");
	server_says("ONE");
	assert_int_equal(receives(), 3);
	exchange_write(&x);
	assert_gets(output, "ONE");
	assert_int_equal(buf_len(&x.to_server), 0);
	assert_int_equal(buf_len(&x.from_server), 0);
	assert_true(x.moved_ms > 0);
}

static void what_is_received_is_shown_to_the_caller(void **state)
{
	const char *data = NULL;

	server_says("one ");
	assert_int_equal(receives(), 4);
	server_says("two");
	assert_int_equal(exchange_receive(&x, &data), 3);
	assert_memory_equal(data, "two", 3);
	exchange_write(&x);
	assert_gets(output, "one two");
}

static void a_side_that_is_not_taken_from_is_not_read(void **state)
{
	struct pollfd fds[EXCHANGE_FDS];

	while (exchange_takes_input(&x)) {
		assert_true(write(input, bytes, 4096) > 0);
		exchange_read_input(&x);
	}
	assert_in_range(buf_len(&x.to_server), 64 * 1024, 128 * 1024);
	while (exchange_takes_replies(&x)) {
		assert_true(send(server, bytes, 4096, 0) > 0);
		assert_true(receives() > 0);
	}
	assert_in_range(buf_len(&x.from_server), 64 * 1024, 128 * 1024);
	exchange_interest(&x, exchange_takes_input(&x), fds);
	assert_int_equal(fds[EXCHANGE_INPUT].fd, -1);
	assert_int_equal(fds[EXCHANGE_SERVER].events, POLLOUT);
	assert_int_equal(fds[EXCHANGE_OUTPUT].fd, STDOUT_FILENO);
}

/* What a pipe takes without blocking once poll(2) says that there is room. */
static void no_write_is_larger_than_a_pipe_takes(void **state)
{
	assert_int_equal(buf_add(&x.from_server, bytes, 3 * PIPE_BUF), 0);
	exchange_write(&x);
	assert_int_equal(read(output, bytes, sizeof(bytes)), PIPE_BUF);
	assert_int_equal(buf_len(&x.from_server), 2 * PIPE_BUF);
}

static void a_datagram_is_sent_before_the_next_is_read(void **state)
{
	assert_true(exchange_takes_input(&x));
	types("one");
	exchange_read_input(&x);
	assert_false(exchange_takes_input(&x));
	exchange_send(&x);
	assert_true(exchange_takes_input(&x));
	assert_gets(server, "one");
}

static void output_that_ends_in_a_line_gets_no_newline(void **state)
{
	server_says("one\n");
	assert_int_equal(receives(), 4);
	exchange_write(&x);
	exchange_end_line(&x);
	assert_gets(output, "one\n");
	server_says("two");
	assert_int_equal(receives(), 3);
	exchange_write(&x);
	exchange_end_line(&x);
	exchange_end_line(&x);
	assert_gets(output, "two\n");
}

/* ---- ends ---- */

static void the_end_of_input_is_told_when_all_is_sent(void **state)
{
	types("one");
	exchange_read_input(&x);
	other_end_close(&input);
	exchange_end_sending(&x);
	exchange_read_input(&x);
	assert_true(x.input_eof);
	exchange_end_sending(&x);
	assert_false(x.sent_eof);
	exchange_send(&x);
	exchange_end_sending(&x);
	assert_true(x.sent_eof);
	assert_gets(server, "one");
	assert_gets(server, "");
	server_says("ONE");
	assert_int_equal(receives(), 3);
}

static void the_first_reason_is_kept(void **state)
{
	exchange_broke(&x, "cannot send", EPIPE);
	exchange_broke(&x, "connection broke", ECONNRESET);
	assert_string_equal(x.error_subject, "cannot send");
	assert_int_equal(x.error, EPIPE);
	assert_int_equal(exchange_explain(&x), -1);
}

static void nothing_broke_at_a_clean_end(void **state)
{
	other_end_close(&server);
	assert_int_equal(receives(), 0);
	assert_int_equal(exchange_explain(&x), 0);
}

/* What it said before it went is still there. */
static void a_server_that_has_gone_is_read_to_its_end(void **state)
{
	server_says("last words");
	other_end_close(&server);
	types("one");
	exchange_read_input(&x);
	exchange_send(&x);
	assert_string_equal(x.error_subject, "cannot send");
	assert_true(x.input_eof && x.sent_eof);
	assert_false(x.server_eof);
	assert_int_equal(buf_len(&x.to_server), 0);
	assert_int_equal(receives(), 10);
	exchange_write(&x);
	assert_gets(output, "last words");
}

static void output_that_nobody_reads_ends_all(void **state)
{
	server_says("one");
	assert_int_equal(receives(), 3);
	other_end_close(&output);
	exchange_write(&x);
	assert_int_equal(x.error, EPIPE);
	assert_true(x.server_eof && x.sent_eof);
	assert_int_equal(buf_len(&x.from_server), 0);
}

static void who_waits_for_nothing_of_the_server_does_not_spin(void **state)
{
	struct pollfd fds[EXCHANGE_FDS];

	x.server_eof = true; /* it may still take what there is to come */
	exchange_interest(&x, true, fds);
	assert_int_equal(fds[EXCHANGE_SERVER].fd, x.fd);
	assert_int_equal(fds[EXCHANGE_SERVER].events, 0);
	assert_int_equal(fds[EXCHANGE_INPUT].fd, STDIN_FILENO);
	x.input_eof = x.sent_eof = true; /* it is only the output that is slow */
	exchange_interest(&x, false, fds);
	assert_int_equal(fds[EXCHANGE_SERVER].fd, -1);
	assert_int_equal(fds[EXCHANGE_INPUT].fd, -1);
	assert_int_equal(fds[EXCHANGE_OUTPUT].fd, -1);
}

#define EXCHANGE_TEST(name) cmocka_unit_test_setup_teardown(name, opens, closes)

int main(void)
{
	const struct CMUnitTest tests[] = {
		EXCHANGE_TEST(bytes_go_both_ways),
		EXCHANGE_TEST(what_is_received_is_shown_to_the_caller),
		EXCHANGE_TEST(a_side_that_is_not_taken_from_is_not_read),
		EXCHANGE_TEST(no_write_is_larger_than_a_pipe_takes),
		cmocka_unit_test_setup_teardown(a_datagram_is_sent_before_the_next_is_read,
						opens_for_datagrams, closes),
		EXCHANGE_TEST(output_that_ends_in_a_line_gets_no_newline),
		EXCHANGE_TEST(the_end_of_input_is_told_when_all_is_sent),
		EXCHANGE_TEST(the_first_reason_is_kept),
		EXCHANGE_TEST(nothing_broke_at_a_clean_end),
		EXCHANGE_TEST(a_server_that_has_gone_is_read_to_its_end),
		EXCHANGE_TEST(output_that_nobody_reads_ends_all),
		EXCHANGE_TEST(who_waits_for_nothing_of_the_server_does_not_spin),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
