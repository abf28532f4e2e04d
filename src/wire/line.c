/* SPDX-License-Identifier: MIT */
/* One request a line, ended by LF or CRLF; one reply a line, ended as its request was. The last
 * line that a peer sends may lack its end. */
#include <string.h>

#include "wire/protocol.h"

static ssize_t line_next(const char *data, size_t len, size_t max, bool eof, struct framing *f,
			 struct request *req)
{
	const char *end =
		len > f->searched ? memchr(data + f->searched, '\n', len - f->searched) : NULL;
	size_t line_len = end != NULL ? (size_t)(end - data) : len;
	bool cr = line_len > 0 && data[line_len - 1] == '\r';
	bool crlf = cr && end != NULL;

	f->searched = 0;
	req->error = "ERR the request is too long";
	if (line_len - (cr && !eof ? 1 : crlf) > max)
		return -1;
	if (len == 0 || (end == NULL && !eof)) {
		f->searched = (uint32_t)len & FRAMING_SEARCHED_MAX;
		return 0;
	}
	req->argc = 1;
	req->argv[0] = (struct slice){data, line_len - crlf};
	f->crlf = crlf;
	return (ssize_t)(line_len + (end != NULL));
}

static char *line_bytes(struct buf *out, const struct framing *f, size_t len)
{
	size_t end_len = f->crlf ? 2 : 1;
	char *to = buf_reserve(out, len + end_len);

	if (to == NULL)
		return NULL;
	memcpy(to + len, f->crlf ? "\r\n" : "\n", end_len);
	buf_commit(out, len + end_len);
	return to;
}

const struct protocol protocol_line = {
	.name = "line",
	.summary = "one request a line (LF or CRLF), one reply a line",
	.bit = PROTOCOL_LINE,
	.ahead = true,
	.next = line_next,
	.bytes = line_bytes,
	.error = protocol_error_line,
};
