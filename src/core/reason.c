/* SPDX-License-Identifier: MIT */
#include "core/reason.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

void reason_vadd(struct reason *reason, const char *format, va_list args)
{
	size_t len = strlen(reason->text);
	int error = errno;

	vsnprintf(reason->text + len, REASON_MAX - len, format, args);
	errno = error;
}

int reason_set(struct reason *reason, const char *format, ...)
{
	va_list args;

	reason->text[0] = '\0';
	va_start(args, format);
	reason_vadd(reason, format, args);
	va_end(args);
	return -1;
}

void reason_add(struct reason *reason, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	reason_vadd(reason, format, args);
	va_end(args);
}
