/* SPDX-License-Identifier: MIT */
/* RFC 868: seconds since 1900 in 32 bits, network order; they begin anew in 2036. */
#include <arpa/inet.h>
#include <time.h>

#include "net/call.h"
#include "services/registry.h"

#define SECONDS_1900_TO_1970 2208988800U

static int time_open(const struct call *call)
{
	uint32_t seconds = htonl((uint32_t)time(NULL) + SECONDS_1900_TO_1970);

	return say_bytes(call, &seconds, sizeof(seconds));
}

const struct service service_time = {
	.name = "time",
	.summary = "says seconds since 1900, and hangs up (RFC 868)",
	.protocols = PROTOCOL_RAW,
	.flags = SERVICE_DATAGRAM | SERVICE_AMPLIFIES,
	.open = time_open,
};
