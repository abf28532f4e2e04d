/* SPDX-License-Identifier: MIT */
/* RFC 862 */
#include "net/call.h"
#include "services/registry.h"

static int echo_request(const struct call *call)
{
	return say_bytes(call, call->argv[0].data, call->argv[0].len);
}

const struct service service_echo = {
	.name = "echo",
	.summary = "sends back what it receives (RFC 862)",
	.protocols = PROTOCOL_RAW | PROTOCOL_LINE | PROTOCOL_RESP,
	.flags = SERVICE_DATAGRAM,
	.request = echo_request,
};
