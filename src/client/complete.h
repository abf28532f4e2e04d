/* SPDX-License-Identifier: MIT */
#ifndef CLIENT_COMPLETE_H
#define CLIENT_COMPLETE_H
/*
 * What a word of a request may become: verbs, commands and files, as the server has them. The
 * server is asked over another connection than the conversation's, made at the first need, so that
 * nothing gets between the replies to what was typed.
 */
#include "client/talk.h"

struct complete {
	struct talk talk;
	const char *prefix; /* borrowed: the word so far, unquoted */
	bool quoted;        /* quote the words that are found, as they would be typed */
	char **found;       /* while they are collected: count words, NULL last */
	size_t count;
};

/* server is borrowed. */
void complete_init(struct complete *c, const struct addr_spec *server);

/* Returns what the word of a request with this index may become, where verb stands at 0: an array
 * of strings, NULL last, each from malloc(3) as the array itself; the caller takes them. NULL if
 * there is nothing. */
char **complete_word(struct complete *c, const char *verb, size_t index, const char *prefix);

/* As complete_word(), of the word line[start, end), which may be quoted; the words found are, too.
 */
char **complete_find(struct complete *c, const char *line, size_t start, size_t end);

/* Close the connection. */
void complete_free(struct complete *c);

#endif
