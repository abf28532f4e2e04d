/* SPDX-License-Identifier: MIT */
#include "net/protocol.h"

#include <string.h>

const struct protocol *const protocols[] = {&protocol_raw, &protocol_line, NULL};

const struct protocol *protocol_find(const char *name)
{
	for (size_t i = 0; protocols[i] != NULL; i++)
		if (strcmp(protocols[i]->name, name) == 0)
			return protocols[i];
	return NULL;
}
