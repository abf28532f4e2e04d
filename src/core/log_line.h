/* SPDX-License-Identifier: MIT */
#ifndef CORE_LOG_LINE_H
#define CORE_LOG_LINE_H
/* How an event and its fields become a line of the log. Foreign text is quoted and encoded here, in
 * one place, so that it forges neither a field nor a line. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

enum log_kind {
	LOG_KIND_TEXT,
	LOG_KIND_NUMBER,
	LOG_KIND_WORDS,
};

/* One "key=value" of a line; all is borrowed until the call that makes the line returns. */
struct log_field {
	const char *key; /* of small letters, digits and '_'; NULL ends a list */
	enum log_kind kind;
	const char *data; /* NULL: the line has no such field */
	size_t len;       /* bytes of data */
	uint64_t number;  /* LOG_KIND_NUMBER */
};

static inline struct log_field log_bytes(const char *key, const char *data, size_t len)
{
	return (struct log_field){.key = key, .data = data, .len = len};
}

/* text is NUL-terminated; NULL: the line has no such field. */
static inline struct log_field log_text(const char *key, const char *text)
{
	return log_bytes(key, text, text != NULL ? strlen(text) : 0);
}

static inline struct log_field log_number(const char *key, uint64_t number)
{
	return (struct log_field){.key = key, .kind = LOG_KIND_NUMBER, .number = number};
}

/* A field "key=word" for each word in words[0, size), each ended by a NUL; a last word without its
 * NUL is shown as cut off. */
static inline struct log_field log_words(const char *key, const char *words, size_t size)
{
	return (struct log_field){.key = key, .kind = LOG_KIND_WORDS, .data = words, .len = size};
}

#define LOG_LINE_MAX 2048 /* bytes */

struct log_line {
	time_t when;
	int level;
	bool full;               /* a field had no room; it and those after it are left out */
	size_t len;              /* bytes of text */
	char text[LOG_LINE_MAX]; /* and a NUL */
};

/* Make a line with the time now. A line that would be too long ends in " ..." in place of the first
 * field that has no room. */
void log_line_make(struct log_line *line, int level, const char *event,
		   const struct log_field *fields);

#endif
