/* SPDX-License-Identifier: MIT */
#ifndef WIRE_PROTOCOLS_H
#define WIRE_PROTOCOLS_H
/* All protocols; protocols.def lists them. */
#include "wire/protocol.h"

/* All protocols, NULL-terminated. */
extern const struct protocol *const protocols[];

/* Returns the protocol of that name, or NULL. */
const struct protocol *protocol_find(const char *name);

#endif
