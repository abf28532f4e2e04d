/* SPDX-License-Identifier: MIT */
/* How a protocol is added, as HACKING.md tells it: a table, and two functions of its own. */
#include <ctype.h>

#include "caller.h"

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
	struct listener *l = listener_of(keys);
	int fd;

	l->conf->wire = &protocol_upper_line;
	enter(l, pair_open(&fd), NULL, channel_plain(false));
	return fd;
}

static void requests_are_cut_and_replies_framed(void **state)
{
	int fd = call("services = echo\nprotocol = line\n");

	say(fd, "hello!wor");
	assert_hears(fd, "HELLO!");
	say(fd, "ld\n!");
	assert_hears(fd, "WORLD!!");
	close(fd);
}

static void an_error_ends_the_connection(void **state)
{
	int fd = call("services = echo\nprotocol = line\nmax_request = 4\n");

	say(fd, "fives");
	assert_hears_last(fd, "ERR the request is too long\n");
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
