/* SPDX-License-Identifier: MIT */
/* a-z become A-Z, every other byte stays, as Python's bytes.upper() has it. */
#include "net/conn.h"
#include "services/registry.h"

/* Written without a branch on the data, so that compilers turn it into vector code. */
static void upper(char *restrict to, const char *restrict from, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		unsigned char byte = (unsigned char)from[i];

		to[i] = (char)(byte - (((unsigned char)(byte - 'a') < 26) << 5));
	}
}

static int upper_request(struct conn *c, const struct request *req)
{
	char *to = conn_reply_space(c, req->argv[0].len);

	if (to == NULL)
		return -1;
	upper(to, req->argv[0].data, req->argv[0].len);
	return 0;
}

const struct service service_upper = {
	.name = "upper",
	.summary = "sends back what it receives in upper case (ASCII)",
	.protocols = PROTOCOL_RAW | PROTOCOL_LINE,
	.flags = SERVICE_DATAGRAM,
	.request = upper_request,
};
