/* SPDX-License-Identifier: MIT */
#ifndef WIRE_PROTOCOLS_H
#define WIRE_PROTOCOLS_H
/* All there are. */
#include "wire/protocol.h"

/* NULL-terminated. */
extern const struct protocol *const protocols[];

/* Returns NULL where there is none of that name. */
const struct protocol *protocol_find(const char *name);

#endif
