/* SPDX-License-Identifier: MIT */
/* RFC 863 */
#include "net/service.h"
#include "services/registry.h"

const struct service service_discard = {
	.name = "discard",
	.summary = "throws away what it receives (RFC 863)",
	.protocols = PROTOCOL_RAW,
	.flags = SERVICE_DATAGRAM,
};
