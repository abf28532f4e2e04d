/* SPDX-License-Identifier: MIT */
#include "core/slice.h"

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
