/* SPDX-License-Identifier: MIT */
#ifndef CLIENT_DIAL_H
#define CLIENT_DIAL_H
/* A socket connected to a server. */
#include "net/addr.h"

#define DIAL_REASON_MAX 512 /* bytes */

/* Connect to the first address of spec that answers; this may block for long. Returns a
 * non-blocking socket, or -1 with the reason in reason[DIAL_REASON_MAX]. */
int dial(const struct addr_spec *spec, char *reason);

#endif
