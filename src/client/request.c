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

static int string_add(struct buf *out, const void *data, size_t len)
{
	if (length_add(out, '$', len) < 0 || buf_add(out, data, len) < 0)
		return -1;
	return buf_add(out, "\r\n", 2);
}

int request_add(struct buf *out, const char *const *argv)
{
	size_t argc = 0;

	while (argv[argc] != NULL)
		argc++;
	if (length_add(out, '*', argc) < 0)
		return -1;
	for (size_t i = 0; i < argc; i++)
		if (string_add(out, argv[i], strlen(argv[i])) < 0)
			return -1;
	return 0;
}

int request_add_data(struct buf *out, const char *verb, const void *data, size_t len)
{
	if (length_add(out, '*', 2) < 0 || string_add(out, verb, strlen(verb)) < 0)
		return -1;
	return string_add(out, data, len);
}
