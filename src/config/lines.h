/* SPDX-License-Identifier: MIT */
#ifndef CONFIG_LINES_H
#define CONFIG_LINES_H
/*
 * A text is cut into lines, and these into titles and keys, which the parser gets. inih takes
 * "key = value" apart; lines and titles are looked at before it sees them.
 */
#include "config/parser.h"

/* More of the text of the file that p reads, borrowed; whole lines. */
void lines_read(struct parser *p, const char *text, size_t len);

#endif
