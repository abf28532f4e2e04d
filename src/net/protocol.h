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

/* A slice for people: its first bytes, what cannot be printed as '?'. Returns text. */
#define SLICE_TEXT_MAX 65
const char *slice_print(const struct slice *s, char *text);

/* Whether a slice is this word, in any case. */
bool slice_is(const struct slice *s, const char *word);

/* Take a decimal number. Returns false where it is none, or more than an int64_t holds. */
bool slice_integer(const struct slice *s, int64_t *value);

#define REQUEST_ARGS_MAX 1024

struct request {
	struct slice *argv; /* the caller's, with room for REQUEST_ARGS_MAX */
	int argc;           /* 0: nothing was asked, nothing is to be said */
	bool crlf;          /* the line ended in CRLF, and so does its reply */
	size_t searched;    /* bytes that an earlier call found incomplete; next() may set it */
	const char *error;  /* static; why there is no request. NULL: not worth an answer */
};

enum protocol_bit {
	PROTOCOL_RAW = 1,
	PROTOCOL_LINE = 2,
	PROTOCOL_RESP = 4,
};

struct protocol {
	const char *name;
	const char *summary;
	enum protocol_bit bit;
	bool ahead; /* requests are read while replies are owed */
	/* Take the first request, of at most max bytes, in data[0, len); eof: nothing follows.
	 * Returns bytes consumed (> 0), 0 incomplete, -1 malformed or too long, with req->error.
	 * req borrows from data, or from what the next call overwrites. */
	ssize_t (*next)(const char *data, size_t len, size_t max, bool eof, struct request *req);
	/* Append the frame of a reply of len bytes. Returns where these go, or NULL with ENOMEM. */
	char *(*reply)(struct buf *out, size_t len, bool crlf);
	/* Append "CODE reason" as this protocol says it. Returns 0, or -1 with ENOMEM. */
	int (*error)(struct buf *out, const char *text);
};

extern const struct protocol protocol_raw, protocol_line, protocol_resp;

/* text and a newline: what protocols without errors of their own say. */
int protocol_error_line(struct buf *out, const char *text);

/* NULL-terminated. */
extern const struct protocol *const protocols[];

/* Returns NULL where there is none of that name. */
const struct protocol *protocol_find(const char *name);

#endif
