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

/* Zeroed, a text begins. */
struct escape {
	bool quoted;                /* a double quote gets a backslash as well */
	char character[MB_LEN_MAX]; /* begun and not yet whole */
	size_t len;                 /* bytes of character so far */
};

/* Add a piece of a text, escaped, to out. Returns 0, or -1 with ENOMEM. */
int escape_add(struct escape *e, struct buf *out, const char *text, size_t len)
	__attribute__((warn_unused_result));

/* The text is at its end: bytes of a character that is not whole become \xHH. Returns 0, or -1 with
 * ENOMEM. */
int escape_end(struct escape *e, struct buf *out) __attribute__((warn_unused_result));

/* Add a whole text, escaped, to out. Returns 0, or -1 with ENOMEM. */
int escape_text(struct buf *out, const char *text, size_t len) __attribute__((warn_unused_result));

/* Returns a whole text, escaped, as a string for free(); or NULL with ENOMEM. */
char *escape_string(const char *text, size_t len) __attribute__((warn_unused_result));

/* As warnx(3), for a message with foreign text in it, which is escaped; %m is strerror(errno). */
void escape_warnx(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Returns how many bytes of escaped text fit in *columns of a terminal; *columns becomes how many
 * columns these take. */
size_t escape_fit(const char *text, int *columns);

#endif
