/* SPDX-License-Identifier: MIT */
/* RFC 867 */
#include <time.h>

#include "net/call.h"
#include "services/registry.h"

static int daytime_open(const struct call *call)
{
	char text[64];
	struct tm tm;
	time_t now = time(NULL);

	localtime_r(&now, &tm);
	return say_bytes(call, text, strftime(text, sizeof(text), "%a %b %e %H:%M:%S %Y\r\n", &tm));
}

const struct service service_daytime = {
	.name = "daytime",
	.summary = "says date and time of day, and hangs up (RFC 867)",
	.protocols = PROTOCOL_RAW,
	.flags = SERVICE_DATAGRAM | SERVICE_AMPLIFIES,
	.open = daytime_open,
};
