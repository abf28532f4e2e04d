/* SPDX-License-Identifier: MIT */
#ifndef CONFIG_PARSER_H
#define CONFIG_PARSER_H
/*
 * The grammar of a file: titles and keys become sections with values, by the tables of their kinds;
 * what is wrong becomes errors.
 */
#include <stdbool.h>

#include "config/settings.h"

struct parser { /* where the reading stands */
	struct settings *settings;
	const char *file; /* owned by settings->files */
	const char *rest; /* the text that is not read, up to end; borrowed, in lines_read() */
	const char *end;
	int line;                /* the one that is read, from 1 on */
	char word[64];           /* the first word of the line, or the beginning of a long one */
	bool expects_key;        /* inih has the line, and must hand a key back: key_handle() */
	bool indented;           /* the line begins with blanks */
	bool continues;          /* the line before was to go on in this one, which is an error */
	bool in_section;         /* a title has been seen in this file */
	struct section *section; /* NULL: none, or an unknown one, whose keys are passed over */
};

/* Begin to fill settings, borrowed. */
void parser_init(struct parser *p, struct settings *settings);
/* A file begins, whose name is borrowed; the one before is at its end. */
void parser_begin(struct parser *p, const char *file);
/* The last file is at its end. */
void parser_end(struct parser *p);

/* Take a line that begins with '['; the line is changed. */
void parser_title(struct parser *p, char *line);
/* A title is an error: the keys after it belong to no section that is known, and are passed over.
 */
void parser_title_lost(struct parser *p);
/* Take "key = value". */
void parser_key(const struct parser *p, const char *key, char *value);
/* Whether word is a key of the section. */
bool parser_knows(const struct parser *p, const char *word);
/* A line that is an error began with word: the key that was meant is not missing, too. */
void parser_lost(const struct parser *p, const char *word);

/* Add an error at the line that is read. */
void parser_error(const struct parser *p, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

#endif
