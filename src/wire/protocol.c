/* SPDX-License-Identifier: MIT */
#include "wire/protocol.h"

#include <string.h>

int protocol_error_line(struct buf *out, const struct framing *f, const char *text)
{
	size_t len = strlen(text);
	char *to = buf_reserve(out, len + 1);

	if (to == NULL)
		return -1;
	for (size_t i = 0; i < len; i++)
		to[i] = text[i] != '\r' && text[i] != '\n' ? text[i] : ' ';
	to[len] = '\n';
	buf_commit(out, len + 1);
	return 0;
}
