/* SPDX-License-Identifier: MIT */
#ifndef CLIENT_ROWS_H
#define CLIENT_ROWS_H
/* How much room a line takes on the screen, as libedit shows it. */
#include <stddef.h>

/* Returns how many rows below its first text[0, len) ends, in the encoding of the locale, which
 * begins at this column of columns (> 0); what is no character is not looked at, nor what is after
 * it. */
size_t rows_of(const char *text, size_t len, size_t column, size_t columns);

#endif
