/* SPDX-License-Identifier: MIT */
#include "client/request.h"

#include <string.h>

#include "wire/protocol.h"

static const struct framing beginning; /* of a conversation */

/* A request is written as a list of bytes is. */
static int list_add(struct buf *out, size_t count)
{
	if (protocol_resp.composite_begin(out, &beginning, REPLY_LIST) < 0)
		return -1;
	return protocol_resp.composite_end(out, &beginning, REPLY_LIST, count);
}

static int bytes_add(struct buf *out, const void *data, size_t len)
{
	char *to = protocol_resp.bytes(out, &beginning, len);

	if (to == NULL)
		return -1;
	memcpy(to, data, len);
	return 0;
}

int request_add(struct buf *out, const char *const *argv)
{
	size_t argc = 0;

	while (argv[argc] != NULL)
		argc++;
	if (list_add(out, argc) < 0)
		return -1;
	for (size_t i = 0; i < argc; i++)
		if (bytes_add(out, argv[i], strlen(argv[i])) < 0)
			return -1;
	return 0;
}

int request_add_data(struct buf *out, const char *verb, const void *data, size_t len)
{
	if (list_add(out, 2) < 0 || bytes_add(out, verb, strlen(verb)) < 0)
		return -1;
	return bytes_add(out, data, len);
}
