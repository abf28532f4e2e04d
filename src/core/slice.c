/* SPDX-License-Identifier: MIT */
#include "core/slice.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

const char *slice_print(const struct slice *s, char *text)
{
	size_t len = s->len < SLICE_TEXT_MAX - 1 ? s->len : SLICE_TEXT_MAX - 1;

	for (size_t i = 0; i < len; i++)
		text[i] = s->data[i] >= ' ' && s->data[i] <= '~' ? s->data[i] : '?';
	text[len] = '\0';
	return text;
}

bool slice_is(const struct slice *s, const char *word)
{
	return strlen(word) == s->len && strncasecmp(word, s->data, s->len) == 0;
}

bool slice_integer(const struct slice *s, int64_t *value)
{
	char text[24], *end;

	if (s->len == 0 || s->len >= sizeof(text))
		return false;
	memcpy(text, s->data, s->len);
	text[s->len] = '\0';
	if (text[strspn(text, "-0123456789")] != '\0')
		return false;
	errno = 0;
	*value = strtoll(text, &end, 10);
	return errno == 0 && end == text + s->len;
}

static int hex_digit(char c)
{
	return c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10;
}

int hex_byte(const char digits[2])
{
	if (!isxdigit((unsigned char)digits[0]) || !isxdigit((unsigned char)digits[1]))
		return -1;
	return hex_digit(digits[0]) << 4 | hex_digit(digits[1]);
}

size_t slices_len(const struct slice *slices, size_t count)
{
	size_t len = 0;

	for (size_t i = 0; i < count; i++)
		len += slices[i].len;
	return len;
}

struct slice *slices_copy(const struct slice *slices, size_t count)
{
	struct slice *copy = malloc(count * sizeof(*copy) + slices_len(slices, count));
	char *to;

	if (copy == NULL)
		return NULL;
	to = (char *)(copy + count);
	for (size_t i = 0; i < count; i++) {
		memcpy(to, slices[i].data, slices[i].len);
		copy[i] = (struct slice){to, slices[i].len};
		to += slices[i].len;
	}
	return copy;
}
