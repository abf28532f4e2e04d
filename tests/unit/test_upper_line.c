/* SPDX-License-Identifier: MIT */
/* How a protocol is added, as HACKING.md tells it: a table, and two functions of its own. */
#include <ctype.h>
#include <sys/socket.h>

#include "fixture.h"

#include "core/clock.h"

/* ---- the protocol ---- */

/* Lines, each of which ends in '!' or LF and is taken in upper case. */
static ssize_t upper_line_next(const char *data, size_t len, size_t max, bool eof,
			       struct framing *f, struct request *req)
{
	static char line[64];
	size_t end = 0;

	while (end < len && data[end] != '!' && data[end] != '\n')
		end++;
	req->error = "ERR the request is too long";
	if (end > max || end > sizeof(line))
		return -1;
	if (end == len)
		return 0;
	for (size_t i = 0; i < end; i++)
		line[i] = (char)toupper((unsigned char)data[i]);
	req->argc = 1;
	req->argv[0] = (struct slice){line, end};
	return (ssize_t)end + 1;
}

static char *upper_line_bytes(struct buf *out, const struct framing *f, size_t len)
{
	char *to = buf_reserve(out, len + 1);

	if (to == NULL)
		return NULL;
	to[len] = '!';
	buf_commit(out, len + 1);
	return to;
}

static const struct protocol protocol_upper_line = {
	.name = "upper-line",
	.summary = "shouted lines",
	.next = upper_line_next,
	.bytes = upper_line_bytes,
	.error = protocol_error_line,
};

/* ---- what it does with a service that knows nothing of it ---- */

static int call(const char *keys)
{
	const struct sockaddr sa = {.sa_family = AF_UNIX};
	struct listener *l = listener_of(keys);
	int fds[2];

	l->conf->wire = &protocol_upper_line;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds),
			 0);
	loop.watches.ready.clock_ns = clock_ns();
	conn_open(&table, l, fds[0], &sa, channel_plain(false));
	return fds[1];
}

static void assert_answer(int fd, const char *asked, const char *expected)
{
	char text[256];
	ssize_t len;

	assert_int_equal(send(fd, asked, strlen(asked), 0), strlen(asked));
	settle();
	len = recv(fd, text, sizeof(text), 0);
	assert_int_equal(len, strlen(expected));
	assert_memory_equal(text, expected, strlen(expected));
}

static void requests_are_cut_and_replies_framed(void **state)
{
	int fd = call("services = echo\nprotocol = line\n");

	assert_answer(fd, "hello!wor", "HELLO!");
	assert_answer(fd, "ld\n!", "WORLD!!");
	close(fd);
}

static void an_error_ends_the_connection(void **state)
{
	int fd = call("services = echo\nprotocol = line\nmax_request = 4\n");

	assert_answer(fd, "fives", "ERR the request is too long\n");
	assert_int_equal(recv(fd, &(char){0}, 1, 0), 0);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FIXTURE_TEST(requests_are_cut_and_replies_framed),
		FIXTURE_TEST(an_error_ends_the_connection),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
