/* SPDX-License-Identifier: MIT */
#ifndef CLIENT_ESCAPE_H
#define CLIENT_ESCAPE_H
/*
 * Foreign text made fit for a terminal: what the locale can print stays, the rest becomes \n,
 * \r, \t or \xHH, and a backslash is doubled. Text may come in pieces that cut a character.
 */
#include "core/buf.h"

#include <limits.h>
#include <stdbool.h>

/* Zeroed, it is at the start of a text. */
struct escape {
	bool quoted;                /* a double quote gets a backslash as well */
	char character[MB_LEN_MAX]; /* begun and not yet whole */
	size_t len;                 /* its bytes so far */
};

/* Add the text to out. Returns 0, or -1 with ENOMEM. */
int escape_add(struct escape *e, struct buf *out, const char *text, size_t len)
	__attribute__((warn_unused_result));

/* The text is whole: a character that is not is shown as it is. Returns 0, or -1. */
int escape_end(struct escape *e, struct buf *out) __attribute__((warn_unused_result));

/* A whole text at once. Returns 0, or -1 with ENOMEM. */
int escape_text(struct buf *out, const char *text, size_t len) __attribute__((warn_unused_result));

/* The same as a string that the caller frees, or NULL with ENOMEM. */
char *escape_string(const char *text, size_t len) __attribute__((warn_unused_result));

/* As warnx(3), and %m is strerror(errno), for what has foreign text in it. */
void escape_warnx(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* How many bytes of escaped text take at most *columns on a terminal; *columns becomes what they
 * take. */
size_t escape_fit(const char *text, int *columns);

#endif
