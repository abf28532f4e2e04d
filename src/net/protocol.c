/* SPDX-License-Identifier: MIT */
#include "net/protocol.h"

#include <string.h>

const struct protocol *const protocols[] = {&protocol_raw, &protocol_line, NULL};

int protocol_error_line(struct buf *out, const char *text)
{
	if (buf_add(out, text, strlen(text)) < 0)
		return -1;
	return buf_add(out, "\n", 1);
}

const struct protocol *protocol_find(const char *name)
{
	for (size_t i = 0; protocols[i] != NULL; i++)
		if (strcmp(protocols[i]->name, name) == 0)
			return protocols[i];
	return NULL;
}
