/* SPDX-License-Identifier: MIT */
/* The protocol http gives the same requests however the bytes are cut, within its limits, each of
 * one head and no more, with paths that lead nowhere but down; and answers each. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "requests.h"
#include "wire/http.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What next() made of some bytes. */
struct answer {
	ssize_t used;
	struct request req;
	struct slice argv[REQUEST_ARGS_MAX];
	struct framing framing;
	char *bytes; /* owned; what most slices point into */
	char path[HTTP_LINE_MAX];
	size_t path_len;
};

static void check_path(const char *path, size_t len)
{
	assert(len > 0 && path[0] == '/' && memchr(path, '\0', len) == NULL);
	for (size_t i = 0; i < len; i++) {
		size_t left = len - i - 1;

		if (path[i] != '/' || left == 0)
			continue;
		assert(path[i + 1] != '/');
		assert(path[i + 1] != '.' || (left > 1 && path[i + 2] != '/'));
		assert(left < 2 || memcmp(path + i + 1, "..", 2) != 0 ||
		       (left > 2 && path[i + 3] != '/'));
	}
}

static void check_slice(const struct answer *a, const struct slice *s)
{
	assert(s->len == 0 || (s->data > a->bytes && s->data + s->len < a->bytes + a->used));
}

/* One head: its first empty line is its end. */
static void check_request(struct answer *a)
{
	const struct http_get *get = a->req.get;
	size_t used = (size_t)a->used;

	assert(a->req.argc == 2 && a->req.last == a->framing.last);
	assert(memmem(a->bytes, used, "\r\n\r\n", 4) == a->bytes + used - 4);
	assert(memmem(a->bytes, used, "\n\n", 2) == NULL && memchr(a->bytes, '\0', used) == NULL);
	check_path(get->path.data, get->path.len);
	check_slice(a, &get->query);
	check_slice(a, &get->host);
	check_slice(a, &get->range);
	check_slice(a, &get->if_range);
	check_slice(a, &get->if_match);
	check_slice(a, &get->if_none_match);
	check_slice(a, &get->if_modified_since);
	check_slice(a, &get->if_unmodified_since);
	assert(a->framing.old || get->host.data != NULL);
	memcpy(a->path, get->path.data, get->path.len);
	a->path_len = get->path.len;
}

/* The bytes lie in memory of exactly their size, for the sanitizer to watch. */
static void ask(struct answer *a, const uint8_t *data, size_t size, size_t max)
{
	free(a->bytes);
	a->bytes = malloc(size > 0 ? size : 1);
	assert(a->bytes != NULL);
	memcpy(a->bytes, data, size);
	a->req = (struct request){.argv = a->argv};
	a->used = protocol_http.next(a->bytes, size, max, false, &a->framing, &a->req);
	assert(a->used >= -1 && a->used <= (ssize_t)size);
	assert(a->used >= 0 || (a->req.error != NULL && a->framing.last));
	assert(a->used != 0 || size < max || size < 2);
	if (a->used > 0 && a->req.argc > 0)
		check_request(a);
}

static void assert_same(const struct answer *a, const struct answer *b)
{
	assert(a->used == b->used);
	assert(memcmp(&a->framing, &b->framing, sizeof(a->framing)) == 0);
	if (a->used < 0)
		assert(a->req.error == b->req.error);
	if (a->used <= 0)
		return;
	assert(a->req.argc == b->req.argc);
	if (a->req.argc > 0)
		assert(a->path_len == b->path_len && memcmp(a->path, b->path, a->path_len) == 0);
}

/* Answer what was asked last. */
static void reply(const struct answer *a)
{
	struct document d = {
		.status = 200, .type = "a/b", .etag = "e", .modified = 784111777, .size = 1000};
	struct buf out = {0};

	if (a->used < 0)
		assert(http_error(&out, &a->framing, a->req.error) == 0);
	else
		assert(http_document(&out, &a->framing, a->req.get, &d) == 0);
	assert(buf_len(&out) > 4 && memmem(buf_data(&out), buf_len(&out), "\r\n\r\n", 4) != NULL);
	assert(d.first <= d.size && d.len <= d.size - d.first);
	assert(!a->framing.head ||
	       (d.len == 0 && memcmp(buf_data(&out) + buf_len(&out) - 4, "\r\n\r\n", 4) == 0));
	buf_free(&out);
}

/* Returns the length of the first request, as next() gives it. */
static ssize_t first(const uint8_t *data, size_t size, size_t max)
{
	static struct answer whole, part;

	whole.framing = part.framing = (struct framing){0};
	part.used = 0;
	for (size_t len = 0; len < size && part.used == 0; len += 1 + len / 64)
		ask(&part, data, len, max);
	if (part.used == 0)
		ask(&part, data, size, max);
	ask(&whole, data, size, max);
	assert_same(&part, &whole);
	if (whole.used < 0 || whole.req.argc > 0)
		reply(&whole);
	return whole.used;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	each_request(data, size, first);
	return 0;
}
