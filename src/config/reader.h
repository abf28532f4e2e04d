/* SPDX-License-Identifier: MIT */
#ifndef CONFIG_READER_H
#define CONFIG_READER_H
/*
 * Texts become settings, one after the other, wherever they come from: parser_init(); for each file
 * reader_file() and its text, whole lines at a time, lines_read(); then reader_end().
 */
#include "config/lines.h"

/* A file begins; path is copied. Returns 0, or -1 with ENOMEM. */
int reader_file(struct parser *p, const char *path) __attribute__((warn_unused_result));

/* That was all: what does not go together becomes errors. Returns the settings, which
 * p has no more; or NULL with ENOMEM, where an error could not be noted. */
struct settings *reader_end(struct parser *p);

/* Add the warnings of the schema; those of sections, which look at the system, are not added here.
 */
void reader_warn(struct settings *s);

#endif
