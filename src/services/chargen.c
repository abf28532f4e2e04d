/* SPDX-License-Identifier: MIT */
/* RFC 864: lines of 72 characters and CRLF, each beginning one character further in the ring
 * of the 95 printable ones. */
#include <bsd/stdlib.h>

#include "net/conn.h"
#include "services/registry.h"

#define RING 95
#define LINE_LEN 74
#define PATTERN_LEN (RING * LINE_LEN) /* bytes, after which everything repeats */
#define DATAGRAM_MAX 512              /* characters; how many is random */

/* The byte at a position of the pattern. */
static char chargen_byte(uint32_t position)
{
	uint32_t line = position / LINE_LEN, column = position % LINE_LEN;

	if (column >= LINE_LEN - 2)
		return column == LINE_LEN - 2 ? '\r' : '\n';
	return (char)(' ' + (line + column) % RING);
}

static int chargen_more(const struct call *call)
{
	size_t room =
		call->conn != NULL ? conn_room(call->conn) : arc4random_uniform(DATAGRAM_MAX + 1);
	char *to = say_bytes_space(call, room);
	uint32_t at = *call->position;

	if (to == NULL)
		return -1;
	for (size_t i = 0; i < room; i++) {
		to[i] = chargen_byte(at);
		at = (at + 1) % PATTERN_LEN;
	}
	*call->position = at;
	return 0;
}

const struct service service_chargen = {
	.name = "chargen",
	.summary = "sends characters without end (RFC 864)",
	.protocols = PROTOCOL_RAW,
	.flags = SERVICE_DATAGRAM | SERVICE_AMPLIFIES,
	.more = chargen_more,
};
