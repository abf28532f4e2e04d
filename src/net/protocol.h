/* SPDX-License-Identifier: MIT */
#ifndef NET_PROTOCOL_H
#define NET_PROTOCOL_H
/* How bytes are cut into requests and replies put together. Pure: no descriptor, no connection. */
#include <stdbool.h>
#include <sys/types.h>

#include "core/buf.h"

struct slice {
	const char *data; /* borrowed */
	size_t len;
};

#define REQUEST_ARGS_MAX 1 /* raw and line have one argument */

struct request {
	int argc;
	struct slice argv[REQUEST_ARGS_MAX];
	bool crlf; /* the line ended in CRLF, and so does its reply */
};

enum protocol_bit {
	PROTOCOL_RAW = 1,
	PROTOCOL_LINE = 2,
};

struct protocol {
	const char *name;
	const char *summary;
	enum protocol_bit bit;
	/* Take the first request in data[0, len); eof: nothing follows. Returns bytes consumed
	 * (> 0), 0 incomplete, -1 longer than max bytes. *req borrows from data. */
	ssize_t (*next)(const char *data, size_t len, size_t max, bool eof, struct request *req);
	/* Append the frame of a reply of len bytes. Returns where these go, or NULL with ENOMEM. */
	char *(*reply)(struct buf *out, size_t len, bool crlf);
};

extern const struct protocol protocol_raw, protocol_line;

/* NULL-terminated. */
extern const struct protocol *const protocols[];

/* Returns NULL where there is none of that name. */
const struct protocol *protocol_find(const char *name);

#endif
