/* SPDX-License-Identifier: MIT */
#ifndef CLIENT_REPLY_H
#define CLIENT_REPLY_H
/*
 * The replies of a RESP2 server, taken apart as they arrive and however they are cut. Nothing is
 * collected but one line: the body of a bulk is handed on in pieces that point into the bytes
 * given, and an array is announced, and then its elements come. Nothing that the server says is
 * trusted: lengths are checked, depth and the length of a line have a bound.
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
	size_t len;       /* of data */
	unsigned depth;   /* how many arrays there are around this value */
	unsigned open;    /* how many arrays are not whole after this event */
	bool ended;       /* a value ended with this event */
};

/* Zeroed, a reply begins. */
struct reply {
	enum {
		REPLY_IN_LINE,     /* of a type and its text or number */
		REPLY_IN_BODY,     /* of a bulk */
		REPLY_IN_BODY_END, /* the CRLF after the body */
		REPLY_FAILED,      /* nothing more is taken */
	} state;
	char line[REPLY_LINE_MAX]; /* the line so far */
	size_t line_len;           /* of line; in REPLY_IN_BODY_END, bytes of the CRLF */
	int64_t body_left;         /* bytes of the body that are to come */
	int64_t elements_left[REPLY_DEPTH_MAX]; /* of the arrays around, the outermost first */
	unsigned depth;                         /* how many arrays there are around */
	const char *reason;                     /* of REPLY_FAILED, static */
};

/* Take the next event from data[0, len). Returns how many bytes were taken: at least one, unless
 * the event is REPLY_BAD or len is 0; all with REPLY_MORE. */
size_t reply_next(struct reply *r, const char *data, size_t len, struct reply_event *event);

/* Whether the first bytes of a server, which was not asked in this protocol, look like a reply:
 * they begin as one, and the first line is whole. */
bool reply_is_likely(const char *data, size_t len);

/* Whether r is between two replies: nothing of the next one has come. */
static inline bool reply_idle(const struct reply *r)
{
	return r->state == REPLY_IN_LINE && r->line_len == 0 && r->depth == 0;
}

/* Whether a whole reply ended with this event, and not only an element of one. */
static inline bool reply_whole(const struct reply_event *event)
{
	return event->ended && event->open == 0;
}

#endif
