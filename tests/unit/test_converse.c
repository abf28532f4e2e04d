/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "client/converse.h"
#include "client/subcommand.h"

#define DEADLINE_MS 30000

/* ---- a conversation in a process of its own, whose standard descriptors are pipes ---- */

static char folder[] = "/tmp/converse.XXXXXX";
static char path[sizeof(folder) + 8];
static struct addr_spec spec;
static int listener, server; /* the end of the connection; -1: none */
static pid_t pid;
static int input, output, errors; /* the other ends of the pipes; -1: closed */

static void shut(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static void spec_set(const char *text)
{
	struct reason reason;

	memset(&spec, 0, sizeof(spec));
	assert_int_equal(addr_spec_parse(&spec, text, &reason), 0);
}

static int opens(void **state)
{
	struct sockaddr_un sun = {.sun_family = AF_UNIX};
	char text[sizeof(path) + 8];

	snprintf(path, sizeof(path), "%s/socket", folder);
	snprintf(sun.sun_path, sizeof(sun.sun_path), "%s", path);
	snprintf(text, sizeof(text), "unix:%s", path);
	spec_set(text);
	listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(listener, (struct sockaddr *)&sun, sizeof(sun)), 0);
	assert_int_equal(listen(listener, 1), 0);
	server = input = output = errors = -1;
	return 0;
}

static int closes(void **state)
{
	unlink(path);
	shut(&listener);
	shut(&server);
	shut(&input);
	shut(&output);
	shut(&errors);
	return 0;
}

static void descriptor_replace(int at, int ends[2], int mine)
{
	dup2(ends[mine], at);
	close(ends[0]);
	close(ends[1]);
}

static void begins(int (*talk)(int64_t timeout_ms), int64_t timeout_ms)
{
	int in[2], out[2], err[2];

	assert_true(pipe(in) == 0 && pipe(out) == 0 && pipe(err) == 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		close(listener);
		descriptor_replace(STDIN_FILENO, in, 0);
		descriptor_replace(STDOUT_FILENO, out, 1);
		descriptor_replace(STDERR_FILENO, err, 1);
		_exit(talk(timeout_ms));
	}
	close(in[0]);
	close(out[1]);
	close(err[1]);
	input = in[1];
	output = out[0];
	errors = err[0];
}

static int bytes(int64_t timeout_ms)
{
	return converse(&spec, false, timeout_ms);
}

static int requests(int64_t timeout_ms)
{
	return converse_in_requests(&spec, timeout_ms);
}

static void readable(int fd)
{
	assert_int_equal(poll(&(struct pollfd){fd, POLLIN, 0}, 1, DEADLINE_MS), 1);
}

static void calls(int64_t timeout_ms)
{
	begins(bytes, timeout_ms);
	readable(listener);
	server = accept(listener, NULL, NULL);
	assert_true(server >= 0);
}

/* Bytes up to the end. Returns text. */
static const char *read_all(int fd)
{
	static char text[4096];
	size_t len = 0;
	ssize_t n;

	do {
		readable(fd);
		n = read(fd, text + len, sizeof(text) - 1 - len);
		assert_true(n >= 0);
		len += (size_t)n;
	} while (n > 0);
	text[len] = '\0';
	return text;
}

static void assert_gets(int fd, const char *text)
{
	char got[64];
	size_t len = 0, wanted = strlen(text);

	while (len < wanted) {
		ssize_t n;

		readable(fd);
		n = read(fd, got + len, wanted - len);
		assert_true(n > 0);
		len += (size_t)n;
	}
	assert_memory_equal(got, text, wanted);
}

static void says(int fd, const char *text)
{
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
}

/* The status of a conversation that has closed its standard error. */
static int status_of(void)
{
	int status;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void assert_ends(int status, const char *error)
{
	const char *said = read_all(errors);

	if (error == NULL)
		assert_string_equal(said, "");
	else
		assert_non_null(strstr(said, error));
	assert_int_equal(status_of(), status);
}

static void bytes_and_their_end_go_both_ways(void **state)
{
	calls(0);
	says(input, "one");
	assert_gets(server, "one");
	says(server, "ONE");
	assert_gets(output, "ONE");
	shut(&input);
	assert_string_equal(read_all(server), "");
	says(server, "last words");
	shut(&server);
	assert_string_equal(read_all(output), "last words");
	assert_ends(EXIT_SUCCESS, NULL);
}

static void input_is_carried_to_its_end_though_the_server_has_ended(void **state)
{
	calls(0);
	says(server, "ONE");
	assert_int_equal(shutdown(server, SHUT_WR), 0);
	assert_gets(output, "ONE");
	says(input, "late");
	assert_gets(server, "late");
	shut(&input);
	assert_string_equal(read_all(server), "");
	assert_ends(EXIT_SUCCESS, NULL);
}

static void who_says_nothing_for_too_long_is_given_up(void **state)
{
	calls(100);
	shut(&input);
	assert_ends(EXIT_BROKEN, "no answer");
}

/* Until the end of its input it is not the server's turn. */
static void who_has_nothing_to_answer_may_be_silent(void **state)
{
	calls(100);
	assert_int_equal(poll(&(struct pollfd){errors, POLLIN, 0}, 1, 300), 0);
	says(server, "ONE");
	assert_gets(output, "ONE");
	shut(&input);
	shut(&server);
	assert_ends(EXIT_SUCCESS, NULL);
}

static void a_reset_is_told_of(void **state)
{
	calls(0);
	says(input, "one");
	readable(server);
	shut(&server); /* with input unread */
	assert_ends(EXIT_BROKEN, "connection broke");
}

static void the_end_of_its_reader_ends_it(void **state)
{
	int status;

	calls(0);
	shut(&output);
	says(server, "ONE");
	assert_string_equal(read_all(server), "");
	assert_string_equal(read_all(errors), "");
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGPIPE);
}

static void without_a_server_it_says_why(void **state)
{
	unlink(path);
	begins(bytes, 0);
	assert_ends(EXIT_BROKEN, path);
}

/* Ask over udp, and give one answer. */
static void asks_by_datagram(int64_t timeout_ms)
{
	struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(in);
	char text[32], got[8];

	server = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(server, (struct sockaddr *)&in, len), 0);
	assert_int_equal(getsockname(server, (struct sockaddr *)&in, &len), 0);
	snprintf(text, sizeof(text), "udp:127.0.0.1:%d", ntohs(in.sin_port));
	spec_set(text);
	begins(bytes, timeout_ms);
	says(input, "one");
	readable(server);
	assert_int_equal(recvfrom(server, got, sizeof(got), 0, (struct sockaddr *)&in, &len), 3);
	assert_int_equal(sendto(server, "ONE", 3, 0, (struct sockaddr *)&in, len), 3);
	assert_gets(output, "ONE");
	shut(&input);
}

static void datagrams_end_when_no_more_come(void **state)
{
	asks_by_datagram(0);
	assert_ends(EXIT_SUCCESS, NULL);
}

static void datagrams_that_came_are_an_answer(void **state)
{
	asks_by_datagram(2000);
	assert_ends(EXIT_SUCCESS, NULL);
}

static void requests_need_a_terminal(void **state)
{
	begins(requests, 0);
	assert_ends(EXIT_USAGE, "needs a terminal");
	assert_int_equal(poll(&(struct pollfd){listener, POLLIN, 0}, 1, 0), 0);
	spec_set("udp:127.0.0.1:7");
	shut(&input);
	shut(&output);
	shut(&errors);
	begins(requests, 0);
	assert_ends(EXIT_USAGE, "udp carries no requests");
}

#define CONVERSE_TEST(name) cmocka_unit_test_setup_teardown(name, opens, closes)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CONVERSE_TEST(bytes_and_their_end_go_both_ways),
		CONVERSE_TEST(input_is_carried_to_its_end_though_the_server_has_ended),
		CONVERSE_TEST(who_says_nothing_for_too_long_is_given_up),
		CONVERSE_TEST(who_has_nothing_to_answer_may_be_silent),
		CONVERSE_TEST(a_reset_is_told_of),
		CONVERSE_TEST(the_end_of_its_reader_ends_it),
		CONVERSE_TEST(without_a_server_it_says_why),
		CONVERSE_TEST(datagrams_end_when_no_more_come),
		CONVERSE_TEST(datagrams_that_came_are_an_answer),
		CONVERSE_TEST(requests_need_a_terminal),
	};
	int failed;

	if (mkdtemp(folder) == NULL)
		return 99;
	signal(SIGPIPE, SIG_IGN);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	rmdir(folder);
	return failed;
}
