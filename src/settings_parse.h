/* SPDX-License-Identifier: MIT */
#ifndef SETTINGS_PARSE_H
#define SETTINGS_PARSE_H
/*
 * The grammar of a file: lines become sections with values, and what is wrong with them errors.
 * inih takes "key = value" apart; lines and titles are looked at before it sees them.
 */
#include "settings.h"

extern const struct section_kind daemon_kind;

/* Put a new section among the others, to be found by key. Returns NULL with ENOMEM. */
struct section *section_add(struct settings *settings, const struct section_kind *kind,
			    const char *key, const char *name);

/* A file, borrowed, begins; what was before it is at its end. Its text is for settings_text(). */
void parser_begin(struct parser *p, const char *file);
/* There is no more. */
void parser_end(struct parser *p);

#endif
