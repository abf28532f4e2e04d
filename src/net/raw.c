/* SPDX-License-Identifier: MIT */
/* Bytes in, bytes out, at once: whatever arrives together is one request. */
#include "net/protocol.h"

static ssize_t raw_next(const char *data, size_t len, size_t max, bool eof, struct request *req)
{
	req->argc = 1;
	req->argv[0] = (struct slice){data, len};
	return (ssize_t)len;
}

static char *raw_reply(struct buf *out, size_t len, bool crlf)
{
	char *to = buf_reserve(out, len);

	if (to != NULL)
		buf_commit(out, len);
	return to;
}

const struct protocol protocol_raw = {
	.name = "raw",
	.summary = "bytes in, bytes out, at once",
	.bit = PROTOCOL_RAW,
	.next = raw_next,
	.reply = raw_reply,
	.error = protocol_error_line,
};
