/* SPDX-License-Identifier: MIT */
#ifndef CLIENT_JSON_H
#define CLIENT_JSON_H
/*
 * JSON, RFC 8259, written as values come, of any length and in whatever pieces. What is valid UTF-8
 * stays, control characters are escaped, and a byte that is not UTF-8 becomes \udc80 to \udcff, so
 * that nothing is lost: Python's surrogateescape makes the byte of it again.
 */
#include "client/reply.h"
#include "core/buf.h"

#define JSON_CHARACTER_MAX 4 /* bytes of UTF-8 */

/* The text of a string, between its quotes. Zeroed, a text begins. */
struct json_text {
	unsigned char character[JSON_CHARACTER_MAX]; /* begun and not yet whole */
	size_t len;                                  /* bytes of character so far */
};

/* A reply that becomes JSON. Zeroed, a reply begins. */
struct json_reply {
	struct json_text text; /* of the bulk that goes on */
	bool follows;          /* an element of the same array came before */
};

/* All functions add to out, and return 0, or -1 with ENOMEM. */

/* Add a piece of a text. */
int json_text_add(struct json_text *t, struct buf *out, const char *text, size_t len)
	__attribute__((warn_unused_result));
/* The text is at its end: bytes of a character that is not whole are not UTF-8. */
int json_text_end(struct json_text *t, struct buf *out) __attribute__((warn_unused_result));

/* Add a whole string, with its quotes. */
int json_string(struct buf *out, const char *text, size_t len) __attribute__((warn_unused_result));

/* Add a number. */
int json_integer(struct buf *out, int64_t number) __attribute__((warn_unused_result));

/* Add a string that is JSON already. */
int json_raw(struct buf *out, const char *json) __attribute__((warn_unused_result));

/* Add what an event of a reply means: integers, strings, null and arrays as they are, an error as
 * an object with the one member "error". */
int json_event(struct json_reply *r, const struct reply_event *event, struct buf *out)
	__attribute__((warn_unused_result));

#endif
