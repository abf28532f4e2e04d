/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "edge.h"
#include "wire/protocol.h"

#define INPUT_MAX (256 * 1024)
#define INLINE_MAX (64 * 1024)

static struct slice argv[REQUEST_ARGS_MAX];
static struct request req = {.argv = argv};
static struct framing framing;

/* ---- input, and what is made of it, as text ---- */

struct row {
	const char *input;
	size_t len;
	const char *said; /* [word|word] a request, !text its end, ! without a word */
};

#define COUNT_ERROR "!ERR Protocol error: invalid multibulk length"
#define LENGTH_ERROR "!ERR Protocol error: invalid bulk length"
#define TYPE_ERROR(type) "!ERR Protocol error: expected '$', got '" type "'"
#define QUOTES_ERROR "!ERR Protocol error: unbalanced quotes in request"
#define INLINE_ERROR "!ERR Protocol error: too big inline request"
#define ARGS_ERROR "!ERR Protocol error: too many arguments"
#define LONG_ERROR "!ERR Protocol error: the request is too long"

#define ROW(input, said)                       \
	{                                      \
		input, sizeof(input) - 1, said \
	}

/* A peer's bytes as they come in. */
struct sender {
	char in[INPUT_MAX];
	size_t len;
	char said[INPUT_MAX];
	size_t said_len;
	bool ended;
};

static void say(struct sender *p, const char *data, size_t len)
{
	assert_true(p->said_len + len < sizeof(p->said));
	memcpy(p->said + p->said_len, data, len);
	p->said_len += len;
	p->said[p->said_len] = '\0';
}

static void say_request(struct sender *p)
{
	say(p, "[", 1);
	for (int i = 0; i < req.argc; i++) {
		say(p, "|", i > 0);
		say(p, req.argv[i].data, req.argv[i].len);
	}
	say(p, "]", 1);
}

static void say_end(struct sender *p)
{
	say(p, "!", 1);
	if (req.error != NULL)
		say(p, req.error, strlen(req.error));
	p->ended = true;
}

static void feed(struct sender *p, const char *data, size_t len, size_t max)
{
	memcpy(p->in + p->len, data, len);
	p->len += len;
	while (!p->ended) {
		char *input = at_edge(p->in, p->len);
		ssize_t used = protocol_resp.next(input, p->len, max, false, &framing, &req);

		if (used == 0) {
			assert_memory_equal(input, p->in, p->len); /* nothing was undone */
			assert_true(p->len == 0 || p->len < max);
			return;
		}
		if (used < 0) {
			say_end(p);
			return;
		}
		assert_in_range(used, 1, p->len < max ? p->len : max);
		say_request(p);
		p->len -= (size_t)used;
		memmove(p->in, p->in + used, p->len);
	}
}

/* What is said to input that comes in one piece, then the rest in pieces of a size. */
static const char *said_to(const char *data, size_t len, size_t max, size_t first, size_t size)
{
	static struct sender p;
	size_t at = first;

	p.len = p.said_len = 0;
	p.ended = false;
	p.said[0] = '\0';
	feed(&p, data, first, max);
	for (; at < len; at += size)
		feed(&p, data + at, size < len - at ? size : len - at, max);
	return p.said;
}

static const char *said(const char *data, size_t len, size_t max)
{
	return said_to(data, len, max, len, 1);
}

/* ---- requests ---- */

static const struct row requests[] = {
	ROW("*1\r\n$4\r\nPING\r\n", "[PING]"),
	ROW("*2\r\n$3\r\nGET\r\n$11\r\nhello world\r\n", "[GET|hello world]"),
	ROW("*3\r\n$0\r\n\r\n$1\r\n \r\n$0\r\n\r\n", "[| |]"),
	ROW("*1\r\n$17\r\n\r\n*1\r\n$4\r\nPING\r\n\"\r\n", "[\r\n*1\r\n$4\r\nPING\r\n\"]"),
	ROW("*1\r\n$4\r\nPOST\r\n", "[POST]"),
	ROW("*0\r\n", "[]"),
	ROW("*-1\r\n", "[]"),
	ROW("*-2\r\n", "[]"),
	ROW("*-10\r\nPING\r\n", "[][PING]"),
	ROW("*-999999999\r\n", "[]"),
	ROW("\n", "[]"),
	ROW("\r\n", "[]"),
	ROW(" \t\v\f\r\n", "[]"),
	ROW("PING\n", "[PING]"),
	ROW("PING\r\n", "[PING]"),
	ROW("  GET \t one\rtwo \n", "[GET|one|two]"),
	ROW("$4\r\n", "[$4]"),
	ROW("a*1\r\n", "[a*1]"),
	ROW(" *1\r\n", "[*1]"),
	ROW("a\vb \vc\n", "[a\vb|c]"),
	ROW("\xff\x80 \x7f\r\n", "[\xff\x80|\x7f]"),
	ROW("a\\nb \\\n", "[a\\nb|\\]"),
	ROW("\"\" '' \"\"\r\n", "[||]"),
	ROW("\"a b\" 'c d'\r\n", "[a b|c d]"),
	ROW("key=\"a b\" x'y'\n", "[key=a b|xy]"),
	ROW("\"\\n\\r\\t\\b\\a\\\\\\\"\\q\"\n", "[\n\r\t\b\a\\\"q]"),
	ROW("\"\\x41\\x7A\\xfF\\x4\\xg1\"\n", "[Az\xffx4xg1]"),
	ROW("\"\\x4\"\n", "[x4]"),
	ROW("\"\\x\"\n", "[x]"),
	ROW("\"it's\" 'say \"so\"' 'it\\'s' 'a\\nb'\n", "[it's|say \"so\"|it's|a\\nb]"),
	ROW("\"a\"\v'b'\r\n", "[a|b]"),
	ROW("POSTS /\r\n", "[POSTS|/]"),
	ROW("Host\r\n", "[Host]"),
	ROW("GET POST Host:\r\n", "[GET|POST|Host:]"),
};

static const struct row mistakes[] = {
	ROW("*\r\n", COUNT_ERROR),
	ROW("*+1\r\n", COUNT_ERROR),
	ROW("* 1\r\n", COUNT_ERROR),
	ROW("*1 \r\n", COUNT_ERROR),
	ROW("*1x\r\n", COUNT_ERROR),
	ROW("*x\r\n", COUNT_ERROR),
	ROW("*00\r\n", COUNT_ERROR),
	ROW("*01\r\n", COUNT_ERROR),
	ROW("*-\r\n", COUNT_ERROR),
	ROW("*-0\r\n", COUNT_ERROR),
	ROW("*-01\r\n", COUNT_ERROR),
	ROW("*-10x\r\n", COUNT_ERROR),
	ROW("*-1000000000\r\n", COUNT_ERROR),
	ROW("*-18446744073709551617\r\n", COUNT_ERROR),
	ROW("*--1\r\n", COUNT_ERROR),
	ROW("*1\n", COUNT_ERROR),
	ROW("*1\rx", COUNT_ERROR),
	ROW("*1\r\r\n", COUNT_ERROR),
	ROW("*1\0\r\n", COUNT_ERROR),
	ROW("*1025\r\n", ARGS_ERROR),
	ROW("*4294967297\r\n", ARGS_ERROR),
	ROW("*18446744073709551617\r\n", ARGS_ERROR),
	ROW("*1\r\nPING\r\n", TYPE_ERROR("P")),
	ROW("*1\r\n:4\r\n", TYPE_ERROR(":")),
	ROW("*2\r\n$1\r\na\r\n*1\r\n", TYPE_ERROR("*")),
	ROW("*1\r\n\r\n", TYPE_ERROR("?")),
	ROW("*1\r\n\xff", TYPE_ERROR("?")),
	ROW("*1\r\n\0", TYPE_ERROR("?")),
	ROW("*1\r\n$\r\n", LENGTH_ERROR),
	ROW("*1\r\n$+5\r\n", LENGTH_ERROR),
	ROW("*1\r\n$ 5\r\n", LENGTH_ERROR),
	ROW("*1\r\n$5 \r\n", LENGTH_ERROR),
	ROW("*1\r\n$5x\r\n", LENGTH_ERROR),
	ROW("*1\r\n$00\r\n", LENGTH_ERROR),
	ROW("*1\r\n$05\r\n", LENGTH_ERROR),
	ROW("*1\r\n$-0\r\n", LENGTH_ERROR),
	ROW("*1\r\n$-1\r\n", LENGTH_ERROR),
	ROW("*1\r\n$5\n", LENGTH_ERROR),
	ROW("*1\r\n$5\rx", LENGTH_ERROR),
	ROW("*1\r\n$4294967297\r\n", LENGTH_ERROR),
	ROW("*1\r\n$18446744073709551617\r\n", LENGTH_ERROR),
	ROW("*1\r\n$99999999999999999999999999999999999999", LENGTH_ERROR),
	ROW("*1\r\n$1\r\nab\r\n", LENGTH_ERROR),
	ROW("*1\r\n$1\r\na\rb\n", LENGTH_ERROR),
	ROW("*1\r\n$1\r\na\n\n", LENGTH_ERROR),
	ROW("\"a\r\n", QUOTES_ERROR),
	ROW("'a\r\n", QUOTES_ERROR),
	ROW("a \"\n", QUOTES_ERROR),
	ROW("\"a\\\"\n", QUOTES_ERROR),
	ROW("\"a\\\n", QUOTES_ERROR),
	ROW("'a\\'\n", QUOTES_ERROR),
	ROW("\"a\"b\n", QUOTES_ERROR),
	ROW("'a'b\n", QUOTES_ERROR),
	ROW("'a\\\\'\n", QUOTES_ERROR),
	ROW("a\\\"\n", QUOTES_ERROR),
	ROW("\"a\"'b'\n", QUOTES_ERROR),
	ROW("POST / HTTP/1.1\r\n", "!"),
	ROW("post\n", "!"),
	ROW("Host: localhost:6379\r\n", "!"),
	ROW(" hOST:\r\n", "!"),
	ROW("POST /it's HTTP/1.1\r\n", "!"),
	ROW("PING\r\nHost: localhost\r\n", "[PING]!"),
};

#define LENGTH(table) (sizeof(table) / sizeof((table)[0]))

static void row_holds(const struct row *row)
{
	for (size_t first = 0; first <= row->len; first++)
		assert_string_equal(said_to(row->input, row->len, 4096, first, row->len),
				    row->said);
	assert_string_equal(said_to(row->input, row->len, 4096, 0, 1), row->said);
}

static void requests_are_the_same_however_they_are_cut(void **state)
{
	for (size_t i = 0; i < LENGTH(requests); i++)
		row_holds(&requests[i]);
}

static void mistakes_are_the_same_however_they_are_cut(void **state)
{
	for (size_t i = 0; i < LENGTH(mistakes); i++)
		row_holds(&mistakes[i]);
}

static void many_requests_in_one_buffer_are_taken_one_by_one(void **state)
{
	static char input[4096], expected[4096];
	size_t len = 0;

	expected[0] = '\0';
	for (size_t i = 0; i < LENGTH(requests); i++) {
		assert_true(len + requests[i].len < sizeof(input));
		memcpy(input + len, requests[i].input, requests[i].len);
		len += requests[i].len;
		strncat(expected, requests[i].said, sizeof(expected) - strlen(expected) - 1);
	}
	for (size_t size = 1; size <= len; size++)
		assert_string_equal(said_to(input, len, 4096, 0, size), expected);
	for (size_t first = 0; first <= len; first++)
		assert_string_equal(said_to(input, len, 4096, first, len), expected);
}

static void a_byte_may_be_nul(void **state)
{
	static const char array[] = "*1\r\n$3\r\na\0b\r\n", line[] = "a\0b \"\\x00\"\n";

	assert_int_equal(protocol_resp.next(at_edge(array, sizeof(array) - 1), sizeof(array) - 1,
					    64, false, &framing, &req),
			 sizeof(array) - 1);
	assert_int_equal(req.argc, 1);
	assert_int_equal(req.argv[0].len, 3);
	assert_memory_equal(req.argv[0].data, "a\0b", 3);
	assert_int_equal(protocol_resp.next(at_edge(line, sizeof(line) - 1), sizeof(line) - 1, 64,
					    false, &framing, &req),
			 sizeof(line) - 1);
	assert_int_equal(req.argc, 2);
	assert_int_equal(req.argv[0].len, 3);
	assert_memory_equal(req.argv[0].data, "a\0b", 3);
	assert_int_equal(req.argv[1].len, 1);
	assert_memory_equal(req.argv[1].data, "\0", 1);
}

static void an_unfinished_request_is_none_at_the_end_either(void **state)
{
	static const char *const unfinished[] = {
		"", "*", "*-", "*1", "*1\r", "*1\r\n", "*1\r\n$", "*1\r\n$1\r\na\r", "PING", "\"",
	};

	for (size_t i = 0; i < LENGTH(unfinished); i++) {
		size_t len = strlen(unfinished[i]);

		assert_int_equal(protocol_resp.next(at_edge(unfinished[i], len), len, 64, true,
						    &framing, &req),
				 0);
	}
	assert_int_equal(protocol_resp.next(NULL, 0, 64, true, &framing, &req), 0);
}

/* ---- limits ---- */

static void a_request_is_at_most_max_bytes(void **state)
{
	static const struct row rows[] = {
		ROW("*1\r\n$4\r\nPING\r\n", "[PING]"),
		ROW("*2\r\n$1\r\na\r\n$1\r\nb\r\n", "[a|b]"),
		ROW("*0\r\n", "[]"),
	};

	for (size_t i = 0; i < LENGTH(rows); i++) {
		const struct row *row = &rows[i];

		assert_string_equal(said(row->input, row->len, row->len), row->said);
		for (size_t max = 0; max < row->len; max++)
			for (size_t first = 0; first <= row->len; first++)
				assert_string_equal(said_to(row->input, row->len, max, first, 1),
						    LONG_ERROR);
	}
}

static void a_bulk_length_is_checked_before_its_bytes_come(void **state)
{
	assert_string_equal(said("*1\r\n$89\r\n", 9, 100), "");
	assert_string_equal(said("*1\r\n$90\r\n", 9, 100), LONG_ERROR);
	assert_string_equal(said("*1\r\n$100\r\n", 10, 100), LONG_ERROR);
	assert_string_equal(said("*1\r\n$101", 8, 100), LENGTH_ERROR);
	assert_string_equal(said("*1\r\n$1073741824\r\n", 17, SIZE_MAX), LONG_ERROR);
	assert_string_equal(said("*1\r\n$1073741825", 15, SIZE_MAX), LENGTH_ERROR);
}

static void a_header_without_end_is_refused_early(void **state)
{
	static const char *const starts[] = {"*", "*-", "*1\r\n$"};

	for (size_t i = 0; i < LENGTH(starts); i++) {
		for (int c = 0; c < 256; c++) {
			char header[40];
			size_t len = strlen(starts[i]);

			memcpy(header, starts[i], len);
			memset(header + len, c, 32);
			assert_int_equal(protocol_resp.next(at_edge(header, len + 32), len + 32,
							    1 << 20, false, &framing, &req),
					 -1);
		}
	}
}

static void a_request_has_at_most_1024_arguments(void **state)
{
	static char input[INPUT_MAX];
	size_t len = (size_t)sprintf(input, "*1024\r\n");

	for (int i = 0; i < 1024; i++)
		len += (size_t)sprintf(input + len, "$4\r\n%04d\r\n", i);
	assert_int_equal(protocol_resp.next(at_edge(input, len), len, len, false, &framing, &req),
			 len);
	assert_int_equal(req.argc, 1024);
	assert_memory_equal(req.argv[1023].data, "1023", 4);
	assert_int_equal(
		protocol_resp.next(at_edge(input, len - 1), len - 1, len, false, &framing, &req),
		0);
	assert_string_equal(said("*1025\r\n", 7, 1 << 20), ARGS_ERROR);
}

static void a_line_has_at_most_1024_words(void **state)
{
	static char line[2 * 1025 + 1];

	for (int i = 0; i < 1025; i++)
		memcpy(line + (size_t)2 * i, "a ", 2);
	line[2 * 1024] = '\n';
	assert_int_equal(
		protocol_resp.next(at_edge(line, 2049), 2049, 1 << 20, false, &framing, &req),
		2049);
	assert_int_equal(req.argc, 1024);
	line[2 * 1024] = 'a';
	line[2 * 1025] = '\n';
	assert_string_equal(said(line, 2051, 1 << 20), ARGS_ERROR);
}

static void a_line_is_at_most_64_kilobytes_or_max(void **state)
{
	static char line[INLINE_MAX + 1];
	const size_t sizes[] = {5, 100, INLINE_MAX};

	for (size_t i = 0; i < LENGTH(sizes); i++) {
		size_t size = sizes[i], max = size == INLINE_MAX ? 1 << 20 : size;

		memset(line, 'a', sizeof(line));
		line[size - 1] = '\n';
		assert_int_equal(
			protocol_resp.next(at_edge(line, size), size, max, false, &framing, &req),
			size);
		assert_int_equal(req.argv[0].len, size - 1);
		assert_string_equal(said(line, size - 1, max), "");
		line[size - 1] = 'a';
		assert_string_equal(said(line, size, max), INLINE_ERROR);
		line[size] = '\n';
		assert_string_equal(said(line, size + 1, max), INLINE_ERROR);
	}
}

/* ---- replies ---- */

static void assert_written(struct buf *out, const char *expected)
{
	assert_int_equal(buf_len(out), strlen(expected));
	assert_memory_equal(buf_data(out), expected, strlen(expected));
	buf_free(out);
}

static int list(struct buf *out, size_t count)
{
	if (protocol_resp.composite_begin(out, &framing, REPLY_LIST) < 0)
		return -1;
	return protocol_resp.composite_end(out, &framing, REPLY_LIST, count);
}

static void pairs_are_a_list_of_twice_as_many(void **state)
{
	struct buf out = {0};

	assert_int_equal(protocol_resp.composite_begin(&out, &framing, REPLY_PAIRS), 0);
	assert_int_equal(protocol_resp.composite_end(&out, &framing, REPLY_PAIRS, 7), 0);
	assert_written(&out, "*14\r\n");
}

static void each_reply_is_written_as_its_type(void **state)
{
	struct buf out = {0};

	assert_int_equal(list(&out, 10), 0);
	assert_int_equal(protocol_resp.status(&out, &framing, "OK"), 0);
	assert_int_equal(protocol_resp.error(&out, &framing, "NOPERM no 'disk' for 7"), 0);
	assert_int_equal(protocol_resp.integer(&out, &framing, -42), 0);
	memcpy(protocol_resp.bytes(&out, &framing, 4), "a\r\nb", 4);
	assert_non_null(protocol_resp.bytes(&out, &framing, 0));
	assert_int_equal(protocol_resp.nil(&out, &framing), 0);
	assert_int_equal(list(&out, 0), 0);
	assert_int_equal(protocol_resp.bytes_begin(&out, &framing, 3), 0);
	assert_int_equal(buf_add(&out, "abc", 3), 0);
	assert_int_equal(protocol_resp.bytes_end(&out, &framing), 0);
	assert_written(&out, "*10\r\n+OK\r\n-NOPERM no 'disk' for 7\r\n:-42\r\n$4\r\na\r\nb\r\n"
			     "$0\r\n\r\n$-1\r\n*0\r\n$3\r\nabc\r\n");
}

static void replies_of_version_3_have_types_of_their_own(void **state)
{
	static const struct {
		enum composite kind;
		const char *second, *third;
	} rows[] = {
		{REPLY_LIST, "*3\r\n", "*3\r\n"},
		{REPLY_PAIRS, "*6\r\n", "%3\r\n"},
		{REPLY_PUSH, "*3\r\n", ">3\r\n"},
	};
	const struct framing third = {.resp3 = 1};
	struct buf out = {0};

	for (size_t i = 0; i < LENGTH(rows); i++) {
		for (int n = 0; n < 2; n++) {
			const struct framing *f = n == 0 ? &framing : &third;

			assert_int_equal(protocol_resp.composite_begin(&out, f, rows[i].kind), 0);
			assert_int_equal(protocol_resp.composite_end(&out, f, rows[i].kind, 3), 0);
			assert_written(&out, n == 0 ? rows[i].second : rows[i].third);
		}
	}
	assert_int_equal(protocol_resp.nil(&out, &third), 0);
	assert_int_equal(protocol_resp.status(&out, &third, "OK"), 0);
	assert_int_equal(protocol_resp.error(&out, &third, "ERR no"), 0);
	assert_int_equal(protocol_resp.integer(&out, &third, 7), 0);
	memcpy(protocol_resp.bytes(&out, &third, 2), "ab", 2);
	assert_written(&out, "_\r\n+OK\r\n-ERR no\r\n:7\r\n$2\r\nab\r\n");
}

static void a_conversation_keeps_its_version_until_another_is_spoken(void **state)
{
	struct framing f = {0};

	assert_int_equal(protocol_resp.speak(&f, 0), 2);
	assert_int_equal(protocol_resp.speak(&f, 3), 3);
	assert_int_equal(protocol_resp.speak(&f, 0), 3);
	for (int version = -1; version < 10; version++)
		if (version != 0 && version != 2 && version != 3)
			assert_int_equal(protocol_resp.speak(&f, version), -1);
	assert_int_equal(protocol_resp.speak(&f, 0), 3);
	assert_int_equal(protocol_resp.speak(&f, 2), 2);
	assert_int_equal(protocol_resp.speak(&f, 0), 2);
	assert_int_equal(sizeof(f), 4);
}

static void a_line_of_text_stays_one_line(void **state)
{
	struct buf out = {0};

	assert_int_equal(protocol_resp.status(&out, &framing, "a\r\nb\n"), 0);
	assert_int_equal(protocol_resp.error(&out, &framing, "ERR \r\n+OK\r\n"), 0);
	assert_int_equal(protocol_resp.error(&out, &framing, "ERR a\r\n+b"), 0);
	assert_int_equal(protocol_resp.error(&out, &framing, ""), 0);
	assert_written(&out, "+a  b \r\n-ERR   +OK  \r\n-ERR a  +b\r\n-\r\n");
}

static void an_error_may_be_long(void **state)
{
	static char text[10000], expected[10004];
	struct buf out = {0};

	memset(text, 'x', sizeof(text) - 1);
	snprintf(expected, sizeof(expected), "-%s\r\n", text);
	assert_int_equal(protocol_resp.error(&out, &framing, text), 0);
	assert_written(&out, expected);
}

static void assert_number_written(int64_t value)
{
	char expected[40];
	struct buf out = {0};

	snprintf(expected, sizeof(expected), ":%" PRId64 "\r\n", value);
	assert_int_equal(protocol_resp.integer(&out, &framing, value), 0);
	assert_written(&out, expected);
	snprintf(expected, sizeof(expected), "$%" PRIu64 "\r\n", (uint64_t)value);
	assert_int_equal(protocol_resp.bytes_begin(&out, &framing, (uint64_t)value), 0);
	assert_written(&out, expected);
}

static void numbers_of_every_length_are_written(void **state)
{
	int64_t power = 1;

	for (int digits = 1; digits <= 19; digits++) {
		for (int64_t value = power - 1; value <= power + 1; value++) {
			assert_number_written(value);
			assert_number_written(-value);
		}
		power *= digits < 19 ? 10 : 1;
	}
	assert_number_written(INT64_MAX);
	assert_number_written(INT64_MIN);
}

static void the_frame_of_a_reply_is_a_bulk_string(void **state)
{
	struct buf out = {0};

	memcpy(protocol_resp.bytes(&out, &framing, 2), "ab", 2);
	assert_non_null(protocol_resp.bytes(&out, &framing, 0));
	memcpy(protocol_resp.bytes(&out, &framing, 10), "0123456789", 10);
	assert_written(&out, "$2\r\nab\r\n$0\r\n\r\n$10\r\n0123456789\r\n");
}

static void without_memory_nothing_is_written(void **state)
{
	const size_t sizes[] = {BUF_MAX - 2, BUF_MAX, (size_t)BUF_MAX + 1, SIZE_MAX - 2, SIZE_MAX};
	struct buf out = {0};

	assert_int_equal(protocol_resp.nil(&out, &framing), 0);
	for (size_t i = 0; i < LENGTH(sizes); i++) {
		errno = 0;
		assert_null(protocol_resp.bytes(&out, &framing, sizes[i]));
		assert_int_equal(errno, ENOMEM);
	}
	assert_written(&out, "$-1\r\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(requests_are_the_same_however_they_are_cut),
		cmocka_unit_test(mistakes_are_the_same_however_they_are_cut),
		cmocka_unit_test(many_requests_in_one_buffer_are_taken_one_by_one),
		cmocka_unit_test(a_byte_may_be_nul),
		cmocka_unit_test(an_unfinished_request_is_none_at_the_end_either),
		cmocka_unit_test(a_request_is_at_most_max_bytes),
		cmocka_unit_test(a_bulk_length_is_checked_before_its_bytes_come),
		cmocka_unit_test(a_header_without_end_is_refused_early),
		cmocka_unit_test(a_request_has_at_most_1024_arguments),
		cmocka_unit_test(a_line_has_at_most_1024_words),
		cmocka_unit_test(a_line_is_at_most_64_kilobytes_or_max),
		cmocka_unit_test(each_reply_is_written_as_its_type),
		cmocka_unit_test(pairs_are_a_list_of_twice_as_many),
		cmocka_unit_test(replies_of_version_3_have_types_of_their_own),
		cmocka_unit_test(a_conversation_keeps_its_version_until_another_is_spoken),
		cmocka_unit_test(a_line_of_text_stays_one_line),
		cmocka_unit_test(an_error_may_be_long),
		cmocka_unit_test(numbers_of_every_length_are_written),
		cmocka_unit_test(the_frame_of_a_reply_is_a_bulk_string),
		cmocka_unit_test(without_memory_nothing_is_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
