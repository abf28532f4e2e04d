/* SPDX-License-Identifier: MIT */
#ifndef CLIENT_WORDS_H
#define CLIENT_WORDS_H
/*
 * A typed line as words, quoted as in a shell: '...' takes all as it is, "..." all but a
 * backslash before one of "\$` , and elsewhere a backslash takes the next character as it is.
 * Nothing is expanded.
 */
#include <stdbool.h>
#include <stddef.h>

struct words {
	size_t argc;
	char **argv;       /* owned; NULL last */
	char *text;        /* owned; what argv points into */
	size_t last_start; /* where the last word begins in the line */
	bool in_word;      /* the line ends in the last word, and not in blanks after it */
	char unfinished;   /* the quote or backslash that lacks its end, or 0 */
};

/* Split line[0, len), which has no NUL. Returns 0, and words_free() is due; or -1 with ENOMEM. */
int words_split(struct words *w, const char *line, size_t len) __attribute__((warn_unused_result));

void words_free(struct words *w);

/* Returns a word quoted, so that words_split() makes the word of it again, for free(); or NULL with
 * ENOMEM. */
char *words_quote(const char *word) __attribute__((warn_unused_result));

#endif
