/* SPDX-License-Identifier: MIT */
#ifndef CONFIG_PARSER_H
#define CONFIG_PARSER_H
/*
 * The grammar of a file: titles and keys become sections with values, by the tables of their kinds,
 * and what is wrong with them errors.
 */
#include <stdbool.h>

#include "config/settings.h"

struct parser { /* where the reading stands */
	struct settings *settings;
	const char *file; /* owned by settings->files */
	const char *rest; /* of what there is of its text, up to end */
	const char *end;
	int line;
	char word[64];           /* the first of the line handed to inih, or what of it fits */
	bool expects_key;        /* that line must come back as a key */
	bool indented;           /* it begins with blanks */
	bool continues;          /* the line before was to go on in this one */
	bool in_section;         /* a title has been seen */
	struct section *section; /* NULL: unknown, its keys are passed over */
};

/* Nothing is read yet. */
void parser_init(struct parser *p, struct settings *settings);
/* A file, borrowed, begins; what was before it is at its end. */
void parser_begin(struct parser *p, const char *file);
/* There is no more. */
void parser_end(struct parser *p);

/* A line that begins with '[', which is cut. */
void parser_title(struct parser *p, char *line);
/* One that is an error: what follows belongs to no section that is known, and is passed over. */
void parser_title_lost(struct parser *p);
/* "key = value". */
void parser_key(const struct parser *p, const char *key, char *value);
/* Whether word is a key of the section. */
bool parser_knows(const struct parser *p, const char *word);
/* A line that is an error began with word: what was meant is not missing then. */
void parser_lost(const struct parser *p, const char *word);

/* At the line that is read. */
void parser_error(const struct parser *p, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

#endif
