/* SPDX-License-Identifier: MIT */
#ifndef CLIENT_ROWS_H
#define CLIENT_ROWS_H
/* How much room a line takes on the screen, as libedit shows it. */
#include <stddef.h>

/* Returns how many rows below its first one text[0, len) ends, on a screen of so many columns (>
 * 0), where it begins at column. Text is in the encoding of the locale; the first byte that is no
 * character in it ends the text. */
size_t rows_of(const char *text, size_t len, size_t column, size_t columns);

#endif
