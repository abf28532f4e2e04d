/* SPDX-License-Identifier: MIT */
#ifndef CORE_REASON_H
#define CORE_REASON_H
/*
 * Why something is not done, in words for people: one line, without an end. Who refuses sets it and
 * returns -1; who decides what happens next shows or logs it, once.
 */
#include <stdarg.h>

#define REASON_MAX 1024 /* bytes, with its NUL; what is longer is cut off */

struct reason {
	char text[REASON_MAX];
};

/* Returns -1, and leaves errno as it was. */
int reason_set(struct reason *reason, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Add to what the reason says already; errno stays as it was, too. */
void reason_add(struct reason *reason, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
void reason_vadd(struct reason *reason, const char *format, va_list args)
	__attribute__((format(printf, 2, 0)));

#endif
