/* SPDX-License-Identifier: MIT */
#include "services/writer.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "wire/page.h"

#define NUMBER_MAX 21  /* bytes, with the NUL */
#define PIECE_MAX 1024 /* bytes of one write_format(), which are its caller's to bound */

void write_text(struct writer *w, const char *text)
{
	if (!w->failed)
		w->failed = buf_add(w->out, text, strlen(text)) < 0;
}

void write_number(struct writer *w, uint64_t number)
{
	char digits[NUMBER_MAX], *at = digits + sizeof(digits);

	*--at = '\0';
	do {
		*--at = (char)('0' + number % 10);
		number /= 10;
	} while (number > 0);
	write_text(w, at);
}

void write_format(struct writer *w, const char *format, ...)
{
	char piece[PIECE_MAX];
	va_list args;
	int len;

	va_start(args, format);
	len = vsnprintf(piece, sizeof(piece), format, args);
	va_end(args);
	assert(len >= 0 && len < PIECE_MAX);
	write_text(w, piece);
}

void write_escaped(struct writer *w, const char *text)
{
	if (!w->failed)
		w->failed = page_text(w->out, text, strlen(text)) < 0;
}
