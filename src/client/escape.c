/* SPDX-License-Identifier: MIT */
#include "client/escape.h"

#include <err.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>
#include <wctype.h>

static int add_byte(struct buf *out, unsigned char byte)
{
	static const char special[] = "\nn\rr\tt";
	char text[5];
	int len;

	for (const char *s = special; *s != '\0'; s += 2)
		if (byte == (unsigned char)s[0])
			return buf_add(out, (const char[]){'\\', s[1]}, 2);
	len = snprintf(text, sizeof(text), "\\x%02x", byte);
	return buf_add(out, text, (size_t)len);
}

static int add_unprintable(struct buf *out, const char *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (add_byte(out, (unsigned char)bytes[i]) < 0)
			return -1;
	return 0;
}

/* The first byte begins no character: add it as \xHH. */
static int drop_byte(struct escape *e, struct buf *out)
{
	int result = add_byte(out, (unsigned char)e->character[0]);

	memmove(e->character, e->character + 1, --e->len);
	return result;
}

static int add_character(struct escape *e, struct buf *out, wchar_t wide)
{
	size_t len = e->len;

	e->len = 0;
	if (!iswprint((wint_t)wide))
		return add_unprintable(out, e->character, len);
	if ((wide == L'\\' || (e->quoted && wide == L'"')) && buf_add(out, "\\", 1) < 0)
		return -1;
	return buf_add(out, e->character, len);
}

/* Add the characters that are whole. */
static int take(struct escape *e, struct buf *out)
{
	int result = 0;

	while (result == 0 && e->len > 0) {
		mbstate_t state = {0};
		wchar_t wide;
		size_t used = mbrtowc(&wide, e->character, e->len, &state);

		if (used == (size_t)-2 && e->len < MB_CUR_MAX)
			return 0;
		if (used == (size_t)-1 || used == (size_t)-2)
			result = drop_byte(e, out);
		else
			result = add_character(e, out, wide);
	}
	return result;
}

int escape_add(struct escape *e, struct buf *out, const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		e->character[e->len++] = text[i];
		if (take(e, out) < 0)
			return -1;
	}
	return 0;
}

int escape_end(struct escape *e, struct buf *out)
{
	size_t len = e->len;

	e->len = 0;
	return add_unprintable(out, e->character, len);
}

int escape_text(struct buf *out, const char *text, size_t len)
{
	struct escape e = {0};

	if (escape_add(&e, out, text, len) < 0)
		return -1;
	return escape_end(&e, out);
}

char *escape_string(const char *text, size_t len)
{
	struct buf out = {0};

	if (escape_text(&out, text, len) == 0 && buf_add(&out, "", 1) == 0)
		return out.data; /* nothing was consumed, so the text begins there */
	buf_free(&out);
	return NULL;
}

void escape_warnx(const char *format, ...)
{
	char *text, *shown = NULL;
	va_list args;

	va_start(args, format);
	if (vasprintf(&text, format, args) < 0)
		text = NULL;
	va_end(args);
	if (text != NULL)
		shown = escape_string(text, strlen(text));
	warnx("%s", shown != NULL ? shown : strerror(ENOMEM));
	free(text);
	free(shown);
}

size_t escape_fit(const char *text, int *columns)
{
	mbstate_t state = {0};
	wchar_t wide;
	size_t fits = 0, len, left = strlen(text);
	int room = *columns, width;

	while (left > 0) {
		len = mbrtowc(&wide, text + fits, left, &state);
		if (len == 0 || len > left)
			break;
		width = wcwidth(wide);
		if (width < 0 || width > room)
			break;
		room -= width;
		fits += len;
		left -= len;
	}
	*columns -= room;
	return fits;
}
