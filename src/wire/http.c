/* SPDX-License-Identifier: MIT */
/* HTTP as a protocol: one head is one request. A request with a body is refused, and one that is
 * refused is the last of its connection, so that no body ever has to be skipped. */
#include "wire/http.h"

#include <string.h>

/* Whether a head that was incomplete still is: since then, no line has ended, and no limit was
 * reached. */
static bool is_as_before(const char *data, size_t len, size_t max, const struct framing *f)
{
	size_t seen = f->searched;

	return seen > 0 && seen <= len && len < max &&
	       (len < HTTP_LINE_MAX || seen >= HTTP_LINE_MAX) &&
	       memchr(data + seen, '\n', len - seen) == NULL;
}

static ssize_t http_next(const char *data, size_t len, size_t max, bool eof, struct framing *f,
			 struct request *req)
{
	static struct http_get get;
	static const char *const methods[] = {"GET", "HEAD"};
	const char *method;
	ssize_t used = 0;

	if (max > FRAMING_SEARCHED_MAX)
		max = FRAMING_SEARCHED_MAX;
	if (len == 0 || (len == 1 && data[0] == '\r'))
		return 0;
	if (data[0] == '\r' && data[1] == '\n')
		return 2; /* RFC 9112, 2.2: an empty line before a request says nothing */
	if (!is_as_before(data, len, max, f))
		used = http_head(data, len, max, f, &get, &req->error);
	f->searched = used == 0 ? (uint32_t)len : 0;
	if (used <= 0)
		return used;
	method = methods[f->head];
	req->argv[0] = (struct slice){method, strlen(method)};
	req->argv[1] = get.path;
	req->argc = 2;
	req->get = &get;
	req->last = f->last;
	return used;
}

/* After the bytes of a file nothing is written. */
static int http_bytes_end(struct buf *out, const struct framing *f)
{
	return 0;
}

const struct protocol protocol_http = {
	.name = "http",
	.summary = "HTTP/1.1, as browsers and curl: GET and HEAD",
	.bit = PROTOCOL_HTTP,
	.next = http_next,
	.error = http_error,
	.bytes_end = http_bytes_end,
	.document = http_document,
};
