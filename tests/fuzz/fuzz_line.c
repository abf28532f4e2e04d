/* SPDX-License-Identifier: MIT */
/* The protocol line gives the same requests however the bytes are cut. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "wire/protocol.h"

#define MAX_REQUEST 64

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Returns what next() returns when len bytes have come, and eof, whether that is all. */
static ssize_t first(char *bytes, size_t len, bool eof)
{
	struct slice argv[REQUEST_ARGS_MAX];
	struct request req = {.argv = argv};
	struct framing framing = {0};
	ssize_t used = protocol_line.next(bytes, len, MAX_REQUEST, eof, &framing, &req);

	assert(used <= (ssize_t)len);
	if (used > 0) {
		assert(req.argc == 1 && req.argv[0].len <= MAX_REQUEST);
		assert(req.argv[0].data == bytes);
	}
	return used;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *bytes = memcpy(malloc(size + 1), data, size);
	ssize_t whole = first(bytes, size, true), part;

	for (size_t len = 0; len <= size && len < 4 * MAX_REQUEST; len++) {
		part = first(bytes, len, false);
		assert(part <= 0 || part == whole);
	}
	free(bytes);
	return 0;
}
