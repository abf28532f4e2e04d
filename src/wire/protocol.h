/* SPDX-License-Identifier: MIT */
#ifndef WIRE_PROTOCOL_H
#define WIRE_PROTOCOL_H
/*
 * How bytes are cut into requests, and typed replies become bytes. Pure: no descriptor, no
 * connection. A protocol is one file with one of these tables, and a line in protocols.def.
 */
#include <stdbool.h>
#include <sys/types.h>

#include "core/buf.h"
#include "core/slice.h"

#define REQUEST_ARGS_MAX 1024

struct http_get;
struct document;

struct request {
	struct slice *argv; /* the caller's, with room for REQUEST_ARGS_MAX */
	int argc;           /* 0: nothing was asked, nothing is to be said */
	const char *error;  /* static; why there is no request. NULL: close without a word */
	const struct http_get *get; /* http: what argv, which is method and path, has no room for */
	bool last;                  /* the connection ends after its reply */
};

/* What a protocol remembers of a conversation from one call to the next. Zeroed, it is at the
 * beginning. */
#define FRAMING_SEARCHED_MAX ((1U << 27) - 1)
struct framing {
	uint32_t searched : 27; /* line, http: bytes that were found to have no newline */
	uint32_t crlf : 1;      /* line: the request ended in CRLF, and so does its reply */
	uint32_t head : 1;      /* http: HEAD, whose reply has no body */
	uint32_t old : 1;       /* http: a request of HTTP/1.0 */
	uint32_t last : 1;      /* http: the connection ends after the reply */
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
	REPLY_PAIRS, /* a name and a value each */
};

struct protocol {
	const char *name;
	const char *summary;
	enum protocol_bit bit;
	bool ahead; /* requests are read while replies are owed */

	/* Take the first request, of at most max bytes, in data[0, len); eof: nothing follows.
	 * Returns bytes consumed (> 0), 0 incomplete, -1 malformed or too long, with req->error.
	 * req borrows from data, or from what the next call overwrites. */
	ssize_t (*next)(const char *data, size_t len, size_t max, bool eof, struct framing *f,
			struct request *req);

	/* Replies, each appended to out. Return 0, or -1 with ENOMEM and out as it was. A protocol
	 * without names has bytes and errors only, and its services say nothing else. */

	/* len bytes. Returns where these go, or NULL with ENOMEM. */
	char *(*bytes)(struct buf *out, const struct framing *f, size_t len);
	/* "CODE reason", a code in capitals; one line: CR and LF in it become blanks. */
	int (*error)(struct buf *out, const struct framing *f, const char *text);
	/* A word or two that all is well, in one line likewise. */
	int (*status)(struct buf *out, const char *text);
	int (*integer)(struct buf *out, int64_t value);
	/* There is no such thing. */
	int (*nil)(struct buf *out);
	/* A list of count replies, or of count pairs of them, in two pieces for who does not know
	 * yet how many there will be. The replies follow. */
	int (*composite_begin)(struct buf *out, enum composite kind);
	int (*composite_end)(struct buf *out, enum composite kind, size_t count);
	/* Around len bytes that do not pass through out, or come later. */
	int (*bytes_begin)(struct buf *out, uint64_t len);
	int (*bytes_end)(struct buf *out);
	/* Of a protocol that has documents, and nothing else but errors: what comes before the
	 * d->len bytes of it from d->first on, which this sets, and which are to follow. */
	int (*document)(struct buf *out, const struct framing *f, const struct http_get *get,
			struct document *d);
};

#define PROTOCOL(NAME, name) extern const struct protocol protocol_##name;
#include "wire/protocols.def"
#undef PROTOCOL

/* text and a newline: what protocols without errors of their own say. */
int protocol_error_line(struct buf *out, const struct framing *f, const char *text);

/* NULL-terminated. */
extern const struct protocol *const protocols[];

/* Returns NULL where there is none of that name. */
const struct protocol *protocol_find(const char *name);

#endif
