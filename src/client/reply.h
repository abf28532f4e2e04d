/* SPDX-License-Identifier: MIT */
#ifndef CLIENT_REPLY_H
#define CLIENT_REPLY_H
/*
 * The replies of a RESP2 server, taken apart as they arrive and however they are cut. Nothing
 * is collected but one line: the body of a bulk is handed on in pieces that point into the
 * caller's bytes, and an array is announced and then its elements follow. Nothing the server
 * says is trusted: lengths are checked, depth and line length have a bound.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define REPLY_DEPTH_MAX 16                   /* arrays within arrays */
#define REPLY_LINE_MAX 4096                  /* bytes, with its CRLF */
#define REPLY_BULK_MAX ((int64_t)1 << 53)    /* bytes */
#define REPLY_COUNT_MAX ((int64_t)INT32_MAX) /* elements of one array */

enum reply_type {
	REPLY_MORE,     /* more bytes are needed */
	REPLY_BAD,      /* this is no RESP2: reply->reason says why, nothing more will come */
	REPLY_TEXT,     /* data: a simple string */
	REPLY_ERROR,    /* data: its code and its text */
	REPLY_INTEGER,  /* number */
	REPLY_NIL,      /* a missing bulk or array */
	REPLY_ARRAY,    /* number: how many elements follow, each a value */
	REPLY_BULK,     /* number: how many bytes of data follow, in any number of pieces */
	REPLY_DATA,     /* data: a piece of a bulk's body */
	REPLY_BULK_END, /* the bulk is whole */
};

struct reply_event {
	enum reply_type type;
	int64_t number;
	const char *data; /* borrowed until the next call */
	size_t len;
	unsigned depth; /* arrays around this value */
	unsigned open;  /* arrays still not whole after it */
	bool ended;     /* a value ended with this event */
};

/* Zeroed, it is at the start of a reply. */
struct reply {
	enum {
		REPLY_IN_LINE,
		REPLY_IN_BODY,
		REPLY_IN_BODY_END,
		REPLY_FAILED,
	} state;
	char line[REPLY_LINE_MAX];
	size_t line_len;
	int64_t body_left; /* bytes */
	int64_t elements_left[REPLY_DEPTH_MAX];
	unsigned depth;
	const char *reason; /* static */
};

/* Take the next event from data[0, len). Returns the bytes it took: at least one, unless the
 * event is REPLY_BAD or len is 0; all of them with REPLY_MORE. */
size_t reply_next(struct reply *r, const char *data, size_t len, struct reply_event *event);

/* Whether what came first looks like a reply, to who did not ask in this protocol: it begins as one
 * and its first line is whole. */
bool reply_is_likely(const char *data, size_t len);

/* True between two replies: nothing of the next has come. */
static inline bool reply_idle(const struct reply *r)
{
	return r->state == REPLY_IN_LINE && r->line_len == 0 && r->depth == 0;
}

/* True if a whole reply ended with this event, and not only a part of one. */
static inline bool reply_whole(const struct reply_event *event)
{
	return event->ended && event->open == 0;
}

#endif
