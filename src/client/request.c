/* SPDX-License-Identifier: MIT */
#include "client/request.h"

#include <stdio.h>
#include <string.h>

static int length_add(struct buf *out, char type, size_t length)
{
	char text[32];
	int len = snprintf(text, sizeof(text), "%c%zu\r\n", type, length);

	return buf_add(out, text, (size_t)len);
}

int request_add(struct buf *out, const char *const *argv)
{
	size_t argc = 0;

	while (argv[argc] != NULL)
		argc++;
	if (length_add(out, '*', argc) < 0)
		return -1;
	for (size_t i = 0; i < argc; i++) {
		size_t len = strlen(argv[i]);

		if (length_add(out, '$', len) < 0 || buf_add(out, argv[i], len) < 0 ||
		    buf_add(out, "\r\n", 2) < 0)
			return -1;
	}
	return 0;
}
