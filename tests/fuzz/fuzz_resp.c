/* SPDX-License-Identifier: MIT */
/* The protocol resp gives the same requests however the bytes are cut, and within its limits. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "net/protocol.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What next() made of size bytes. */
struct answer {
	ssize_t used;
	struct request req;
	struct slice argv[REQUEST_ARGS_MAX];
	char *words; /* owned; what the slices point into, or NULL */
};

/* Keep what the slices point to, which the next call overwrites; all of it came out of the bytes.
 */
static void take_request(struct answer *a, size_t size, size_t max)
{
	size_t len = 0;

	assert((size_t)a->used <= size && (size_t)a->used <= max);
	assert(a->req.argc >= 0 && a->req.argc <= REQUEST_ARGS_MAX);
	a->words = malloc((size_t)a->used);
	assert(a->words != NULL);
	for (int i = 0; i < a->req.argc; i++) {
		struct slice *arg = &a->argv[i];

		assert(arg->len < (size_t)a->used - len);
		memcpy(a->words + len, arg->data, arg->len);
		arg->data = a->words + len;
		len += arg->len;
	}
}

/* The bytes lie in memory of exactly their size, for the sanitizer to watch, and stay as they are.
 */
static void ask(struct answer *a, const uint8_t *data, size_t size, size_t max, bool eof)
{
	char *bytes = malloc(size > 0 ? size : 1);

	assert(bytes != NULL);
	memcpy(bytes, data, size);
	a->words = NULL;
	a->req = (struct request){.argv = a->argv};
	a->used = protocol_resp.next(bytes, size, max, eof, &a->req);
	assert(a->used >= -1);
	assert(memcmp(bytes, data, size) == 0);
	if (a->used > 0)
		take_request(a, size, max);
	else if (a->used == 0)
		assert(size == 0 || size < max);
	free(bytes);
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

/* Returns the length of the first request, as next() gives it. */
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
		free(part.words);
	}
	free(whole.words);
	return whole.used;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const size_t limits[] = {64, 1 << 20};

	for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
		size_t at = 0;
		ssize_t used;

		for (int n = 0; n < 16 && at < size; n++) {
			used = first(data + at, size - at, limits[i]);
			if (used <= 0)
				break;
			at += (size_t)used;
		}
	}
	return 0;
}
