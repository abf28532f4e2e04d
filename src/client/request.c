/* SPDX-License-Identifier: MIT */
#include "client/request.h"

#include <string.h>

#include "wire/protocol.h"

/* A request is written as a list of bytes is. */
int request_add(struct buf *out, const char *const *argv)
{
	size_t argc = 0;

	while (argv[argc] != NULL)
		argc++;
	if (protocol_resp.composite_begin(out, REPLY_LIST) < 0 ||
	    protocol_resp.composite_end(out, REPLY_LIST, argc) < 0)
		return -1;
	for (size_t i = 0; i < argc; i++) {
		size_t len = strlen(argv[i]);
		char *to = protocol_resp.bytes(out, NULL, len);

		if (to == NULL)
			return -1;
		memcpy(to, argv[i], len);
	}
	return 0;
}
