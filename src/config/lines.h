/* SPDX-License-Identifier: MIT */
#ifndef CONFIG_LINES_H
#define CONFIG_LINES_H
/*
 * A text is cut into lines, and lines into titles and keys, which the parser gets. inih takes
 * "key = value" apart; lines and titles are looked at before inih sees them.
 */
#include "config/parser.h"

/* Parse text[0, len), whole lines: more of the text of the file that p reads. */
void lines_read(struct parser *p, const char *text, size_t len);

#endif
