/* SPDX-License-Identifier: MIT */
#include "client/rows.h"

#include <wchar.h>
#include <wctype.h>

/* Returns the column after a character that libedit shows from column on. */
static size_t column_after(size_t column, size_t columns, wchar_t wide)
{
	size_t width;

	if (wide == L'\t')
		return (column | 7) + 1;
	if (wide < 0x100 && iswcntrl((wint_t)wide))
		return column + 2; /* ^X */
	if (!iswprint((wint_t)wide))
		return column + (wide > 0xffff ? 8 : 7); /* \U+XXXXX */
	width = wcwidth(wide) > 0 ? (size_t)wcwidth(wide) : 0;
	if (column % columns + width > columns)
		column += columns - column % columns; /* a wide character is not cut in two */
	return column + width;
}

size_t rows_of(const char *text, size_t len, size_t column, size_t columns)
{
	mbstate_t state = {0};
	size_t used;
	wchar_t wide;

	for (; len > 0; text += used, len -= used) {
		used = mbrtowc(&wide, text, len, &state);
		if (used == 0 || used > len)
			break;
		column = column_after(column, columns, wide);
	}
	return column / columns;
}
