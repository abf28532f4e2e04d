/* SPDX-License-Identifier: MIT */
/* RFC 862 */
#include "net/conn.h"
#include "services/registry.h"

static int echo_request(struct conn *c, const struct request *req)
{
	return conn_reply(c, req->argv[0].data, req->argv[0].len);
}

const struct service service_echo = {
	.name = "echo",
	.summary = "sends back what it receives (RFC 862)",
	.protocols = PROTOCOL_RAW | PROTOCOL_LINE | PROTOCOL_RESP,
	.flags = SERVICE_DATAGRAM,
	.request = echo_request,
};
