/* SPDX-License-Identifier: MIT */
/* The protocol resp gives the same requests however the bytes are cut, and within its limits. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "requests.h"
#include "wire/protocol.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What next() made of size bytes. */
struct answer {
	ssize_t used;
	struct request req;
	struct slice argv[REQUEST_ARGS_MAX];
	char *bytes; /* owned; what the slices of an array point into */
	char *words; /* owned; a copy of the words of a line, which the next call overwrites */
};

static void check_request(const struct answer *a, size_t size, size_t max)
{
	assert((size_t)a->used <= size && (size_t)a->used <= max);
	assert(a->req.argc >= 0 && a->req.argc <= REQUEST_ARGS_MAX);
	for (int i = 0; i < a->req.argc; i++) {
		const struct slice *arg = &a->argv[i];

		assert(arg->len < (size_t)a->used);
		if (a->bytes[0] != '*')
			continue;
		assert(arg->data >= a->bytes && arg->data < a->bytes + a->used);
		assert(arg->len < (size_t)(a->bytes + a->used - arg->data));
	}
}

/* Copy the words of a line, which together are no longer than the line. */
static void words_keep(struct answer *a, size_t size)
{
	size_t len = 0;

	for (int i = 0; i < a->req.argc; i++) {
		struct slice *arg = &a->argv[i];

		assert(arg->len <= size - len);
		memcpy(a->words + len, arg->data, arg->len);
		arg->data = a->words + len;
		len += arg->len;
	}
}

/* Have next() take a request from a copy of data, in memory of exactly its size, so that a
 * sanitizer sees a byte too many. */
static void ask(struct answer *a, const uint8_t *data, size_t size, size_t max, bool eof)
{
	a->bytes = malloc(size > 0 ? size : 1);
	a->words = malloc(size > 0 ? size : 1);
	assert(a->bytes != NULL && a->words != NULL);
	memcpy(a->bytes, data, size);
	a->req = (struct request){.argv = a->argv};
	a->used = protocol_resp.next(a->bytes, size, max, eof, &(struct framing){0}, &a->req);
	assert(a->used >= -1);
	if (a->used > 0) {
		check_request(a, size, max);
		if (a->bytes[0] != '*')
			words_keep(a, size);
	}
	assert(a->used != 0 || size == 0 || size < max);
	assert(memcmp(a->bytes, data, size) == 0);
}

static void assert_same(const struct answer *a, const struct answer *b)
{
	assert(a->used == b->used);
	if (a->used < 0)
		assert(a->req.error == b->req.error);
	if (a->used <= 0)
		return;
	assert(a->req.argc == b->req.argc);
	for (int i = 0; i < a->req.argc; i++) {
		assert(a->argv[i].len == b->argv[i].len);
		assert(memcmp(a->argv[i].data, b->argv[i].data, a->argv[i].len) == 0);
	}
}

/* See that next() has one answer, however much of data has come. Returns what next() returns. */
static ssize_t first(const uint8_t *data, size_t size, size_t max)
{
	static struct answer whole, part;
	bool answered = false;

	ask(&whole, data, size, max, true);
	for (size_t len = 0; len <= size; len += 1 + len / 64) {
		ask(&part, data, len, max, false);
		assert(part.used != 0 || !answered); /* once given, an answer stays */
		assert(part.used != 0 || whole.used <= 0 || len < (size_t)whole.used);
		if (part.used != 0)
			assert_same(&part, &whole);
		answered = part.used != 0;
		free(part.bytes);
		free(part.words);
	}
	free(whole.bytes);
	free(whole.words);
	return whole.used;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	each_request(data, size, first);
	return 0;
}
