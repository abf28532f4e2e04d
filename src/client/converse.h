/* SPDX-License-Identifier: MIT */
#ifndef CLIENT_CONVERSE_H
#define CLIENT_CONVERSE_H
/*
 * Talk to a server by hand or through a pipe. One poll(2) loop moves bytes from standard input to
 * the server and from the server to standard output, each way through a queue with a bound: a side
 * whose bytes are not taken is not read.
 */
#include "net/addr.h"

#include <stdbool.h>
#include <stdint.h>

/* Carry bytes as they are; newline: each typed line is sent whole and with a newline. timeout_ms:
 * to connect, and for the server's silence once the input has ended; 0: as long as it takes.
 * Returns the exit status. */
int converse(const struct addr_spec *spec, bool newline, int64_t timeout_ms);

/* Have a prompt of requests in the protocol resp, for a person; timeout_ms as for converse().
 * Returns the exit status. */
int converse_in_requests(const struct addr_spec *spec, int64_t timeout_ms);

#endif
