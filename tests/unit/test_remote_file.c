/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <sys/socket.h>

#include "client/remote_file.h"
#include "said.h"

static struct talk talk;
static int server;

static int opens(void **state)
{
	int fds[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
	talk_init(&talk, NULL);
	talk.timeout_ms = 10000; /* a test that takes longer waits for what will not come */
	talk.fd = fds[0];
	server = fds[1];
	return 0;
}

static int closes(void **state)
{
	talk_close(&talk);
	close(server);
	return 0;
}

/* The server says this, and hangs up. Returns what remote_file_take() does. */
static int takes(struct remote_file *file, const char *reply, size_t len)
{
	closes(NULL);
	opens(NULL);
	assert_int_equal(send(server, reply, len, 0), len);
	shutdown(server, SHUT_WR);
	memset(file, 0x5a, sizeof(*file));
	return SAYING(remote_file_take(&talk, file));
}

#define SIZE "$4\r\nsize\r\n:"
#define MTIME "$5\r\nmtime\r\n:"
#define ETAG "$4\r\netag\r\n"

static void a_request_names_the_file(void **state)
{
	static const char expected[] = "*2\r\n$4\r\nSTAT\r\n$5\r\na b\r\n\r\n";

	assert_int_equal(remote_file_ask(&talk, "a b\r\n"), 0);
	assert_int_equal(buf_len(&talk.out), strlen(expected));
	assert_memory_equal(buf_data(&talk.out), expected, strlen(expected));
}

static void what_is_said_of_a_file_is_taken(void **state)
{
	static const struct {
		const char *reply;
		struct remote_file file;
	} rows[] = {
		{"*8\r\n" SIZE "5\r\n" MTIME "17\r\n" ETAG "$2\r\ne1\r\n$2\r\nid\r\n$3\r\nfe0\r\n",
		 {REMOTE_FOUND, 5, 17, "e1", "fe0"}},
		{"*6\r\n" ETAG "+e1\r\n" MTIME "-1\r\n" SIZE "0\r\n",
		 {REMOTE_FOUND, 0, -1, "e1", ""}},
		{"*4\r\n" ETAG "$1\r\ne\r\n" SIZE "9223372036854775807\r\n",
		 {REMOTE_FOUND, INT64_MAX, 0, "e", ""}},
		/* what a later version may add */
		{"*10\r\n$3\r\nnew\r\n*2\r\n*1\r\n:1\r\n$-1\r\n" SIZE
		 "5\r\n+more\r\n$3\r\nabc\r\n" ETAG "$2\r\ne1\r\n$4\r\nlast\r\n*0\r\n",
		 {REMOTE_FOUND, 5, 0, "e1", ""}},
		{"$-1\r\n", {.state = REMOTE_MISSING}},
		{"*-1\r\n", {.state = REMOTE_MISSING}},
		{"-NOPERM \033 no\r\n", {.state = REMOTE_REFUSED}},
	};
	struct remote_file file;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (takes(&file, rows[i].reply, strlen(rows[i].reply)) < 0)
			fail_msg("%s: %s", rows[i].reply, talk.reason.text);
		assert_int_equal(file.state, rows[i].file.state);
		assert_int_equal(file.size, rows[i].file.size);
		assert_int_equal(file.mtime, rows[i].file.mtime);
		assert_string_equal(file.etag, rows[i].file.etag);
		assert_string_equal(file.id, rows[i].file.id);
		assert_true(talk_idle(&talk)); /* the next reply can be taken */
		if (file.state == REMOTE_REFUSED)
			assert_non_null(strstr(said, ": NOPERM \\x1b no\n"));
		else
			assert_string_equal(said, "");
	}
}

static void what_makes_no_sense_breaks_the_conversation(void **state)
{
	static const char unknown[] = "says nothing of a file's size or etag";
	static const char *const rows[][2] = {
		{"*0\r\n", unknown},
		{"*2\r\n" SIZE "5\r\n", unknown},
		{"*2\r\n" ETAG "$2\r\ne1\r\n", unknown},
		{"*4\r\n" SIZE "5\r\n" ETAG "$0\r\n\r\n", unknown},
		{"*4\r\n" SIZE "-5\r\n" ETAG "$2\r\ne1\r\n", unknown},
		{"*3\r\n" SIZE "5\r\n" ETAG, "a list of 3 where what STAT says of a file was"},
		{":5\r\n", "the number 5 where what STAT says of a file was expected"},
		{"+OK\r\n", "the status 'OK' where what STAT says"},
		{"*4\r\n$4\r\nsize\r\n$1\r\n5\r\n", "5' where a number was expected"},
		{"*4\r\n$5\r\nmtime\r\n$-1\r\n", "nil where a number was expected"},
		{"*4\r\n" ETAG ":1\r\n", "the number 1 where an etag was expected"},
		{"*4\r\n:4\r\n", "the number 4 where a name of STAT was expected"},
		{"*2\r\n*4\r\n", "a list of 4 where a name of STAT was expected"},
		{"*4\r\n" SIZE "5\r\n", "the server closed the connection"},
		{"", "the server closed the connection"},
		{"what\r\n", "reply not understood"},
	};
	struct remote_file file;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(takes(&file, rows[i][0], strlen(rows[i][0])), -1);
		if (strstr(talk.reason.text, rows[i][1]) == NULL)
			fail_msg("%s: %s", rows[i][0], talk.reason.text);
		assert_string_equal(said, ""); /* who asked says it */
	}
}

/* An etag of len bytes, at of which is other. */
static int takes_etag(struct remote_file *file, size_t len, size_t at, char other)
{
	char reply[2 * REMOTE_ETAG_MAX];
	int head = snprintf(reply, sizeof(reply), "*4\r\n" SIZE "5\r\n" ETAG "$%zu\r\n", len);

	memset(reply + head, 'e', len);
	reply[(size_t)head + at] = other;
	memcpy(reply + head + len, "\r\n", 2);
	return takes(file, reply, (size_t)head + len + 2);
}

static void an_etag_is_a_string_that_has_room(void **state)
{
	struct remote_file file;

	assert_int_equal(takes_etag(&file, REMOTE_ETAG_MAX - 1, 0, 'x'), 0);
	assert_int_equal(strlen(file.etag), REMOTE_ETAG_MAX - 1);
	assert_int_equal(takes_etag(&file, REMOTE_ETAG_MAX, 0, 'x'), -1);
	assert_int_equal(takes_etag(&file, 10, 5, '\0'), -1);
	assert_int_equal(takes_etag(&file, 10, 9, '\0'), -1);
}

/* It is taken to the end of what may be skipped, and no further. */
static void a_reply_has_a_bound(void **state)
{
	static const char head[] = "*6\r\n" SIZE "5\r\n" ETAG "$2\r\ne1\r\n$3\r\nnew\r\n";
	static char reply[64 * 1024 + 16];
	struct remote_file file;

	for (int beyond = 0; beyond < 2; beyond++) {
		size_t all = 64 * 1024 + (size_t)beyond, len = strlen(head);
		size_t body = all - len - strlen("$65000\r\n") - 2;

		memset(reply, 'x', sizeof(reply));
		snprintf(reply, sizeof(reply), "%s$%zu\r\n", head, body);
		reply[strlen(reply)] = 'x';
		memcpy(reply + all - 2, "\r\n", 2);
		assert_int_equal(takes(&file, reply, all), beyond ? -1 : 0);
		if (beyond)
			assert_string_equal(talk.reason.text, "the server says too much at once");
	}
}

#define FILE_TEST(name) cmocka_unit_test_setup_teardown(name, opens, closes)

int main(void)
{
	const struct CMUnitTest tests[] = {
		FILE_TEST(a_request_names_the_file),
		FILE_TEST(what_is_said_of_a_file_is_taken),
		FILE_TEST(what_makes_no_sense_breaks_the_conversation),
		FILE_TEST(an_etag_is_a_string_that_has_room),
		FILE_TEST(a_reply_has_a_bound),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
