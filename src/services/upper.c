/* SPDX-License-Identifier: MIT */
/* a-z become A-Z, every other byte stays, as Python's bytes.upper() has it. */
#include <string.h>

#include "net/call.h"
#include "services/registry.h"

/* Bytes are taken sixteen at a time, by hand: gcc makes no vectors of a plain loop at -O2. */
typedef unsigned char block __attribute__((vector_size(16)));

static void upper(char *restrict to, const char *restrict from, size_t len)
{
	size_t i = 0;

	for (; len - i >= sizeof(block); i += sizeof(block)) {
		block bytes;

		memcpy(&bytes, from + i, sizeof(bytes));
		bytes -= (block)(bytes - 'a' < 26) & ('a' - 'A');
		memcpy(to + i, &bytes, sizeof(bytes));
	}
	for (; i < len; i++)
		to[i] = (char)(from[i] >= 'a' && from[i] <= 'z' ? from[i] - ('a' - 'A') : from[i]);
}

static int upper_request(const struct call *call)
{
	const struct slice *text = &call->argv[call->argc - 1]; /* after the verb's name, if any */
	char *to = say_bytes_space(call, text->len);

	if (to == NULL)
		return -1;
	upper(to, text->data, text->len);
	return 0;
}

static const struct verb upper_verbs[] = {
	{"UPPER", "text", "the text in upper case (ASCII)", 1, 1, upper_request},
	{.name = NULL},
};

const struct service service_upper = {
	.name = "upper",
	.summary = "sends back what it receives in upper case (ASCII)",
	.protocols = PROTOCOL_RAW | PROTOCOL_LINE | PROTOCOL_RESP,
	.flags = SERVICE_DATAGRAM,
	.request = upper_request,
	.verbs = upper_verbs,
};
