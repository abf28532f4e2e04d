/* SPDX-License-Identifier: MIT */
/*
 * hiredis speaks RESP2 too. A request is also a reply, an array of bulk strings: what one of the
 * two parsers takes, the other takes alike, but for the differences at may_refuse(). What the
 * writers say, hiredis reads back, and words are quoted as its sdssplitargs() has it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <hiredis.h>
#include <sds.h>

#include "wire/protocol.h"

#define INPUT_MAX 4096
#define ROUNDS 100000

struct input {
	char data[INPUT_MAX];
	size_t len;
};

static struct slice argv[REQUEST_ARGS_MAX];
static struct request req = {.argv = argv};

/* ---- chance, the same in each run ---- */

static uint64_t chance = 0x9e3779b97f4a7c15;

static unsigned below(unsigned n)
{
	chance ^= chance << 13; /* xorshift64 */
	chance ^= chance >> 7;
	chance ^= chance << 17;
	return (unsigned)(chance >> 32) % n;
}

static size_t pick_text(char *text, size_t max, const char *alphabet)
{
	size_t len = below((unsigned)max + 1);

	for (size_t i = 0; i < len; i++)
		text[i] = alphabet[below((unsigned)strlen(alphabet))];
	return len;
}

/* ---- requests ---- */

static void put(struct input *in, const char *data, size_t len)
{
	memcpy(in->data + in->len, data, len);
	in->len += len;
}

static void put_request(struct input *in)
{
	unsigned count = below(below(8) == 0 ? 20 : 4);
	char text[80];

	put(in, text, (size_t)sprintf(text, "*%u\r\n", count));
	for (unsigned i = 0; i < count; i++) {
		char arg[32];
		size_t len = pick_text(arg, below(4) == 0 ? 30 : 4, "ab*$:1\r\n\"\\");

		put(in, text, (size_t)sprintf(text, "$%zu\r\n", len));
		put(in, arg, len);
		put(in, "\r\n", 2);
	}
}

/* Change, insert or drop a byte. */
static void spoil(struct input *in)
{
	static const char bytes[] = "0123456789-+*$:\r\n \tax";
	size_t at = below((unsigned)in->len);
	unsigned how = below(3);

	if (how == 1 && in->len > 1)
		memmove(in->data + at, in->data + at + 1, --in->len - at);
	else if (how == 2)
		memmove(in->data + at + 1, in->data + at, in->len++ - at);
	if (how != 1)
		in->data[at] = bytes[below(sizeof(bytes))]; /* or NUL */
}

/* hiredis reserves memory for as many items as are announced. */
static bool announces_too_much(const struct input *in)
{
	size_t digits = 0;

	for (size_t i = 0; i < in->len && digits < 6; i++)
		digits = in->data[i] >= '0' && in->data[i] <= '9' ? digits + 1 : 0;
	return digits == 6;
}

/* Returns what hiredis makes of the first reply, and its length; NULL if nothing. */
static redisReply *oracle(const char *data, size_t len, size_t *used)
{
	redisReader *reader = redisReaderCreate();
	void *reply = NULL;

	assert_non_null(reader);
	assert_int_equal(redisReaderFeed(reader, data, len), REDIS_OK);
	if (redisReaderGetReply(reader, &reply) != REDIS_OK)
		reply = NULL;
	*used = len - (reader->len - reader->pos);
	redisReaderFree(reader);
	return reply;
}

static bool is_request(const redisReply *reply)
{
	if (reply == NULL || reply->type != REDIS_REPLY_ARRAY)
		return false;
	for (size_t i = 0; i < reply->elements; i++)
		if (reply->element[i]->type != REDIS_REPLY_STRING)
			return false; /* nil is a bulk string too, but an argument must be there */
	return true;
}

/* hiredis takes any number of items, and any two bytes for the CRLF behind one. */
static bool may_refuse(const struct input *in, const redisReply *reply)
{
	const char *at = memchr(in->data, '\n', in->len);

	for (size_t i = 0; i < reply->elements; i++) {
		at = memchr(at + 1, '\n', (size_t)(in->data + in->len - at - 1));
		at += reply->element[i]->len + 2;
		if (at[-1] != '\r' || at[0] != '\n')
			return true;
	}
	return reply->elements > REQUEST_ARGS_MAX;
}

static void assert_request(const redisReply *reply)
{
	assert_non_null(reply);
	if (reply->type == REDIS_REPLY_NIL) { /* *-1 */
		assert_int_equal(req.argc, 0);
		return;
	}
	assert_true(is_request(reply));
	assert_int_equal(req.argc, reply->elements);
	for (int i = 0; i < req.argc; i++) {
		assert_int_equal(req.argv[i].len, reply->element[i]->len);
		assert_memory_equal(req.argv[i].data, reply->element[i]->str, req.argv[i].len);
	}
}

static bool is_negative(const struct input *in)
{
	return in->len > 1 && in->data[1] == '-' && req.argc == 0;
}

/* Returns whether the input is a request. */
static bool agrees(const struct input *in)
{
	struct input copy = *in;
	ssize_t used = protocol_resp.next(copy.data, copy.len, INPUT_MAX, false,
					  &(struct framing){0}, &req);
	size_t reply_len;
	redisReply *reply = oracle(in->data, in->len, &reply_len);

	if (used > 0 && reply == NULL) {
		assert_true(is_negative(in)); /* no reply, but no request either, as for Redis */
	} else if (used > 0) {
		assert_request(reply);
		assert_int_equal(used, reply_len);
	} else if (is_request(reply)) {
		assert_true(may_refuse(in, reply));
	}
	if (reply != NULL)
		freeReplyObject(reply);
	return used > 0;
}

static void requests_are_taken_as_hiredis_takes_them(void **state)
{
	for (int n = 0; n < ROUNDS; n++) {
		struct input in = {.len = 0};

		put_request(&in);
		assert_true(agrees(&in));
		put_request(&in);
		assert_true(agrees(&in));
	}
}

static void spoilt_requests_are_taken_or_refused_as_by_hiredis(void **state)
{
	int taken = 0, compared = 0;

	while (compared < ROUNDS) {
		struct input in = {.len = 0};

		put_request(&in);
		for (unsigned i = below(4); i < 4; i++)
			spoil(&in);
		if (in.data[0] != '*' || announces_too_much(&in))
			continue;
		taken += agrees(&in);
		compared++;
	}
	assert_in_range(taken, ROUNDS / 20, ROUNDS - ROUNDS / 20); /* else it compares nothing */
}

/* ---- words ---- */

static void words_are_quoted_as_by_sdssplitargs(void **state)
{
	for (int n = 0; n < ROUNDS; n++) {
		char line[32];
		size_t len = pick_text(line, 30, "aabx4F \t\r\v\"\"''\\\\n");
		int argc;
		sds *words;
		ssize_t used;

		line[len] = '\0';
		words = sdssplitargs(line, &argc);
		line[len] = '\n';
		used = protocol_resp.next(line, len + 1, INPUT_MAX, false, &(struct framing){0},
					  &req);
		if (words == NULL) {
			assert_int_equal(used, -1);
			continue;
		}
		assert_int_equal(used, len + 1);
		assert_int_equal(req.argc, argc);
		for (int i = 0; i < argc; i++) {
			assert_int_equal(req.argv[i].len, sdslen(words[i]));
			assert_memory_equal(req.argv[i].data, words[i], sdslen(words[i]));
		}
		sdsfreesplitres(words, argc);
	}
}

/* ---- replies ---- */

static const struct framing framing; /* of version 2 */

/* Write a random reply to out or, when out is NULL, see that reply is the one that the same
 * chance would write. */
static void write_or_check(struct buf *out, const redisReply *reply, int depth);

static void array_write_or_check(struct buf *out, const redisReply *reply, int depth)
{
	size_t count = below(5);

	if (out != NULL) {
		assert_int_equal(protocol_resp.composite_begin(out, &framing, REPLY_LIST), 0);
		assert_int_equal(protocol_resp.composite_end(out, &framing, REPLY_LIST, count), 0);
	} else {
		assert_int_equal(reply->type, REDIS_REPLY_ARRAY);
		assert_int_equal(reply->elements, count);
	}
	for (size_t i = 0; i < count; i++)
		write_or_check(out, out == NULL ? reply->element[i] : NULL, depth + 1);
}

static void assert_text(const redisReply *reply, int type, const char *text, size_t len)
{
	assert_int_equal(reply->type, type);
	assert_int_equal(reply->len, len);
	assert_memory_equal(reply->str, text, len);
}

static void line_write_or_check(struct buf *out, const redisReply *reply, bool error)
{
	char text[64];
	size_t len = pick_text(text, 60, "abc %-+$*:\r\n\xff");

	text[len] = '\0';
	if (out != NULL) {
		assert_int_equal(
			(error ? protocol_resp.error : protocol_resp.status)(out, &framing, text),
			0);
		return;
	}
	for (size_t i = 0; i < len; i++)
		if (text[i] == '\r' || text[i] == '\n')
			text[i] = ' ';
	assert_text(reply, error ? REDIS_REPLY_ERROR : REDIS_REPLY_STATUS, text, len);
}

static void bulk_write_or_check(struct buf *out, const redisReply *reply, bool in_parts)
{
	char text[300];
	size_t len = pick_text(text, sizeof(text), "abc$*:\r\n\xff");

	if (out == NULL) {
		assert_text(reply, REDIS_REPLY_STRING, text, len);
	} else if (in_parts) {
		assert_int_equal(protocol_resp.bytes_begin(out, &framing, len), 0);
		assert_int_equal(buf_add(out, text, len), 0);
		assert_int_equal(protocol_resp.bytes_end(out, &framing), 0);
	} else {
		memcpy(protocol_resp.bytes(out, &framing, len), text, len);
	}
}

static void integer_write_or_check(struct buf *out, const redisReply *reply)
{
	uint64_t bits = (uint64_t)below(UINT32_MAX) << 32 | below(UINT32_MAX);
	int64_t value = (int64_t)bits >> below(64);

	if (out != NULL) {
		assert_int_equal(protocol_resp.integer(out, &framing, value), 0);
		return;
	}
	assert_int_equal(reply->type, REDIS_REPLY_INTEGER);
	assert_true(reply->integer == value);
}

static void write_or_check(struct buf *out, const redisReply *reply, int depth)
{
	unsigned type = below(depth < 6 ? 8 : 6);

	if (type < 2)
		line_write_or_check(out, reply, type);
	else if (type < 4)
		bulk_write_or_check(out, reply, type == 3);
	else if (type == 4)
		integer_write_or_check(out, reply);
	else if (type > 5)
		array_write_or_check(out, reply, depth);
	else if (out != NULL)
		assert_int_equal(protocol_resp.nil(out, &framing), 0);
	else
		assert_int_equal(reply->type, REDIS_REPLY_NIL);
}

static void hiredis_reads_what_is_written(void **state)
{
	for (int n = 0; n < ROUNDS / 4; n++) {
		struct buf out = {0};
		uint64_t start = chance;
		redisReply *reply;
		size_t used;

		write_or_check(&out, NULL, 0);
		reply = oracle(buf_data(&out), buf_len(&out), &used);
		assert_non_null(reply);
		assert_int_equal(used, buf_len(&out));
		chance = start;
		write_or_check(NULL, reply, 0);
		freeReplyObject(reply);
		buf_free(&out);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(requests_are_taken_as_hiredis_takes_them),
		cmocka_unit_test(spoilt_requests_are_taken_or_refused_as_by_hiredis),
		cmocka_unit_test(words_are_quoted_as_by_sdssplitargs),
		cmocka_unit_test(hiredis_reads_what_is_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
