/* SPDX-License-Identifier: MIT */
#include "wire/protocols.h"

#include <string.h>

const struct protocol *const protocols[] = {
#define PROTOCOL(NAME, name) &protocol_##name,
#include "wire/protocols.def"
#undef PROTOCOL
	NULL,
};

const struct protocol *protocol_find(const char *name)
{
	for (size_t i = 0; protocols[i] != NULL; i++)
		if (strcmp(protocols[i]->name, name) == 0)
			return protocols[i];
	return NULL;
}
