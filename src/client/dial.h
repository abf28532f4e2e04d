/* SPDX-License-Identifier: MIT */
#ifndef CLIENT_DIAL_H
#define CLIENT_DIAL_H
/*
 * A socket connected to a server. Of several addresses, the next one is tried as well when one has
 * not answered for a while, as RFC 8305 has it, and the first socket that connects is used.
 */
#include "net/addr.h"

#include <stdbool.h>
#include <stdint.h>

/* Connect to spec, until give_up_ms of io_clock_ms(); 0: this may block for long. Returns a
 * non-blocking socket; or -1 with the reason, which also says whether
 * the host answers at all, and takes up to a second more to find out. NULL: no reason is wanted. */
int dial(const struct addr_spec *spec, int64_t give_up_ms, struct reason *reason);

/* reset: have the end of this process reset the TCP connection fd, so that the server sees more
 * than the end of requests. Else it is closed as usual. */
void dial_reset_on_exit(int fd, bool reset);

#endif
