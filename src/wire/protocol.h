/* SPDX-License-Identifier: MIT */
#ifndef WIRE_PROTOCOL_H
#define WIRE_PROTOCOL_H
/*
 * How bytes are cut into requests, and typed replies become bytes. Pure: no descriptor, no
 * connection. A protocol is one file, with a struct protocol, and a line in protocols.def.
 */
#include <stdbool.h>
#include <sys/types.h>

#include "core/buf.h"
#include "core/slice.h"

#define REQUEST_ARGS_MAX 1024

struct http_get;
struct document;

/* What next() fills in. argv is set before, to room for REQUEST_ARGS_MAX slices. */
struct request {
	struct slice *argv;
	int argc;          /* 0: nothing was asked, and there is no reply */
	const char *error; /* static; why there is no request. NULL: close without a word */
	const struct http_get *get; /* http: what argv, which is method and path, has no room for */
	bool last;                  /* the connection ends after the reply */
};

#define FRAMING_SEARCHED_MAX ((1U << 26) - 1)

/* What a protocol remembers of a connection from one call to the next. Zeroed, nothing has come
 * yet. */
struct framing {
	uint32_t searched : 26; /* line, http: bytes that were found to have no newline */
	uint32_t crlf : 1;      /* line: the request ended in CRLF, and so does its reply */
	uint32_t head : 1;      /* http: HEAD, whose reply has no body */
	uint32_t old : 1;       /* http: a request of HTTP/1.0 */
	uint32_t last : 1;      /* http: the connection ends after the reply */
	uint32_t resp3 : 1;     /* resp: replies are of version 3 */
	uint32_t html : 1;      /* http: who asks reads pages */
};

enum {
#define PROTOCOL(NAME, name) PROTOCOL_##NAME##_INDEX,
#include "wire/protocols.def"
#undef PROTOCOL
};

enum protocol_bit {
#define PROTOCOL(NAME, name) PROTOCOL_##NAME = 1 << PROTOCOL_##NAME##_INDEX,
#include "wire/protocols.def"
#undef PROTOCOL
};

/* A reply that is made of others. */
enum composite {
	REPLY_LIST,
	REPLY_PAIRS, /* of a name and a value */
	REPLY_PUSH,  /* a list that comes before the reply to a request, and is no reply itself */
};

struct protocol {
	const char *name;
	const char *summary;
	enum protocol_bit bit;
	bool ahead; /* requests are read while replies are owed, up to max_owed */

	/* Take the first request, of at most max bytes, in data[0, len); eof: nothing follows data.
	 * Returns bytes consumed (> 0), 0 incomplete, -1 malformed or too long, with req->error.
	 * req borrows from data, or from memory that the next call overwrites. */
	ssize_t (*next)(const char *data, size_t len, size_t max, bool eof, struct framing *f,
			struct request *req);

	/* Say replies of this version from now on; 0: of the one that they are of. Returns that, or
	 * -1 where there is no such version. NULL: there are none. */
	int (*speak)(struct framing *f, int version);

	/* Replies, each appended to out. Return 0, or -1 with ENOMEM and out as it was. A protocol
	 * without names has bytes and errors only, and its services say nothing else. */

	/* A reply of len bytes. Returns where the bytes are to be written, or NULL with ENOMEM. */
	char *(*bytes)(struct buf *out, const struct framing *f, size_t len);
	/* An error: "CODE reason", a code in capitals, in one line: CR and LF become blanks. */
	int (*error)(struct buf *out, const struct framing *f, const char *text);
	/* A word or two that all is well, in one line: CR and LF become blanks. */
	int (*status)(struct buf *out, const struct framing *f, const char *text);
	int (*integer)(struct buf *out, const struct framing *f, int64_t value);
	/* There is no such thing. */
	int (*nil)(struct buf *out, const struct framing *f);
	/* The beginning of a list of count replies, or of count pairs of replies, which follow it.
	 * It has two pieces, as when the first byte is sent how many there will be may not be
	 * known. */
	int (*composite_begin)(struct buf *out, const struct framing *f, enum composite kind);
	int (*composite_end)(struct buf *out, const struct framing *f, enum composite kind,
			     size_t count);
	/* What stands before and after a reply of len bytes that do not pass through out, or that
	 * come later. */
	int (*bytes_begin)(struct buf *out, const struct framing *f, uint64_t len);
	int (*bytes_end)(struct buf *out, const struct framing *f);
	/* Of a protocol that has documents, and nothing else but errors: what comes before the
	 * d->len bytes of it from d->first on, which this sets, and which are to follow. */
	int (*document)(struct buf *out, const struct framing *f, const struct http_get *get,
			struct document *d);
};

#define PROTOCOL(NAME, name) extern const struct protocol protocol_##name;
#include "wire/protocols.def"
#undef PROTOCOL

/* The error of protocols without errors of their own: text, with blanks for CR and LF, and a
 * newline. Returns as error(). */
int protocol_error_line(struct buf *out, const struct framing *f, const char *text);

#endif
