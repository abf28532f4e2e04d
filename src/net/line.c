/* SPDX-License-Identifier: MIT */
/* One request a line, ended by LF or CRLF; one reply a line, ended as its request was. The
 * last line of a conversation may lack its end. */
#include <string.h>

#include "net/protocol.h"

static ssize_t line_next(const char *data, size_t len, size_t max, bool eof, struct request *req)
{
	const char *end = len > req->searched
				  ? memchr(data + req->searched, '\n', len - req->searched)
				  : NULL;
	size_t line_len = end != NULL ? (size_t)(end - data) : len;
	bool cr = line_len > 0 && data[line_len - 1] == '\r';
	bool crlf = cr && end != NULL;

	req->error = "ERR the request is too long";
	if (line_len - (cr && !eof ? 1 : crlf) > max)
		return -1;
	if (len == 0 || (end == NULL && !eof)) {
		req->searched = len;
		return 0;
	}
	req->argc = 1;
	req->argv[0] = (struct slice){data, line_len - crlf};
	req->crlf = crlf;
	return (ssize_t)(line_len + (end != NULL));
}

static char *line_reply(struct buf *out, size_t len, bool crlf)
{
	size_t end_len = crlf ? 2 : 1;
	char *to = buf_reserve(out, len + end_len);

	if (to == NULL)
		return NULL;
	memcpy(to + len, crlf ? "\r\n" : "\n", end_len);
	buf_commit(out, len + end_len);
	return to;
}

const struct protocol protocol_line = {
	.name = "line",
	.summary = "one request a line (LF or CRLF), one reply a line",
	.bit = PROTOCOL_LINE,
	.ahead = true,
	.next = line_next,
	.reply = line_reply,
	.error = protocol_error_line,
};
